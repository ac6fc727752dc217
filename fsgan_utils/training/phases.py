"""Schedules: which loss weights and learning rates hold in which part of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import pandas as pd

from fsgan_utils.plotting import show_steps
from fsgan_utils.training.config import LossWeights, ModelConfig, TrainConfig

V22_WEIGHTS = LossWeights(perceptual=1.0)
"""v2.2's loss weights where everything of its schedule is switched on."""
COMPACT_WEIGHTS = LossWeights(
    adversarial=0.0,
    edge=0.0,
    eyes=6.0,
    mouth=3.0,
    mask_l1=0.0,
    mask_hinge=0.0,
    mask_tv=0.01,
    dssim=3.0,
    background=0.1,
    face_mask=0.3,
    weight_decay=0.0,
)
"""Loss weights of the compact networks: faces first, quickly, and no adversary; the mask learns the outline."""


@dataclass(frozen=True)
class Phase:
    """One part of a training.

    Attributes:
        stop: where it ends, as a fraction of the schedule; it begins where the one before it ends.
        weights: the loss weights that hold.
        rate: factor on the learning rate of encoder and decoders.
        discriminator_rate: factor on the discriminators'; None for the same.
        exchange_decoders: whether decoders A and B change places on entering it; a model's decoders do so once at most.

    Raises:
        ValueError: `stop` is not in (0, 1], or a rate is not positive.
    """

    stop: float
    weights: LossWeights
    rate: float = 1.0
    discriminator_rate: float | None = None
    exchange_decoders: bool = False

    def __post_init__(self) -> None:
        """Check every value."""
        if not 0 < self.stop <= 1:
            raise ValueError(f"Phase.stop must be more than 0 and at most 1. Received: {self.stop!r}")
        if not all(0 < rate < math.inf for rate in self.rates):
            raise ValueError(f"Phase.rate and discriminator_rate must be positive. Received: {self.rates}")

    @property
    def rates(self) -> tuple[float, float]:
        """Return the factors on the learning rates of the generators and of the discriminators."""
        return self.rate, self.rate if self.discriminator_rate is None else self.discriminator_rate


def v22_phases(weights: LossWeights = V22_WEIGHTS) -> tuple[Phase, ...]:
    """Return v2.2's schedule.

    The perceptual loss comes in after a fifth. The mask is kept small by its mean, or kept from vanishing by a hinge
    with a floor, in turn. Near the end the decoders change places and the learning rates fall.

    Args:
        weights: what holds where a term is switched on.

    Reference: v2.2's training notebook.
    """
    shrink, grow = replace(weights, mask_hinge=0.0), replace(weights, mask_l1=0.0)
    return (
        Phase(1 / 5, replace(shrink, perceptual=0.0)),
        Phase(3 / 10, shrink),
        Phase(2 / 5, replace(grow, mask_hinge_floor=0.5)),
        Phase(1 / 2, replace(grow, mask_hinge_floor=0.2)),
        Phase(2 / 3, replace(grow, mask_hinge_floor=0.4)),
        Phase(8 / 10, shrink, 0.3),
        Phase(9 / 10, replace(grow, mask_hinge_floor=0.1), 0.3, exchange_decoders=True),
        Phase(1.0, shrink, 0.1),
    )


def compact_phases(weights: LossWeights = COMPACT_WEIGHTS) -> tuple[Phase, ...]:
    """Return the schedule of the compact networks: the same losses throughout, and a learning rate that falls.

    Args:
        weights: the loss weights.
    """
    return Phase(0.5, weights), Phase(0.75, weights, 0.5), Phase(0.9, weights, 0.2), Phase(1.0, weights, 0.05)


def default_phases(config: ModelConfig, changes: Mapping[str, float | None] | None = None) -> tuple[Phase, ...]:
    """Return the schedule made for networks of this capacity.

    Args:
        config: the networks' shape.
        changes: loss weights, by their names in `LossWeights`, that differ from those the schedule was made with; None
            leaves one as it is. They hold wherever the schedule does not switch their term off.

    Raises:
        ValueError: there is no such weight, or its value is not one.
    """
    changed = {name: value for name, value in (changes or {}).items() if value is not None}
    unknown = set(changed) - set(asdict(V22_WEIGHTS))
    if unknown:
        raise ValueError(
            f"loss weights must be among {', '.join(asdict(V22_WEIGHTS))}. Received: {', '.join(sorted(unknown))}"
        )
    if config.capacity == "compact":
        return compact_phases(replace(COMPACT_WEIGHTS, **changed))
    return v22_phases(replace(V22_WEIGHTS, **changed))


def phase_end(phase: Phase, iterations: int) -> int:
    """Return the iteration before which a phase ends, in a schedule of so many."""
    return round(phase.stop * iterations)


def phase_at(phases: Sequence[Phase], iteration: int, iterations: int) -> Phase:
    """Return the phase that an iteration, counted from 0, falls in; the last one holds beyond the end."""
    return next((phase for phase in phases if iteration < phase_end(phase, iterations)), phases[-1])


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
            "until": phase_end(phase, settings.iterations),
            "learning rate": settings.learning_rate * phase.rates[0],
            "discriminator rate": settings.discriminator_learning_rate * phase.rates[1],
            "exchange decoders": phase.exchange_decoders,
            **asdict(phase.weights),
        }
        for phase in phases
    ]
    return pd.DataFrame(rows).set_index("until")


def plot_schedule(phases: Sequence[Phase], settings: TrainConfig) -> None:
    """Draw the learning rate and the loss weights that change, over the iterations of a training.

    Those that hold throughout are listed above; a dotted line marks where the decoders change places.
    """
    table = schedule_table(phases, settings).drop(columns="exchange decoders")
    starts, stops = [0, *table.index[:-1]], [*table.index[:-1], settings.last_iteration]
    exchanges = [start for start, phase in zip(starts, phases, strict=True) if phase.exchange_decoders]
    changing = [name for name in table if name.endswith("rate") or table[name].nunique() > 1]
    constant = [f"{name} {table[name].iloc[0]:g}" for name in table.drop(columns=changing) if table[name].any()]
    title = f"throughout: {', '.join(constant)}"
    show_steps(stops, {name: list(table[name]) for name in changing}, title, marks=exchanges)
