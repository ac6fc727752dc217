"""The settings of the networks and of a training run, each checked where it is made."""

from __future__ import annotations

from dataclasses import dataclass

RESOLUTIONS = (64, 128, 256)
CAPACITIES = ("standard", "lite", "compact")
NORMS = ("layernorm", "instancenorm", "groupnorm", "batchnorm", "hybrid", "none")
ATTENTIONS = ("full", "pooled")
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

    Raises:
        ValueError: a value is not one of those above.
    """

    resolution: int = 64
    capacity: str = "standard"
    norm: str = "layernorm"
    self_attention: bool = True
    attention: str = "pooled"

    def __post_init__(self) -> None:
        """Check every value."""
        _one_of("resolution", self.resolution, RESOLUTIONS)
        _one_of("capacity", self.capacity, CAPACITIES)
        _one_of("norm", self.norm, NORMS)
        _one_of("self_attention", self.self_attention, (True, False))
        _one_of("attention", self.attention, ATTENTIONS)

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
        _one_of("norm", norm, tuple(V22_NORMS))
        _one_of("model_capacity", model_capacity, ("standard", "lite"))
        if len(IMAGE_SHAPE) != 3 or IMAGE_SHAPE[0] != IMAGE_SHAPE[1] or IMAGE_SHAPE[2] != 3:
            raise ValueError(f"IMAGE_SHAPE must be (side, side, 3). Received: {IMAGE_SHAPE}")
        return cls(IMAGE_SHAPE[0], model_capacity, V22_NORMS[norm], use_self_attn, "full")


def _one_of(name: str, value: object, allowed: tuple) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}. Received: {value!r}")
