"""Schedules: which loss weights and learning rates hold in which part of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import pandas as pd

from fsgan_utils.training.config import LossWeights, ModelConfig, TrainConfig


@dataclass(frozen=True)
class Phase:
    """One part of a training.

    Attributes:
        stop: where it ends, as a fraction of all iterations; it begins where the one before it ends.
        weights: the loss weights that hold.
        rate: factor on the learning rates.

    Raises:
        ValueError: `stop` is not in (0, 1], or the rate is not positive.
    """

    stop: float
    weights: LossWeights
    rate: float = 1.0

    def __post_init__(self) -> None:
        """Check every value."""
        if not 0 < self.stop <= 1:
            raise ValueError(f"Phase.stop must be more than 0 and at most 1. Received: {self.stop!r}")
        if not self.rate > 0:
            raise ValueError(f"Phase.rate must be positive. Received: {self.rate!r}")


def v22_phases() -> tuple[Phase, ...]:
    """Return v2.2's schedule of mask losses and learning rates.

    The mask is kept small by its mean, or kept from vanishing by a hinge with a floor, in turn.

    Reference: v2.2's training notebook.
    """
    shrink = LossWeights(mask_hinge=0.0)
    grow = LossWeights(mask_l1=0.0)
    return (
        Phase(3 / 10, shrink),
        Phase(2 / 5, replace(grow, mask_hinge_floor=0.5)),
        Phase(1 / 2, replace(grow, mask_hinge_floor=0.2)),
        Phase(2 / 3, replace(grow, mask_hinge_floor=0.4)),
        Phase(8 / 10, shrink, 0.3),
        Phase(9 / 10, replace(grow, mask_hinge_floor=0.1), 0.3),
        Phase(1.0, shrink, 0.1),
    )


def compact_phases() -> tuple[Phase, ...]:
    """Return the schedule of the compact networks: faces first, quickly, and no adversary.

    The mask learns the face's outline, and the learning rate falls towards the end.
    """
    draw = LossWeights(
        adversarial=0.0,
        edge=0.0,
        eyes=3.0,
        mask_l1=0.0,
        mask_hinge=0.0,
        mask_tv=0.01,
        dssim=3.0,
        background=0.1,
        face_mask=0.3,
        weight_decay=0.0,
    )
    return Phase(0.5, draw), Phase(0.75, draw, 0.5), Phase(0.9, draw, 0.2), Phase(1.0, draw, 0.05)


def default_phases(config: ModelConfig) -> tuple[Phase, ...]:
    """Return the schedule made for networks of this capacity."""
    return compact_phases() if config.capacity == "compact" else v22_phases()


def phase_at(phases: Sequence[Phase], iteration: int, iterations: int) -> Phase:
    """Return the phase that an iteration, counted from 0, falls in; the last one holds beyond the end."""
    return next((phase for phase in phases if iteration < phase.stop * iterations), phases[-1])


def check_phases(phases: Sequence[Phase]) -> None:
    """Check that the phases follow each other up to the end.

    Raises:
        ValueError: they do not.
    """
    stops = [phase.stop for phase in phases]
    if not stops or stops != sorted(set(stops)) or stops[-1] != 1:
        raise ValueError(f"the phases must end one after another, the last at 1. Received: {stops}")


def schedule_table(phases: Sequence[Phase], settings: TrainConfig) -> pd.DataFrame:
    """Lay the schedule out: a row per phase with its last iteration, learning rate and loss weights."""
    rows = [
        {
            "until": round(phase.stop * settings.iterations),
            "learning rate": settings.learning_rate * phase.rate,
            **asdict(phase.weights),
        }
        for phase in phases
    ]
    return pd.DataFrame(rows).set_index("until")
