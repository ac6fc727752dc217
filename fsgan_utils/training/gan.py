"""The model: one encoder, a decoder and a discriminator per person, and the loss that trains them together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from fsgan_utils.heads import Proportions
from fsgan_utils.settings import one_of
from fsgan_utils.training import losses
from fsgan_utils.training.config import LossWeights, ModelConfig, TrainConfig
from fsgan_utils.training.muon import ConvolutionMuon
from fsgan_utils.training.networks import build_decoder, build_discriminator, build_encoder

if TYPE_CHECKING:
    from fsgan_utils.training.perceptual import PerceptualLoss

SIDES = ("a", "b")
DIRECTIONS = {"AtoB": "b", "BtoA": "a"}
"""Which side's decoder draws the face, by direction."""
COSTLY_TERMS = ("adversarial", "cycle", "dssim", "edge", "perceptual", "weight_decay")
"""Loss terms that the training step leaves out while their weight is 0."""
TRACKED = ("loss", "reconstruction", "mask", "perceptual", "generator", "discriminator")
"""What is reported of a step: the sum, and the weighted terms it is made of, weight decay apart."""
BETA = 0.2
"""Both parameters of the Beta distribution that mixup draws its factor from."""


class FaceSwapGAN(keras.Model):
    """Learns to draw person A and person B from what they share: pose, expression and light.

    A batch is `{"a": {...}, "b": {...}}` with float32 `warped` and `target` (N, R, R, 3), RGB in [-1, 1], and where
    the data has them `eyes`, `mouth` and `face` (N, R, R, 1) in [0, 1]; a guided model's has `guide`, see
    `PairedBatches`. Compiled by `prepare`, it is trained by the
    stock `fit`: one step trains the generators and the discriminators, and `stop_gradient` decides who learns from
    what.

    Args:
        config: shape of the networks.
        weights: how the loss terms add up; can be changed at any time by `set_loss_weights`.

    Attributes:
        iteration: steps trained so far.
        exchanged: whether decoders A and B have changed places (`exchange_decoders`).
        perceptual: the `PerceptualLoss`, or None.
        proportions: of a guided model, how the faces of both people are built; `train` finds them out.
        pair: what both people look like, see `training.pair.Pair`; None where that is not known. `train` finds it out.

    Reference: Lu, "faceswap-GAN", v2.2 (2018).
    """

    def __init__(self, config: ModelConfig, weights: LossWeights = LossWeights()) -> None:  # noqa: B008
        """See the class."""
        super().__init__(name="face_swap_gan")
        self.config = config
        self.encoder = _build("encoder", build_encoder, config)
        self.decoders = {side: _build(f"decoder_{side}", build_decoder, config) for side in SIDES}
        self.discriminators = {side: _build(f"discriminator_{side}", build_discriminator, config) for side in SIDES}
        self.seed_generator = keras.random.SeedGenerator(0)
        self.iteration = 0
        self.exchanged = False
        self.perceptual: Any = None
        self.proportions: Proportions | None = None
        self.pair: Mapping[str, np.ndarray] | None = None
        self.adversary = "mixup_lsgan"
        self.scales = {name: self.add_weight(shape=(), trainable=False, name=name) for name in asdict(weights)}
        self.trackers = {name: keras.metrics.Mean(name) for name in TRACKED}
        self.set_loss_weights(weights)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks by the names of v2.2's files."""
        return {
            "encoder": self.encoder,
            "decoder_A": self.decoders["a"],
            "decoder_B": self.decoders["b"],
            "netDA": self.discriminators["a"],
            "netDB": self.discriminators["b"],
        }

    def prepare(self, settings: TrainConfig, perceptual: PerceptualLoss | None = None) -> None:
        """Compile for training: one optimizer for the encoder and the decoders, an Adam for the discriminators.

        Args:
            settings: optimizer, learning rates and adversary.
            perceptual: what the perceptual term compares by; needed before its weight is more than 0.
        """
        self.adversary = settings.adversary
        self.perceptual = perceptual
        judges = {id(v) for side in SIDES for v in self.discriminators[side].trainable_variables}
        make = {"adam": keras.optimizers.Adam, "muon": ConvolutionMuon}[settings.optimizer]
        self.generator_optimizer = make(settings.learning_rate, beta_1=settings.beta_1)
        self.discriminator_optimizer = keras.optimizers.Adam(
            settings.discriminator_learning_rate, beta_1=settings.beta_1
        )
        chosen = {True: self.discriminator_optimizer, False: self.generator_optimizer}
        optimizer = keras.optimizers.MultiOptimizer(lambda variable: chosen[id(variable) in judges])
        self.compile(optimizer=optimizer, jit_compile=False if keras.backend.backend() == "tensorflow" else "auto")
        self.built = True
        optimizer.build(self.trainable_variables)

    def set_loss_weights(self, weights: LossWeights) -> None:
        """Change how the loss terms add up; the optimizers keep their state.

        A costly term whose weight becomes or ceases to be 0 changes the training step, which is then traced anew.

        Raises:
            ValueError: the perceptual term has a weight, but the model nothing to compare by.
        """
        if weights.perceptual and self.perceptual is None:
            raise ValueError(
                "LossWeights.perceptual is more than 0, but this model has no perceptual loss. "
                "Give one to `prepare` or `open_model` (`find_perceptual_loss()` makes it), or set the weight to 0"
            )
        previous = getattr(self, "loss_weights", None)
        self.loss_weights = weights
        for name, value in asdict(weights).items():
            self.scales[name].assign(value)
        if self.compiled and (previous is None or _active(previous) != _active(weights)):
            self.make_train_function(force=True)

    def reseed(self, seed: Sequence[int]) -> None:
        """Start the random draws made while training anew, from whole numbers such as a seed and an iteration."""
        self.seed_generator.state.assign(np.random.SeedSequence(seed).generate_state(2))

    @property
    def metrics(self) -> list:
        """The running means that `fit` reports and resets."""
        return list(self.trackers.values())

    def call(self, inputs: dict, training: bool | None = None) -> dict:
        """Draw each person from their own distorted images.

        Returns:
            By side, the decoder's outputs: auxiliary colours, then alpha and colour (N, R, R, 4).
        """
        distorted = ops.concatenate([inputs[side]["warped"] for side in SIDES])
        codes = ops.split(self.encoder(distorted, training=training), 2)
        return {
            side: _outputs(self.decoders[side](self._guided(code, inputs[side]), training=training))
            for side, code in zip(SIDES, codes, strict=True)
        }

    def _guided(self, code: Any, batch: Mapping[str, Any]) -> Any:
        """What a decoder takes: the code, and the guide if the model is guided."""
        return [code, batch["guide"]] if self.config.guide else code

    def generate(self, images: np.ndarray, direction: str, guides: np.ndarray | None = None) -> np.ndarray:
        """Draw the other person with the pose and expression of these images.

        Args:
            images: float32 RGB (N, R, R, 3) in [-1, 1].
            direction: "AtoB" puts B's face on A's images, "BtoA" A's on B's.
            guides: float32 (N, R, R, 3) in [0, 1], where the features of the face are to be drawn, see `draw_guide`;
                blank where that is not known. Only for a guided model; None for all blank.

        Returns:
            float32 (N, R, R, 4): alpha in [0, 1], then RGB in [-1, 1].

        Raises:
            ValueError: the direction is unknown, the images have another size than the networks or the guides another
            than the images, or the model is not guided.
        """
        one_of("direction", direction, DIRECTIONS)
        side = self.config.resolution
        if images.ndim != 4 or images.shape[1:] != (side, side, 3):
            raise ValueError(f"images must be (N, {side}, {side}, 3). Received: {images.shape}")
        if guides is not None and not self.config.guide:
            raise ValueError("this model is not guided (ModelConfig.guide is False), but was given guides")
        guides = np.zeros_like(images) if guides is None else guides
        if guides.shape != images.shape:
            raise ValueError(f"guides must have the images' shape, {images.shape}. Received: {guides.shape}")
        inputs = self._guided(self.encoder.predict_on_batch(images), {"guide": guides})
        return np.asarray(_outputs(self.decoders[DIRECTIONS[direction]].predict_on_batch(inputs))[-1], np.float32)

    def fingerprint(self) -> str:
        """What tells it from models that draw otherwise: a hash of the weights that `generate` uses."""
        hashed = hashlib.sha256()
        for network in (self.encoder, *self.decoders.values()):
            for weight in network.get_weights():
                hashed.update(weight.tobytes())
        for shape in self.proportions.shapes.values() if self.proportions else ():
            hashed.update(shape.tobytes())
        return hashed.hexdigest()

    def compute_loss(
        self,
        x: dict | None = None,
        y: Any = None,
        y_pred: dict | None = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss of one batch, generators' and discriminators' together, and track its terms."""
        x = keras.tree.map_structure(ops.convert_to_tensor, x)  # PyTorch's train_on_batch hands arrays on as they are
        total = 0.0
        terms: dict[str, Any] = dict.fromkeys(self.trackers, 0.0)
        for side in SIDES:
            for name, value in self._side_terms(side, x, y_pred).items():
                terms[name] = terms[name] + value
                total = total + value
        if self.loss_weights.weight_decay:
            total = total + self.scales["weight_decay"] * sum(self.losses)
        terms["loss"] = total
        for name, value in terms.items():
            self.trackers[name].update_state(value)
        return total

    def draw_mix_factor(self) -> Any:
        """Draw the share of one image in a mixture of two: a scalar from Beta(.2, .2)."""
        return keras.random.beta((), BETA, BETA, seed=self.seed_generator)

    def _side_terms(self, side: str, x: Any, drawn: Any) -> dict[str, Any]:
        batch = x[side]
        *auxiliary, output = drawn[side]
        alpha, colour = losses.split_output(output)
        terms = {
            "reconstruction": self._reconstruction(batch, colour, auxiliary),
            "mask": self._mask(batch, alpha),
        }
        masked = losses.mask_blend(alpha, colour, batch["warped"])
        if self.loss_weights.adversarial:
            terms["generator"], terms["discriminator"] = self._adversarial(side, batch, colour, masked)
        else:
            terms["discriminator"] = _no_gradient(self.discriminators[side])
        if self.loss_weights.perceptual:
            mixed = losses.mixup(colour, masked, self.draw_mix_factor())
            terms["perceptual"] = self.scales["perceptual"] * self.perceptual(batch["target"], mixed)
        if self.loss_weights.cycle:
            terms["reconstruction"] += self._cycle(side, batch)
        return terms

    def _reconstruction(self, batch: dict, colour: Any, auxiliary: list) -> Any:
        weights, scales, target = self.loss_weights, self.scales, batch["target"]
        if "face" in batch:
            importance = scales["background"] + (1 - scales["background"]) * batch["face"]
            colour, target = importance * colour, importance * target
            auxiliary = [small * losses.resize(importance, small.shape[1:3]) for small in auxiliary]
        total = scales["reconstruction"] * losses.reconstruction(colour, target, auxiliary)
        if weights.edge:
            total = total + scales["edge"] * losses.edge(colour, target)
        for part in ("eyes", "mouth"):
            if part in batch:
                errors = losses.eye_reconstruction(colour, target, batch[part])
                if weights.edge:
                    errors = errors + losses.eye_edge(colour, target, batch[part])
                total = total + scales[part] * errors
        if weights.dssim:
            total = total + scales["dssim"] * losses.dssim(colour, target)
        return total

    def _mask(self, batch: dict, alpha: Any) -> Any:
        scales = self.scales
        total = scales["mask_tv"] * losses.mask_total_variation(alpha)
        total = total + scales["mask_l1"] * losses.mask_l1(alpha)
        total = total + scales["mask_hinge"] * losses.mask_hinge(alpha, scales["mask_hinge_floor"])
        if "face" in batch:
            total = total + scales["face_mask"] * ops.mean(ops.abs(alpha - batch["face"]))
        return total

    def _adversarial(self, side: str, batch: dict, colour: Any, masked: Any) -> tuple[Any, Any]:
        """Return the terms that the generator and that the discriminator learns from."""
        judge, real, distorted = self.discriminators[side], batch["target"], batch["warped"]

        def score(image: Any, learn: bool) -> Any:
            pair = ops.concatenate([image, distorted], axis=-1)
            return judge(pair, training=True) if learn else _frozen(judge, pair)

        fakes = [ops.stop_gradient(masked), ops.stop_gradient(colour)]
        if self.adversary == "mixup_lsgan":
            factor = self.draw_mix_factor()
            judged = losses.lsgan([score(losses.mixup(real, fake, factor), True) for fake in fakes], factor)
            fooled = losses.lsgan([score(masked, False), score(colour, False)], 1)
        else:
            judged = losses.relativistic_lsgan_discriminator(*(score(image, True) for image in (real, *fakes)))
            fooled = losses.relativistic_lsgan_generator(*(score(image, False) for image in (real, masked, colour)))
        return self.scales["adversarial"] * fooled, judged

    def _cycle(self, side: str, batch: dict) -> Any:
        other = SIDES[1 - SIDES.index(side)]
        alpha, there = losses.split_output(self._draw(other, batch["target"], batch))
        alpha_back, back = losses.split_output(self._draw(side, there, batch))
        return self.scales["cycle"] * losses.cycle(batch["target"], back, alpha, alpha_back)

    def _draw(self, side: str, images: Any, batch: Mapping[str, Any]) -> Any:
        code = self._guided(self.encoder(images, training=True), batch)
        return _outputs(self.decoders[side](code, training=True))[-1]


def _build(name: str, builder: Callable[[ModelConfig], keras.Model], config: ModelConfig) -> keras.Model:
    """Build a network under a name of its own.

    Keras' PyTorch engine knows variables by their paths: of two with the same path it would forget one, and never
    reset its gradient.
    """
    with keras.name_scope(name):
        return builder(config)


def _outputs(decoded: Any) -> list:
    return list(decoded) if isinstance(decoded, list | tuple) else [decoded]


def _active(weights: LossWeights) -> frozenset:
    return frozenset(name for name in COSTLY_TERMS if getattr(weights, name))


def _frozen(network: keras.Model, inputs: Any) -> Any:
    """Call a network so that gradients reach its inputs but not its weights."""
    weights = [ops.stop_gradient(variable) for variable in network.trainable_variables]
    return network.stateless_call(weights, network.non_trainable_variables, inputs, training=True)[0]


def _no_gradient(network: keras.Model) -> Any:
    """Return a loss of 0 whose gradient is 0 for every weight: engines complain of weights without a gradient."""
    return 0.0 * sum(ops.sum(variable) for variable in network.trainable_variables)
