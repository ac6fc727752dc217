"""The shape of a head, from how its points move in pictures as it turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize_scalar

from fsgan_utils.heads.placement import FOREHEAD, LEVEL, SOCKETS, STILL, Placement
from fsgan_utils.heads.pose import nearer_turns
from fsgan_utils.heads.resting import Axes, aligned_faces, at_rest, closed, trust

RIGID = sorted({*STILL, *LEVEL, *FOREHEAD, *SOCKETS.ravel().tolist()})
"""The FaceMesh points that tell how a head stands: above the mouth, without lids and brows."""
MOST = 200
"""Pictures that tell the depth of a head, at most; of more every so many are taken."""
ROUNDS = 8
"""How often turns and shape are fitted to each other."""
LEAST_DEPTH, MOST_DEPTH = 0.75, 1.35
"""How much shallower or deeper than FaceMesh says a head is believed to be."""
DEPTH_SPREAD = 0.13
"""Standard deviation, among people, of the logarithm of that."""
BIAS = 0.02
"""Error of FaceMesh's points that all pictures have in common, in distances between the eyes."""
ALIKE = 8.0
"""Degrees between two views of a head in which FaceMesh errs alike, so that they say little more than one."""
PER_VIEW = 30.0
"""Measurements, each as wrong as the fit is, that a view is worth."""
UNEVEN = 0.014
"""Variance of a point's place in one view over how far it lies, among people, from FaceMesh's guess, once the depth of
the head as a whole is known."""


def head_shape(meshes: Sequence[np.ndarray]) -> np.ndarray:
    """Find the shape of a head at rest.

    FaceMesh guesses depths from single pictures, and guesses them too small or too large for a whole person; a turn
    is then read off 5° wrong, and B's features land where those of A's head would be. How points move as a head turns
    tells the depths, the better the farther it turns; of small turns the depth and the angle cannot be told apart. So
    the depths are the likeliest ones, given the pictures and how FaceMesh usually errs: first one factor for the whole
    head, then how single points differ. A few pictures, or a head that hardly turns, leave FaceMesh's depths as they
    are. Heads turn as rigid bodies here, whatever the pictures are like, so that none is sheared or mirrored.

    Args:
        meshes: (470, 3) each, of one person.

    Returns:
        float64 (470, 3), looking straight ahead, as large as in the most frontal picture. The lips touch, and the
        irises lie in the middle of the lids; see `neutral_face`.

    Reference:
        Bregler, Hertzmann and Biermann, "Recovering Non-Rigid 3D Shape from Image Streams" (2000), of which this is the
        rigid case with a prior; Belhumeur, Kriegman and Yuille, "The Bas-Relief Ambiguity" (1999), on small turns.
    """
    faces = aligned_faces(meshes)
    weights = at_rest(faces)
    neutral = np.average(faces, axis=0, weights=weights)
    axes, middle = Axes.of(neutral), neutral[RIGID].mean(axis=0)
    guess = (neutral - middle) @ axes.rows.T / axes.unit
    views = _Views.of(meshes, neutral, axes).fitted(guess, np.ones(len(meshes)))
    trusted = trust(np.sqrt(views.misfits(guess)))
    guess = guess * [1, 1, _depth_factor(views, guess, trusted)]
    shape = views.fitted(guess, trusted).shape(guess, weights * trusted)
    return closed(axes.unit * shape + middle)


@dataclass(frozen=True, eq=False)
class _Views:
    """How a head stands in pictures, and where its points are seen there.

    Attributes:
        places: float64 (N, 470, 2), about the mean of the rigid points.
        turns: float64 (N, 3, 3).
        scales: float64 (N,), pixels in a distance between the eyes.
    """

    places: np.ndarray
    turns: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, meshes: Sequence[np.ndarray], neutral: np.ndarray, axes: Axes) -> _Views:
        """Take FaceMesh's word for it."""
        places = np.array([mesh[:, :2] - mesh[RIGID, :2].mean(axis=0) for mesh in meshes], np.float64)
        found = [Placement.between(neutral, mesh) for mesh in meshes]
        turns = np.array([placement.turn.as_matrix() @ axes.rows.T for placement in found])
        return cls(places, turns, np.array([placement.scale * axes.unit for placement in found]))

    def some(self, which: slice) -> _Views:
        return _Views(self.places[which], self.turns[which], self.scales[which])

    def fitted(self, guess: np.ndarray, weights: np.ndarray) -> _Views:
        """Turn the head to fit the pictures (N,) by their weights, with a guess's depths and whatever width and height
        fits best."""
        rigid, views = guess[RIGID], self
        for _ in range(ROUNDS):
            turns, scales = nearer_turns(views.turns, views.places[:, RIGID], rigid)
            views = replace(self, turns=turns, scales=scales)
            rigid = views._outline(RIGID, guess[RIGID], weights)
        return views

    def misfits(self, guess: np.ndarray) -> np.ndarray:
        """By how much the rigid points are off in each picture: the mean square (N,), in distances between the eyes."""
        even = np.ones(len(self.places))
        seen = np.einsum("nij,pj->npi", self.turns[:, :2], self._outline(RIGID, guess[RIGID], even))
        return np.asarray(np.mean(np.sum((self._unscaled(RIGID) - seen) ** 2, axis=2), axis=1))

    def shape(self, guess: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Find all points by weighted least squares: float64 (470, 3).

        Their depths hold to those of the guess, and so does the depth of the rigid points as a whole: turns that are
        a little wrong make it too small.
        """
        weights = weights / weights.sum()
        rows = self.turns[:, :2]
        normal = np.einsum("n,nki,nkj->ij", weights, rows, rows) + np.diag([0, 0, UNEVEN])
        right = np.einsum("n,nki,npk->pi", weights, rows, self._unscaled(slice(None)))
        right[:, 2] += UNEVEN * guess[:, 2]
        depths = np.linalg.solve(normal, right.T)[2]
        known = guess[RIGID, 2] - guess[RIGID, 2].mean()
        depths = depths * (known @ known) / (known @ depths[RIGID])
        return self._outline(slice(None), np.column_stack([guess[:, :2], depths]), weights)

    def _outline(self, points: list[int] | slice, guess: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Points (P, 3) with the depths of a guess, and the width and height that fit the pictures best."""
        weights = weights / weights.sum()
        across, along = self.turns[:, :2, :2], self.turns[:, :2, 2]
        normal = np.einsum("n,nki,nkj->ij", weights, across, across) + UNEVEN * np.eye(2)
        seen = np.einsum("n,nki,npk->ip", weights, across, self._unscaled(points)) + UNEVEN * guess[:, :2].T
        seen -= np.einsum("n,nki,nk->i", weights, across, along)[:, None] * guess[:, 2]
        return np.column_stack([np.linalg.solve(normal, seen).T, guess[:, 2]])

    def _unscaled(self, points: list[int] | slice) -> np.ndarray:
        return np.asarray(self.places[:, points] / self.scales[:, None, None])


def _depth_factor(views: _Views, guess: np.ndarray, trusted: np.ndarray) -> float:
    """The likeliest factor from FaceMesh's depths to the head's.

    Given a factor the logarithms of the misfits tell how likely the pictures are, as often as there are independent
    views; against this stands how rare such a factor is.
    """
    thinned = slice(None, None, -(-len(trusted) // MOST))
    views, trusted = views.some(thinned), trusted[thinned]
    directions = views.turns[:, 2]
    alike = np.exp((directions @ directions.T - 1) / np.radians(ALIKE) ** 2)
    independent = trusted.sum() ** 2 / (trusted @ alike @ trusted)

    def unlikeliness(logarithm: float) -> float:
        deeper = guess * [1, 1, np.exp(logarithm)]
        misfit = np.average(views.fitted(deeper, trusted).misfits(deeper), weights=trusted)
        return float(PER_VIEW * independent * np.log(misfit + BIAS**2) + (logarithm / DEPTH_SPREAD) ** 2)

    bounds = np.log([LEAST_DEPTH, MOST_DEPTH])
    return float(np.exp(minimize_scalar(unlikeliness, bounds=bounds, method="bounded", options={"xatol": 2e-3}).x))
