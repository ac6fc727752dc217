"""Who is who: the faces of a video or of photographs, grouped by person."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from tqdm.auto import tqdm

from fsgan_utils.embedding import SAME_PERSON, SAME_PERSON_ON_AVERAGE, Embedder
from fsgan_utils.images import spread

Crops = Callable[[Sequence[int]], list[np.ndarray]]
"""Gives the aligned crops of some faces, uint8 RGB (256, 256, 3), by their positions."""

SAMPLE_EVERY = 12
"""Of a track, every so many faces are looked at first."""
SAME_LOOK = 0.7
"""Likeness to the last one looked at, as thumbnails, below which a face of a track is looked at as well: it may be
somebody else, faded in. Two people in the same pose and light are alike by .65 at most, a turning head six frames on
by .8 in the middle."""
LARGEST_CLUSTERING = 3000
"""Faces among which people are looked for; the others are then given to the people found."""
FACES_AT_ONCE = 128
CLEAR = 0.08
"""How much more like one person than like any other a face must be; on the sample clips it is .26 at least."""


def find_people(
    crops: Crops, tracks: Sequence[int], embedder: Embedder, thumbnails: np.ndarray | None = None
) -> np.ndarray:
    """Group faces by person.

    A few faces of every track are compared. Groups of them are joined while their mean similarity reaches
    `embedding.SAME_PERSON`, and then while that of their centres reaches `embedding.SAME_PERSON_ON_AVERAGE`. If that
    gives one person, all faces are theirs. Otherwise every single face is compared with the people found, so that a
    face never comes to a person by the company it was seen in, and one that is like none of them by
    `embedding.SAME_PERSON` comes to nobody.

    Args:
        crops: gives the crops of some faces.
        tracks: of each face, the number of its track.
        embedder: compares them.
        thumbnails: float32 (N, D) of length 1, as `quality.thumbnail`: where a track changes, they are compared too.

    Returns:
        int (N,), the number of each face's person, 0 for the one with most faces; -1 for a face that is like nobody
        found, or nearly as much like another person.

    Reference:
        Average linkage: Sokal and Michener, "A statistical method for evaluating systematic relationships", 1958.
    """
    if not len(tracks):
        return np.zeros(0, int)
    people = _people_among(embedder.embed(crops(_samples(tracks, thumbnails))))
    if len(people) == 1:
        return np.zeros(len(tracks), int)
    parts = range(0, len(tracks), FACES_AT_ONCE)
    found = [
        _clearly_nearest(embedder.embed(crops(range(start, min(start + FACES_AT_ONCE, len(tracks))))), people)
        for start in tqdm(parts, "telling people apart", unit=f"×{FACES_AT_ONCE} faces")
    ]
    return _by_size(np.concatenate(found))


def _samples(tracks: Sequence[int], thumbnails: np.ndarray | None) -> list[int]:
    """Positions of faces spread over every track, and of those where a track changes."""
    members: dict[int, list[int]] = {}
    for position, track in enumerate(tracks):
        members.setdefault(track, []).append(position)
    spread_out = {
        position for own in members.values() for position in own[len(own) % SAMPLE_EVERY // 2 :: SAMPLE_EVERY]
    }
    if thumbnails is None:
        return sorted(spread_out)
    chosen: list[int] = []
    for own in members.values():
        last = next(position for position in own if position in spread_out)
        for position in own:
            if position in spread_out or thumbnails[position] @ thumbnails[last] < SAME_LOOK:
                chosen.append(position)
                last = position
    return sorted(chosen)


def _people_among(vectors: np.ndarray) -> np.ndarray:
    """The mean vector of each person, of length 1: float32 (P, D)."""
    chosen = vectors[spread(len(vectors), LARGEST_CLUSTERING)]
    groups = _joined(chosen, SAME_PERSON)
    centres = _centres(chosen, groups)
    return _centres(chosen, _joined(centres, SAME_PERSON_ON_AVERAGE)[groups])


def _joined(vectors: np.ndarray, similarity: float) -> np.ndarray:
    """Join vectors to groups while their mean similarity reaches a limit: int (N,), numbers from 0."""
    if len(vectors) == 1:
        return np.zeros(1, int)
    return fcluster(linkage(vectors, "average", metric="cosine"), 1 - similarity, "distance") - 1


def _centres(vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
    means = np.stack([vectors[groups == group].mean(axis=0) for group in range(groups.max() + 1)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def _clearly_nearest(vectors: np.ndarray, people: np.ndarray) -> np.ndarray:
    similarities = vectors @ people.T
    best, second = -np.sort(-similarities, axis=1)[:, :2].T
    return np.where((best - second >= CLEAR) & (best >= SAME_PERSON), similarities.argmax(axis=1), -1)


def _by_size(people: np.ndarray) -> np.ndarray:
    """Number the people anew by how many faces each has; -1 stays."""
    numbers, counts = np.unique(people[people >= 0], return_counts=True)
    order = numbers[np.argsort(-counts, kind="stable")]
    return np.array([-1 if person < 0 else int(np.flatnonzero(order == person)[0]) for person in people])
