"""Who is who: the faces of a video or of photographs, grouped by person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.embedding import SAME_PERSON, Embedder
from fsgan_utils.extraction.clustering import CLEAR, NOBODY, Pairs, Pieces, centres_of
from fsgan_utils.extraction.tracking import TWICE
from fsgan_utils.faces import box_overlaps
from fsgan_utils.images import spread

Crops = Callable[[Sequence[int]], list[np.ndarray]]
"""Gives what is compared of some faces, as `embedding.compared_part`, by their positions."""

SAMPLE_EVERY, FEWEST_SAMPLES = 12, 4
"""Of a track, every so many faces are looked at first, and so many at least where it has them."""
SAME_LOOK = 0.7
"""Likeness to the last one looked at, as thumbnails, below which a face of a track is looked at as well: it may be
somebody else, faded in. Two people in the same pose and light are alike by .65 at most, a turning head six frames on
by .8 in the middle."""
LARGEST_CLUSTERING = 3000
"""Faces among which people are looked for; the others are then given to the people found."""
FACES_AT_ONCE = 128
UNKNOWN = -2
"""In place of a person: a face of a track that was not looked at."""


@dataclass(frozen=True, eq=False)
class People:
    """Who some faces belong to.

    Attributes:
        person: int (N,), the number of each face's person, 0 for the one with most faces; -1 for a face that is like
            nobody found, or nearly as much like another person.
        alike: by the numbers of two people who may be one, the smaller first, how alike their mean faces are (cosine
            similarity), unless they were seen in one frame; and by one number twice, where one person may be two, how
            alike these are.
    """

    person: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    alike: dict[tuple[int, int], float] = field(default_factory=dict)


def seen_together(frames: Sequence[int], tracks: Sequence[int], boxes: np.ndarray) -> set[tuple[int, int]]:
    """Find the tracks that are seen in one frame: they hold two people.

    Two boxes that lie on each other by `tracking.TWICE` of the smaller are one face found twice, and tell nothing.

    Args:
        frames: of each face, the number of its frame or photograph.
        tracks: of each face, the number of its track.
        boxes: (N, 4), x0, y0, x1, y1.

    Returns:
        Pairs of tracks, the smaller number first.
    """
    by_frame: dict[int, list[int]] = defaultdict(list)
    for position, frame in enumerate(frames):
        by_frame[frame].append(position)
    pairs = set()
    for rows in by_frame.values():
        overlaps = box_overlaps(boxes[rows], boxes[rows], "smaller") if len(rows) > 1 else None
        for (i, one), (j, other) in combinations(enumerate(rows), 2):
            if overlaps is not None and overlaps[i, j] < TWICE and tracks[one] != tracks[other]:
                pairs.add((min(tracks[one], tracks[other]), max(tracks[one], tracks[other])))
    return pairs


def find_people(
    crops: Crops,
    tracks: Sequence[int],
    embedder: Embedder,
    thumbnails: np.ndarray | None = None,
    together: Pairs = (),
) -> People:
    """Group faces by person.

    A few faces of every track are compared, and grouped by `clustering.Pieces`: two tracks that are seen in one frame
    are two people's, and one that could be either of two look-alikes' is nobody's.

    If that gives one person, all faces are theirs. Otherwise every single face is compared with the people found, so
    that a face does not come to a person by the company it was seen in alone: it goes to the one it is clearly likest
    to. Between people who look alike its track decides. Two faces of one frame never go to one person.

    Args:
        crops: gives what is compared of some faces.
        tracks: of each face, the number of its track.
        embedder: compares them.
        thumbnails: float32 (N, D) of length 1, as `quality.thumbnail`: where a track changes, they are compared too.
        together: the tracks that are seen in one frame, from `seen_together`.
    """
    if not len(tracks):
        return People()
    samples = _samples(tracks, thumbnails)
    samples = samples[spread(len(samples), LARGEST_CLUSTERING)]
    pieces = Pieces.of(embedder.embed(crops(samples)), np.asarray(tracks)[samples], together)
    people, doubts = pieces.people()
    if not people.any():
        return People(np.zeros(len(tracks), int), doubts)
    centres = centres_of(pieces.sums, people)
    own = _own(np.asarray(tracks), samples, people[pieces.number])
    parts = range(0, len(tracks), FACES_AT_ONCE)
    similarities = np.concatenate([
        embedder.embed(crops(range(start, min(start + FACES_AT_ONCE, len(tracks))))) @ centres.T
        for start in tqdm(parts, "telling people apart", unit=f"×{FACES_AT_ONCE} faces")
    ])  # fmt: skip
    found = _given(similarities, own, centres @ centres.T >= SAME_PERSON)
    return _by_size(_one_each(found, own, tracks, together), doubts)


def _samples(tracks: Sequence[int], thumbnails: np.ndarray | None) -> np.ndarray:
    """Positions of faces spread over every track, and of those where a track changes."""
    members: dict[int, list[int]] = {}
    for position, track in enumerate(tracks):
        members.setdefault(track, []).append(position)
    spread_out: set[int] = set()
    for own in members.values():
        step = max(1, min(SAMPLE_EVERY, len(own) // FEWEST_SAMPLES))
        spread_out.update(own[len(own) % step // 2 :: step])
    if thumbnails is None:
        return np.array(sorted(spread_out))
    chosen: list[int] = []
    for own in members.values():
        last = next(position for position in own if position in spread_out)
        for position in own:
            if position in spread_out or thumbnails[position] @ thumbnails[last] < SAME_LOOK:
                chosen.append(position)
                last = position
    return np.array(sorted(chosen))


def _own(tracks: np.ndarray, samples: np.ndarray, people: np.ndarray) -> np.ndarray:
    """The person of the face looked at that is nearest in the same track; UNKNOWN where none of it was looked at."""
    own = np.full(len(tracks), UNKNOWN)
    for track in np.unique(tracks[samples]):
        rows, looked_at = np.flatnonzero(tracks == track), np.flatnonzero(tracks[samples] == track)
        own[rows] = people[looked_at[np.abs(rows[:, None] - samples[looked_at]).argmin(axis=1)]]
    return own


def _given(similarities: np.ndarray, own: np.ndarray, look_alike: np.ndarray) -> np.ndarray:
    """The person of each face, as far as it is clear: by its likeness (N, K), and among look-alikes by its track."""
    best, second = -np.sort(-similarities, axis=1)[:, :2].T
    clear = (best - second >= CLEAR) & (best >= SAME_PERSON)
    to_own = similarities[np.arange(len(own)), own]
    to_others = np.where(look_alike[own], -1, similarities).max(axis=1)
    by_track = (own >= 0) & (to_own - to_others >= CLEAR) & (to_own >= SAME_PERSON)
    found = np.where(by_track, own, np.where(clear, similarities.argmax(axis=1), NOBODY))
    return np.where(own == NOBODY, NOBODY, found)


def _one_each(found: np.ndarray, own: np.ndarray, tracks: Sequence[int], together: Pairs) -> np.ndarray:
    """Leave out a face whose person is not its track's, but somebody's in a track that is seen together with it."""
    rows: dict[int, list[int]] = defaultdict(list)
    for position, track in enumerate(tracks):
        rows[track].append(position)
    result = found.copy()
    for one, other in (*together, *((later, first) for first, later in together)):
        beside = set(found[rows.get(other, [])])
        for position in rows.get(one, []):
            if found[position] != own[position] and found[position] in beside:
                result[position] = NOBODY
    return result


def _by_size(people: np.ndarray, alike: dict[tuple[int, int], float]) -> People:
    """Number the people anew by how many faces each has; -1 stays."""
    numbers, counts = np.unique(people[people >= 0], return_counts=True)
    order = numbers[np.argsort(-counts, kind="stable")].tolist()
    new = {-1: -1} | {person: number for number, person in enumerate(order)}
    renamed = {
        (min(new[one], new[other]), max(new[one], new[other])): likeness
        for (one, other), likeness in alike.items()
        if one in new and other in new
    }
    return People(np.array([new[person] for person in people.tolist()]), renamed)
