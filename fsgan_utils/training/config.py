"""The settings of the networks and of a training run, each checked where it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fsgan_utils.faces import CROPS
from fsgan_utils.settings import check_kinds, one_of

RESOLUTIONS = (64, 128, 256)
CAPACITIES = ("standard", "lite", "compact")
NORMS = ("layernorm", "instancenorm", "groupnorm", "batchnorm", "hybrid", "none")
ATTENTIONS = ("full", "pooled")
ADVERSARIES = ("mixup_lsgan", "relativistic_lsgan")
OPTIMIZERS = ("adam", "muon")
V22_NORMS = {
    "instancenorm": "layernorm",
    "layernorm": "instancenorm",
    "groupnorm": "groupnorm",
    "batchnorm": "batchnorm",
    "hybrid": "hybrid",
    "none": "none",
}
"""What v2.2 called each normalisation, and what it is."""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the networks.

    Attributes:
        resolution: side of the face image the networks see, 64, 128 or 256 pixels.
        capacity: "standard" and "lite" are v2.2's networks; "compact" is ours, without norms or
            self-attention, the quickest to learn on a CPU.
        norm: "layernorm" (over H, W and C; what v2.2 called instancenorm), "instancenorm",
            "groupnorm" (16 groups), "batchnorm", "hybrid" or "none". "compact" has none.
        self_attention: whether the standard and lite networks carry self-attention blocks.
        attention: "full", as v2.2, or "pooled": keys and values max-pooled 2×2 on maps of 32 pixels
            or more, as in the SAGAN paper (Zhang et al., 2019).
        crop: how the faces are cut: "half" as v2.2, which cuts long chins, or "full"; see `Alignment.from_landmarks`.
        guide: whether the decoders are shown where to draw the features of the face, see `fsgan_utils.guides`; ours,
            for "compact" only.

    Raises:
        ValueError: a value is not one of those above, or `guide` does not go with the capacity.
    """

    resolution: int = 64
    capacity: str = "standard"
    norm: str = "layernorm"
    self_attention: bool = True
    attention: str = "pooled"
    crop: str = "full"
    guide: bool = False

    def __post_init__(self) -> None:
        """Check every value."""
        check_kinds(self)
        one_of("resolution", self.resolution, RESOLUTIONS)
        one_of("capacity", self.capacity, CAPACITIES)
        one_of("norm", self.norm, NORMS)
        one_of("attention", self.attention, ATTENTIONS)
        one_of("crop", self.crop, CROPS)
        if self.guide and self.capacity != "compact":
            raise ValueError(f'guide=True needs capacity "compact". Received: {self.capacity!r}')

    @classmethod
    def from_v22(
        cls,
        IMAGE_SHAPE: tuple[int, int, int] = (64, 64, 3),  # noqa: N803
        norm: str = "instancenorm",
        use_self_attn: bool = True,
        model_capacity: str = "standard",
    ) -> ModelConfig:
        """Map v2.2's settings, under their old names and with its defaults, to ours.

        Raises:
            ValueError: v2.2 did not know the value.
        """
        one_of("norm", norm, tuple(V22_NORMS))
        one_of("model_capacity", model_capacity, ("standard", "lite"))
        if len(IMAGE_SHAPE) != 3 or IMAGE_SHAPE[0] != IMAGE_SHAPE[1] or IMAGE_SHAPE[2] != 3:
            raise ValueError(f"IMAGE_SHAPE must be (side, side, 3). Received: {IMAGE_SHAPE}")
        return cls(IMAGE_SHAPE[0], model_capacity, V22_NORMS[norm], use_self_attn, "full", "half")


@dataclass(frozen=True)
class LossWeights:
    """How the terms of the generator's loss add up; the defaults are v2.2's. A weight of 0 switches a term off.

    Attributes:
        adversarial: of the adversarial term.
        reconstruction: of the absolute error of the drawn colour, and of the auxiliary outputs'.
        edge: of the error of its edges.
        eyes: of both errors again, within the eye mask.
        mouth: the same within the mouth mask, where the training images come with one; ours.
        mask_l1: of the mask's mean, which keeps it small.
        mask_hinge: of the mask's falling short of `mask_hinge_floor`; v2.2 sets `mask_l1` to 0 where it uses it.
        mask_hinge_floor: the alpha, 0 to 1, below which the hinge pulls upwards; at 0 it never does.
        mask_tv: of the mask's total variation, which keeps it smooth.
        cycle: of the swap to the other person and back; v2.2's, where switched on, is 10.
        perceptual: of the four perceptual terms together; v2.2 switches it on (1) after a fifth of the training.
        dssim: of the structural dissimilarity; ours.
        background: of what lies outside the face's outline in every error of the drawn colour, where the training
            images come with an outline, relative to the face; ours, 1 is v2.2's.
        face_mask: of the mask's distance from the face's outline, where the training images come with one; ours.
        weight_decay: of the L2 penalty, 1e-4 on every kernel of v2.2's blocks.

    Raises:
        ValueError: a weight is negative or not finite, or the floor is above 1.
    """

    adversarial: float = 0.1
    reconstruction: float = 1.0
    edge: float = 0.1
    eyes: float = 30.0
    mouth: float = 0.0
    mask_l1: float = 0.01
    mask_hinge: float = 0.1
    mask_hinge_floor: float = 0.0
    mask_tv: float = 0.1
    cycle: float = 0.0
    perceptual: float = 0.0
    dssim: float = 0.0
    background: float = 1.0
    face_mask: float = 0.0
    weight_decay: float = 1.0

    def __post_init__(self) -> None:
        """Check every weight."""
        check_kinds(self)
        for name, value in vars(self).items():
            if not 0 <= value < math.inf:
                raise ValueError(f"LossWeights.{name} must be a finite number, 0 or more. Received: {value!r}")
        if self.mask_hinge_floor > 1:
            raise ValueError(f"LossWeights.mask_hinge_floor must be 1 or less. Received: {self.mask_hinge_floor!r}")


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained; the defaults are v2.2's.

    Attributes:
        iterations: steps of the whole schedule, counted over every session of training the same model.
        extra_iterations: steps after the schedule, at the rate and weights of its last phase.
        batch_size: faces of each person in a step.
        preview_every: steps between two previews; the model is saved at each.
        backup_every: steps between two backups, which are kept for good.
        optimizer: of the encoder and the decoders: "adam", or "muon", see `ConvolutionMuon`.
        learning_rate: of the encoder and the decoders.
        discriminator_learning_rate: Adam's, for the discriminators.
        beta_1: Adam's momentum.
        adversary: "mixup_lsgan" or "relativistic_lsgan".
        seed: start of every random draw.

    Raises:
        ValueError: a count or a rate is not positive, or the adversary is unknown.
    """

    iterations: int = 40_000
    extra_iterations: int = 0
    batch_size: int = 8
    preview_every: int = 300
    backup_every: int = 5_000
    learning_rate: float = 1e-4
    discriminator_learning_rate: float = 2e-4
    beta_1: float = 0.5
    optimizer: str = "adam"
    adversary: str = "mixup_lsgan"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        check_kinds(self)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("adversary", self.adversary, ADVERSARIES)
        for name in ("iterations", "batch_size", "preview_every", "backup_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"TrainConfig.{name} must be 1 or more. Received: {getattr(self, name)!r}")
        if self.extra_iterations < 0:
            raise ValueError(f"TrainConfig.extra_iterations must be 0 or more. Received: {self.extra_iterations!r}")
        for name in ("learning_rate", "discriminator_learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"TrainConfig.{name} must be positive. Received: {getattr(self, name)!r}")
        if not 0 <= self.beta_1 < 1:
            raise ValueError(f"TrainConfig.beta_1 must be at least 0 and less than 1. Received: {self.beta_1!r}")

    @property
    def last_iteration(self) -> int:
        """Where training ends: the schedule's steps and the extra ones."""
        return self.iterations + self.extra_iterations
