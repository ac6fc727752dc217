"""A training step in v2.2's structure, to measure ours against.

v2.2 compiled four functions — discriminator A, discriminator B, generator A, generator B — and called them one after
the other, the generators' on a fresh batch. Each has an optimizer of its own and runs the generator anew. Networks,
losses and weights are v2.2's (without the perceptual term), in float32 and with full self-attention; only the four
functions' structure is re-expressed here, for TensorFlow 2.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsgan_utils.training import losses
from fsgan_utils.training.config import LossWeights, ModelConfig
from fsgan_utils.training.networks import build_decoder, build_discriminator, build_encoder

WEIGHTS = LossWeights()


class V22Step:
    """One training step: both discriminators on one batch, both generators on another.

    Args:
        config: the networks' shape, "standard" or "lite".
    """

    def __init__(self, config: ModelConfig) -> None:
        """Build the networks, the optimizers and the four functions."""
        self.encoder = build_encoder(config)
        self.decoders = {side: build_decoder(config) for side in "ab"}
        self.discriminators = {side: build_discriminator(config) for side in "ab"}
        self.functions = [
            *(tf.function(self._discriminator_function(side)) for side in "ab"),
            *(tf.function(self._generator_function(side)) for side in "ab"),
        ]

    def __call__(self, discriminator_batch: dict, generator_batch: dict) -> list[float]:
        """Run the four functions; batches are `{"a": {"warped", "target", "eyes"}, "b": ...}`, float32 arrays."""
        batches = [discriminator_batch["a"], discriminator_batch["b"], generator_batch["a"], generator_batch["b"]]
        return [
            float(function(batch["warped"], batch["target"], batch["eyes"]))
            for function, batch in zip(self.functions, batches, strict=True)
        ]

    def _discriminator_function(self, side: str) -> Any:
        network, optimizer = self.discriminators[side], _adam()
        optimizer.build(network.trainable_variables)

        def train(warped: Any, target: Any, eyes: Any) -> Any:
            with tf.GradientTape() as tape:
                _, colour, masked, _ = self._draw(side, warped)
                factor = keras.random.beta((), 0.2, 0.2)
                mixed = [losses.mixup(target, fake, factor) for fake in (masked, colour)]
                scores = [network(ops.concatenate([image, warped], -1), training=True) for image in mixed]
                loss = losses.lsgan(scores, factor) + sum(network.losses)
            return _minimise(tape, loss, network.trainable_variables, optimizer)

        return train

    def _generator_function(self, side: str) -> Any:
        variables = self.encoder.trainable_variables + self.decoders[side].trainable_variables
        optimizer = _adam()
        optimizer.build(variables)
        network = self.discriminators[side]

        def train(warped: Any, target: Any, eyes: Any) -> Any:
            with tf.GradientTape() as tape:
                alpha, colour, masked, auxiliary = self._draw(side, warped)
                scores = [network(ops.concatenate([image, warped], -1), training=True) for image in (masked, colour)]
                loss = WEIGHTS.adversarial * losses.lsgan(scores, 1)
                loss += WEIGHTS.reconstruction * losses.reconstruction(colour, target, auxiliary)
                loss += WEIGHTS.edge * losses.edge(colour, target)
                loss += WEIGHTS.eyes * losses.eye_reconstruction(colour, target, eyes)
                loss += WEIGHTS.eyes * losses.eye_edge(colour, target, eyes)
                loss += WEIGHTS.mask_l1 * losses.mask_l1(alpha)
                loss += WEIGHTS.mask_tv * losses.mask_total_variation(alpha)
                loss += sum(self.encoder.losses) + sum(self.decoders[side].losses)
            return _minimise(tape, loss, variables, optimizer)

        return train

    def _draw(self, side: str, warped: Any) -> tuple[Any, Any, Any, list]:
        """Return alpha, colour, the colour laid over the input, and the auxiliary outputs."""
        outputs = self.decoders[side](self.encoder(warped, training=True), training=True)
        *auxiliary, output = outputs if isinstance(outputs, list) else [outputs]
        alpha, colour = losses.split_output(output)
        return alpha, colour, losses.mask_blend(alpha, colour, warped), auxiliary


def _adam() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(1e-4, beta_1=0.5)


def _minimise(tape: Any, loss: Any, variables: list, optimizer: keras.optimizers.Optimizer) -> Any:
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    optimizer.apply(gradients, variables)
    return loss
