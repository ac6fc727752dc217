"""Whether the faces that are to be swapped are those of the person whom the model replaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fsgan_utils.conversion.config import OPPOSITE, ConvertConfig
from fsgan_utils.conversion.generator import Generator
from fsgan_utils.conversion.placing import REPLACED
from fsgan_utils.conversion.plan import Plan
from fsgan_utils.conversion.tracks import FaceTracks
from fsgan_utils.embedding import SAME_PERSON, compared_part, mean_direction, usual_embedder
from fsgan_utils.images import spread
from fsgan_utils.training.inspection import half_of_full
from fsgan_utils.training.pair import CLEARLY

MOST_TRACKS, MOST_SAMPLES = 40, 8
"""How many tracks are looked at, those with most faces, and how many faces of each."""
FEW = 0.1
"""Part of the faces below which nothing is said: a moment's blur is not another person."""


def doubts_of_plan(tracks: FaceTracks, plan: Plan, model: Generator, config: ConvertConfig) -> list[str]:
    """Tell, in words, where the faces to be swapped do not look like the person whom the model replaces.

    Args:
        tracks: from `follow_faces`.
        plan: what is to be swapped.
        model: the trained model; one that does not know its people, as an old one, leaves nothing to be said.
        config: `direction` counts.
    """
    if getattr(model, "pair", None) is None:
        return []
    counts = Counter(face.track for faces in plan.faces.values() for face in faces)
    samples = {}
    for track, _ in counts.most_common(MOST_TRACKS):
        own = np.flatnonzero(tracks.sample_track == track)
        if len(own):
            samples[track] = [tracks.sample(int(own[place])) for place in spread(len(own), MOST_SAMPLES)]
    return doubts_of_faces(samples, counts, model, config)


def doubts_of_faces(
    portraits: Mapping[int, Sequence[np.ndarray]], counts: Mapping[int, int], model: Generator, config: ConvertConfig
) -> list[str]:
    """Tell, in words, where faces do not look like the person whom the model replaces.

    Faces look like the person put in, and the direction is wrong, where their mean is like that person's by
    `embedding.SAME_PERSON` and clearly less like the other's; like neither, where it is like no mean by as much.

    Args:
        portraits: by track, faces in "full" crops, uint8 RGB (S, S, 3).
        counts: by track, how many faces there are to swap.
        model: the trained model.
        config: `direction` counts.
    """
    pair, total = getattr(model, "pair", None), sum(counts[track] for track in portraits)
    if pair is None or not total:
        return []
    other = OPPOSITE[config.direction]
    replaced, put_in = REPLACED[config.direction], REPLACED[other]
    wrong, neither = _Found(replaced, put_in, total), _Found(replaced, put_in, total)
    for track, own in portraits.items():
        mean = mean_direction(usual_embedder().embed([_cut(portrait, model) for portrait in own]))
        to_replaced, to_put_in = float(mean @ pair[replaced]), float(mean @ pair[put_in])
        if to_put_in >= SAME_PERSON and to_put_in - to_replaced >= CLEARLY:
            wrong.add(counts[track], to_replaced, to_put_in)
        elif max(to_replaced, to_put_in) < SAME_PERSON:
            neither.add(counts[track], to_replaced, to_put_in)
    one, two = replaced.upper(), put_in.upper()
    return [
        *wrong.said(f"look like {two}, who is put in, and not like {one}, who is replaced", f'try direction="{other}"'),
        *neither.said(
            f"look neither like {one} nor like {two}, with whom the model was trained",
            "make sure that it is the right video and the right model, and that whoever is seen has agreed; `identity` "
            "takes one person",
        ),
    ]


@dataclass
class _Found:
    """Faces that are not the ones expected, and how alike they are, in the mean, to whom the model knows."""

    replaced: str
    put_in: str
    total: int
    counts: list[int] = field(default_factory=list)
    likeness: list[tuple[float, float]] = field(default_factory=list)

    def add(self, count: int, to_replaced: float, to_put_in: float) -> None:
        self.counts.append(count)
        self.likeness.append((to_replaced, to_put_in))

    def said(self, what: str, advice: str) -> list[str]:
        if sum(self.counts) <= FEW * self.total:
            return []
        one, two = np.average(self.likeness, axis=0, weights=self.counts)
        likeness = f"likeness to {self.replaced.upper()} {one:.2f}, to {self.put_in.upper()} {two:.2f}"
        return [f"{sum(self.counts)} of {self.total} faces to swap {what} ({likeness}); {advice}"]


def _cut(portrait: np.ndarray, model: Generator) -> np.ndarray:
    """What is compared of a "full" crop, as the model's own people were."""
    return half_of_full(portrait) if model.config.crop == "half" else compared_part(portrait, "full")
