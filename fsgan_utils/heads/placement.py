"""How a head stands in a picture: the points that tell, and the similarities between its meshes."""

from __future__ import annotations

from collections.abc import Sequence
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


def eye_distance(mesh: np.ndarray) -> float:
    """Distance between the eyes' middles in the picture, in the mesh's unit. Head turns shorten it."""
    left, right = (mesh[eye, :2].mean(axis=0) for eye in MESH_EYES)
    return float(np.linalg.norm(right - left))


def eyes_apart(shape: np.ndarray) -> float:
    """Distance between the middles of the sockets of the eyes of a head (470, 3), however it is turned."""
    left, right = (shape[socket].mean(axis=0) for socket in SOCKETS)
    return float(np.linalg.norm(right - left))


def mean_face(meshes: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of a person's meshes, turned as in the most frontal one.

    Args:
        meshes: (470, 3) each, of one person.

    Returns:
        float64 (470, 3).
    """
    mean = min(meshes, key=lambda mesh: abs(mesh[SIDES[0], 2] - mesh[SIDES[1], 2]) / eye_distance(mesh))
    for _ in range(ROUNDS):
        mean = np.mean([Placement.between(mesh, mean).apply(mesh) for mesh in meshes], axis=0)
    return np.asarray(mean, np.float64)
