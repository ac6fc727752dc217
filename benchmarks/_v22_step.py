"""A training step in v2.2's structure, to measure ours against.

v2.2 compiled four functions — discriminator A, discriminator B, generator A, generator B — and called them one after
the other, the generators' on a fresh batch. Each has an optimizer of its own and runs the generator anew. The networks
and the loss terms are those of `FaceSwapGAN`; only the four functions' structure is re-expressed here, for
TensorFlow 2.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from fsgan_utils.training import FaceSwapGAN, TrainConfig
from fsgan_utils.training.gan import SIDES


class V22Step:
    """One training step: both discriminators on one batch, both generators on another.

    Args:
        model: whose networks are trained; its loss weights must be set before the first step and stay as they are.
        settings: learning rates and adversary.
    """

    def __init__(self, model: FaceSwapGAN, settings: TrainConfig) -> None:
        """Build the four functions, each with an Adam of its own."""
        self.model = model
        model.adversary = settings.adversary
        generators = [[model.encoder, model.decoders[side]] for side in SIDES]
        discriminators = [[model.discriminators[side]] for side in SIDES]
        self.functions = [
            *(self._function(*pair, True, settings) for pair in zip(SIDES, discriminators, strict=True)),
            *(self._function(*pair, False, settings) for pair in zip(SIDES, generators, strict=True)),
        ]

    def __call__(self, discriminator_batch: dict, generator_batch: dict) -> list[float]:
        """Run the four functions on batches as `PairedBatches` makes them; return their losses."""
        batches = [batch[side] for batch in (discriminator_batch, generator_batch) for side in SIDES]
        return [float(function(batch)) for function, batch in zip(self.functions, batches, strict=True)]

    def _function(self, side: str, networks: list[keras.Model], judging: bool, settings: TrainConfig) -> Any:
        rate = settings.discriminator_learning_rate if judging else settings.learning_rate
        optimizer = keras.optimizers.Adam(rate, beta_1=settings.beta_1)
        variables = [variable for network in networks for variable in network.trainable_variables]
        optimizer.build(variables)

        @tf.function
        def train(batch: dict) -> Any:
            with tf.GradientTape() as tape:
                terms = self._terms(side, batch)
                judgement = terms.pop("discriminator")
                loss = judgement if judging else sum(terms.values())
                loss += self.model.scales["weight_decay"] * sum(sum(network.losses) for network in networks)
            gradients = tape.gradient(loss, [variable.value for variable in variables])
            optimizer.apply(gradients, variables)
            return loss

        return train

    def _terms(self, side: str, batch: dict) -> dict[str, Any]:
        """Draw one person and return the loss terms; TensorFlow prunes those that a function does not use."""
        model = self.model
        drawn = model.decoders[side](model.encoder(batch["warped"], training=True), training=True)
        outputs = drawn if isinstance(drawn, list) else [drawn]
        return model._side_terms(side, {side: batch}, {side: outputs})
