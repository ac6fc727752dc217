"""Group the faces of tracks by person, where some tracks are known to be two people's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from fsgan_utils.embedding import SAME_PERSON, SAME_PERSON_ON_AVERAGE, mean_direction

Pairs = Collection[tuple[int, int]]
"""Pairs of tracks, the smaller number first."""

SAME_IN_TRACK = 0.55
"""As `embedding.SAME_PERSON`, but among the faces of one track, whose place and look speak for one person too."""
SURE = 0.8
"""Similarity of the means of two groups below which it is doubtful that they are one person's, though they were joined;
those of people who are not joined raise a doubt from `embedding.SAME_PERSON` on."""
CLEAR = 0.08
"""How much more like one person than like any other a face must be; on the sample clips it is .30 at least."""
SELDOM = 4
"""How many times as often as a look-alike somebody must be seen to be taken for themselves nonetheless: the look-alike
is then likely to be their mirror image, or a picture of them."""
NOBODY = -1
"""In place of a person: what is not clearly anybody's."""
APART = 1e9
"""Distance of two faces that cannot be one person's: no mean over pairs that holds one comes below a limit."""
ROUNDS = 10
"""How often at most every piece is given to the person it is likest to."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Parts of tracks that hold one person each.

    Attributes:
        vectors: float32 (S, D), the faces looked at, of length 1.
        number: int (S,), the piece of each.
        sums: float32 (P, D), of the vectors of each piece.
        apart: bool (P, P), which pieces hold two people, for their tracks are seen together.

    Reference:
        Average linkage: Sokal and Michener, "A statistical method for evaluating systematic relationships", 1958.
        Pairs that cannot be joined: Wagstaff and Cardie, "Clustering with instance-level constraints", ICML 2000.
    """

    vectors: np.ndarray
    number: np.ndarray
    sums: np.ndarray
    apart: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, tracks: np.ndarray, together: Pairs) -> Pieces:
        """Part every track where its faces are not alike.

        Args:
            vectors: float32 (S, D), the faces looked at.
            tracks: int (S,), their tracks.
            together: tracks that are seen in one frame.
        """
        number = np.zeros(len(tracks), int)
        by_track: dict[int, range] = {}
        count = 0
        for track in np.unique(tracks).tolist():
            rows = np.flatnonzero(tracks == track)
            parts = _grouped(1 - vectors[rows] @ vectors[rows].T, SAME_IN_TRACK)
            number[rows] = count + parts
            by_track[track] = range(count, count + int(parts.max()) + 1)
            count = by_track[track].stop
        apart = np.zeros((count, count), bool)
        for one, other in together:
            if one in by_track and other in by_track:
                apart[np.ix_(by_track[one], by_track[other])] = apart[np.ix_(by_track[other], by_track[one])] = True
        sums = np.zeros((count, vectors.shape[1]), vectors.dtype)
        np.add.at(sums, number, vectors)
        return cls(vectors, number, sums, apart)

    def people(self) -> tuple[np.ndarray, dict[tuple[int, int], float]]:
        """Join pieces while they are alike, and find what is in doubt.

        They are joined while the mean similarity of their faces reaches `embedding.SAME_PERSON`, then while that of
        their means reaches `embedding.SAME_PERSON_ON_AVERAGE`, and never where they are apart. Each then goes to the
        person it is likest to; one that could as well be another's, a look-alike of the first, goes to neither.

        Returns:
            int (P,), the person of each piece, numbers from 0 or NOBODY; and the doubts, as `People.alike`.
        """
        groups = self._joined()
        centres = centres_of(self.sums, groups)
        distances = 1 - centres @ centres.T.astype(np.float64)
        distances[_between(groups, self.apart)] = APART
        people = self._settled(_grouped(distances, SAME_PERSON_ON_AVERAGE)[groups])
        return self._clear(people), self._doubts(people, groups)

    def _joined(self) -> np.ndarray:
        """The group of each piece, by the similarities of single faces: int (P,), numbers from 0."""
        distances = 1 - self.vectors @ self.vectors.T.astype(np.float64)
        distances[self.number[:, None] == self.number] = 0
        distances[self.apart[np.ix_(self.number, self.number)]] = APART
        groups = np.zeros(len(self.sums), int)
        groups[self.number] = _grouped(distances, SAME_PERSON)
        return groups

    def _settled(self, people: np.ndarray) -> np.ndarray:
        """Give each piece to the person it is likest to and was not seen with, unless it is somebody by itself."""
        people, totals = people.copy(), self._totals(people)
        for _ in range(ROUNDS):
            before = people.copy()
            for piece, own in enumerate(before):
                likeness = self._likeness(piece, people, totals)
                likeness[people[self.apart[piece]]] = -1
                likest = int(likeness.argmax())
                if likeness[own] > -1 and likeness[likest] > likeness[own]:
                    people[piece] = likest
                    totals[own] -= self.sums[piece]
                    totals[likest] += self.sums[piece]
            if np.array_equal(people, before):
                break
        return np.asarray(np.unique(people, return_inverse=True)[1])

    def _clear(self, people: np.ndarray) -> np.ndarray:
        """The same without pieces that could as well be another person's; the largest of each person stays."""
        counts, totals = np.bincount(self.number), self._totals(people)
        weights = np.bincount(people, counts)
        result = people.copy()
        for person, weight in enumerate(weights):
            members = np.flatnonzero(people == person)
            others = (weights * SELDOM >= weight) & (np.arange(len(weights)) != person)
            for piece in np.delete(members, counts[members].argmax()):
                likeness = self._likeness(int(piece), people, totals)
                if (likeness[others] > likeness[person] - CLEAR).any():
                    result[piece] = NOBODY
        return result

    def _doubts(self, people: np.ndarray, groups: np.ndarray) -> dict[tuple[int, int], float]:
        """Who may be one person, and who may be two."""
        centres = centres_of(self.sums, people)
        likeness, two = centres @ centres.T, _between(people, self.apart)
        pairs = combinations(range(len(centres)), 2)
        doubts = {pair: float(likeness[pair]) for pair in pairs if likeness[pair] >= SAME_PERSON and not two[pair]}
        totals, counts = self._totals(people), np.bincount(self.number)
        for person, total in enumerate(totals):
            parts = [(people == person) & (groups == group) for group in np.unique(groups[people == person])]
            smaller = sorted(parts, key=lambda part: counts[part].sum())[:-1]
            sums = [self.sums[part].sum(axis=0) for part in smaller]
            least = min((float(_cosines(total - one, one)) for one in sums), default=1.0)
            if least < SURE:
                doubts[person, person] = least
        return doubts

    def _likeness(self, piece: int, people: np.ndarray, totals: np.ndarray) -> np.ndarray:
        """Of a piece to each person, without itself and what it was seen with: (K,); -1 where nothing is left."""
        left_out = self.apart[piece].copy()
        left_out[piece] = True
        rests = totals.copy()
        np.subtract.at(rests, people[left_out], self.sums[left_out])
        there = np.bincount(people[~left_out], minlength=len(totals)) > 0
        return np.where(there, _cosines(rests, self.sums[piece]), -1)

    def _totals(self, people: np.ndarray) -> np.ndarray:
        totals = np.zeros((people.max() + 1, self.sums.shape[1]), self.sums.dtype)
        np.add.at(totals, people, self.sums)
        return totals


def centres_of(sums: np.ndarray, people: np.ndarray) -> np.ndarray:
    """The mean face of each person, of length 1: (K, D).

    Args:
        sums: (P, D), of the vectors of each piece.
        people: int (P,), the person of each, numbers from 0; others have none.
    """
    return np.stack([mean_direction(sums[people == person]) for person in range(people.max() + 1)])


def _grouped(distances: np.ndarray, similarity: float) -> np.ndarray:
    """Join what lies at distances (N, N), while the mean similarity reaches a limit: int (N,), numbers from 0."""
    if len(distances) == 1:
        return np.zeros(1, int)
    tree = linkage(squareform(np.maximum(distances, 0), checks=False), "average")
    return fcluster(tree, 1 - similarity, "distance") - 1


def _between(people: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Which people have pieces that hold two people: bool (K, K)."""
    members = (people[:, None] == np.arange(people.max() + 1)).astype(int)
    return np.asarray(members.T @ apart @ members > 0)


def _cosines(vectors: np.ndarray, other: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1) * np.linalg.norm(other)
    return np.asarray(vectors @ other / np.maximum(lengths, 1e-12))
