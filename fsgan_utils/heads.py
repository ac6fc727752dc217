"""The head behind FaceMesh's points: how it stands, and what its face is like when it does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from fsgan_utils.landmarks import MESH_EYES

STILL = [33, 133, 362, 263, 168, 6, 197, 195, 4, 1, 10, 151, 9, 127, 356, 234, 454, 5, 8]
"""The FaceMesh points that expressions move least: corners of the eyes, ridge of the nose, forehead, temples."""
SIDES = 234, 454
"""The FaceMesh points beside the ears."""
ROUNDS = 3
"""How often the mean is taken anew with all meshes turned to it."""
SOCKETS = np.array([[113, 224, 222, 244, 230, 228], [342, 444, 442, 464, 450, 448]])
"""int (2, 6): the FaceMesh points around the sockets of the eyes, which do not depend on how the lids are read."""
LEVEL = [117, 118, 119, 120, 346, 347, 348, 349, 127, 356, *SIDES]
"""The FaceMesh points by which two heads are turned alike: along the lower edge of the sockets of the eyes, and beside
the ears. These make the Frankfurt plane, by which heads are compared; foreheads, noses and chins slope as they like."""
FOREHEAD = [10, 109, 338, 151]
"""The FaceMesh points in the middle of the forehead, up to the hair."""
ALL = range(468)
FLATTEST = 1e-3
"""Least ratio of the squared lengths of a head's axes that is believed."""
LEAST_PICTURES, LEAST_TURN = 30, 10.0
"""From how many pictures on, and from which standard deviation of its turns on, in degrees, a head's depths are told by
how its points move."""


@dataclass(frozen=True, eq=False)
class Placement:
    """What brings a mesh to another: a similarity in three dimensions.

    Attributes:
        turn: the rotation.
        scale: the factor.
        middle: float64 (3,), the point that is turned about.
        target: float64 (3,), where it comes to lie.
    """

    turn: Rotation
    scale: float
    middle: np.ndarray
    target: np.ndarray

    @classmethod
    def between(cls, mesh: np.ndarray, target: np.ndarray, points: Sequence[int] = STILL) -> Placement:
        """Fit some of the points, by default those that expressions move least.

        Args:
            mesh: (470, 3).
            target: (470, 3).
            points: which count.

        Reference:
            Kabsch, "A solution for the best rotation to relate two sets of vectors", Acta Crystallographica A32, 1976.
        """
        middle, target_middle = mesh[points].mean(axis=0), target[points].mean(axis=0)
        still, target_still = mesh[points] - middle, target[points] - target_middle
        turn = Rotation.align_vectors(target_still, still)[0]
        scale = float(np.sum(turn.apply(still) * target_still) / np.sum(still**2))
        return cls(turn, scale, middle, target_middle)

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Bring points (N, 3) to where the target is."""
        return np.asarray(self.scale * self.turn.apply(points - self.middle) + self.target)

    def undo(self, points: np.ndarray) -> np.ndarray:
        """Bring points (N, 3) back from there."""
        return np.asarray(self.turn.inv().apply(points - self.target) / self.scale + self.middle)


@dataclass(frozen=True, eq=False)
class Proportions:
    """The heads of two people, one laid over the other, so that a face can be given the other's proportions.

    Attributes:
        shapes: by side, "a" and "b", float64 (470, 3), turned alike, of one size and in one place.
    """

    shapes: Mapping[str, np.ndarray]

    @classmethod
    def between(cls, shapes: Mapping[str, np.ndarray]) -> Proportions:
        """Lay the head of B over that of A: (470, 3) each, from `head_shape`.

        Pictures do not tell how large a head is. The distance between the eyes does best: among adults it varies less
        than their faces do. Nor do they tell where it sits: as high as what lies halfway from the eyes, which are near
        the turn of a head, to the forehead, which is to fit the hair; and as far forward as the eyes.

        Reference:
            the Frankfurt agreement on how heads are measured, Archiv für Anthropologie 15 (1884).
        """
        one, other = shapes["a"], shapes["b"]
        turned = Placement.between(other, one, LEVEL).turn.apply(other)
        turned *= _eyes_apart(one) / _eyes_apart(turned)
        return cls({"a": one, "b": turned + _anchor(one) - _anchor(turned)})

    def exchanged(self, mesh: np.ndarray, side: str, share: float = 1.0) -> np.ndarray:
        """Give a face of one person the other's proportions; expression, pose and place stay.

        To each point is added by how much the other's head differs there, turned and sized as the head in the picture.

        Args:
            mesh: (470, 2 or 3), of a person's face in a picture.
            side: that person, "a" or "b".
            share: how far, from 0, as the face is, to 1, as the other's.

        Returns:
            float64 (470, 2), in pixels of the same picture.
        """
        own, other = self.shapes[side], self.shapes["b" if side == "a" else "a"]
        places = np.asarray(mesh, np.float64)[:, :2]
        return places + share * (other - own) @ _view(places, own).T


def head_shape(meshes: Sequence[np.ndarray]) -> np.ndarray:
    """Find the shape of a head from how its points move in pictures as it turns.

    FaceMesh guesses depths from single pictures, and guesses them too small or too large for a whole person; a turn
    is then read off 5° wrong, and B's features land where those of A's head would be. From many pictures the depths
    follow: the places of all points in all of them make a matrix of rank three, which falls into the views and the
    shape. With few pictures, or a head that hardly turns, FaceMesh's own depths stand.

    Args:
        meshes: (470, 3) each, of one person.

    Returns:
        float64 (470, 3), turned as in the most frontal picture, of the same size as there.

    Reference:
        Tomasi and Kanade, "Shape and Motion from Image Streams under Orthography" (1992); Poelman and Kanade, "A
        Paraperspective Factorization Method for Shape and Motion Recovery" (1997), its scaled orthographic case.
    """
    neutral = neutral_face(meshes)
    turns = np.array([Placement.between(mesh, neutral).turn.as_rotvec(degrees=True) for mesh in meshes])
    if len(meshes) < LEAST_PICTURES or np.linalg.norm(turns.std(axis=0)) < LEAST_TURN:
        return neutral
    places = np.array([_centred(mesh) for mesh in meshes])
    rows = np.concatenate(places.transpose(0, 2, 1))
    shape = np.linalg.lstsq(_factored_views(places), rows, rcond=None)[0].T
    turned = np.concatenate([_view(one, shape) for one in places])  # the same views, but exact turns
    shape = np.linalg.lstsq(turned, rows, rcond=None)[0].T
    candidates = [Placement.between(sign * shape, neutral, ALL).apply(sign * shape) for sign in (1, -1)]
    return np.asarray(min(candidates, key=lambda candidate: np.linalg.norm(candidate - neutral)))


def eye_distance(mesh: np.ndarray) -> float:
    """Distance between the eyes' middles in the picture, in the mesh's unit. Head turns shorten it."""
    left, right = (mesh[eye, :2].mean(axis=0) for eye in MESH_EYES)
    return float(np.linalg.norm(right - left))


def _eyes_apart(shape: np.ndarray) -> float:
    left, right = (shape[socket].mean(axis=0) for socket in SOCKETS)
    return float(np.linalg.norm(right - left))


def _anchor(shape: np.ndarray) -> np.ndarray:
    """The point that two heads share: halfway up from the eyes to the forehead, and as far forward as the eyes."""
    eyes, forehead = shape[SOCKETS.ravel()].mean(axis=0), shape[FOREHEAD].mean(axis=0)
    return np.asarray(eyes + (forehead - eyes) * [0.5, 0.5, 0])


def neutral_face(meshes: Sequence[np.ndarray]) -> np.ndarray:
    """What a face is like when it does nothing: the mean of its meshes, turned as in the most frontal one.

    Args:
        meshes: (470, 3) each, of one person.

    Returns:
        float64 (470, 3).
    """
    mean = min(meshes, key=lambda mesh: abs(mesh[SIDES[0], 2] - mesh[SIDES[1], 2]) / eye_distance(mesh))
    for _ in range(ROUNDS):
        mean = np.mean([Placement.between(mesh, mean).apply(mesh) for mesh in meshes], axis=0)
    return np.asarray(mean, np.float64)


def _centred(mesh: np.ndarray) -> np.ndarray:
    """A mesh's places in the picture about their middle, at one size: float64 (470, 2)."""
    places = np.asarray(mesh, np.float64)[:, :2]
    places = places - places.mean(axis=0)
    return np.asarray(places / np.linalg.norm(places))


def _factored_views(places: np.ndarray) -> np.ndarray:
    """The first two rows of each picture's turn, at its size: float64 (2N, 3), of places (N, 470, 2) from `_centred`.

    The matrix of all places falls into views and shape but for a linear map of three dimensions; that the two rows of
    a turn are as long as each other and at right angles settles it.
    """
    left, strengths, _ = np.linalg.svd(np.concatenate(places.transpose(0, 2, 1)), full_matrices=False)
    views = left[:, :3] * strengths[:3]
    across, down = views[0::2], views[1::2]
    conditions = np.concatenate([_products(across, across) - _products(down, down), _products(across, down)])
    xx, xy, xz, yy, yz, zz = np.linalg.svd(conditions, full_matrices=False)[2][-1]
    metric = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    lengths, axes = np.linalg.eigh(metric * np.sign(np.trace(metric)))
    return np.asarray(views @ (axes * np.sqrt(np.maximum(lengths, lengths.max() * FLATTEST))))


def _products(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """By rows, the coefficients of a symmetric matrix's six entries in one · matrix · other: (N, 6)."""
    outer = one[:, :, None] * other[:, None, :]
    both = outer + outer.transpose(0, 2, 1)
    return np.stack([outer[:, 0, 0], both[:, 0, 1], both[:, 0, 2], outer[:, 1, 1], both[:, 1, 2], outer[:, 2, 2]], 1)


def _view(places: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """How a head of a shape (470, 3) stands in a picture: float64 (2, 3), two rows of its turn, times its size.

    Reference:
        DeMenthon and Davis, "Model-Based Object Pose in 25 Lines of Code" (1995), without its perspective.
    """
    still, seen = shape[STILL] - shape[STILL].mean(axis=0), places[STILL] - places[STILL].mean(axis=0)
    left, lengths, right = np.linalg.svd(np.linalg.lstsq(still, seen, rcond=None)[0].T, full_matrices=False)
    return np.asarray(lengths.mean() * left @ right)
