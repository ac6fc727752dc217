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
    def between(cls, mesh: np.ndarray, target: np.ndarray) -> Placement:
        """Fit the points that expressions move least.

        Args:
            mesh: (468, 3).
            target: (468, 3).

        Reference:
            Kabsch, "A solution for the best rotation to relate two sets of vectors", Acta Crystallographica A32, 1976.
        """
        middle, target_middle = mesh[STILL].mean(axis=0), target[STILL].mean(axis=0)
        still, target_still = mesh[STILL] - middle, target[STILL] - target_middle
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
    """The faces of two people when they do nothing, of which either can be given the other's.

    Attributes:
        neutral: by side, "a" and "b", float64 (468, 3), from `neutral_face`.
    """

    neutral: Mapping[str, np.ndarray]

    def exchanged(self, mesh: np.ndarray, side: str) -> np.ndarray:
        """Give a face of one person the other's proportions; expression, pose and place stay.

        What the face does to its own neutral face, its head turned alike, is done to the other's.

        Args:
            mesh: (468, 3), of a person's face in a picture.
            side: that person, "a" or "b".

        Returns:
            float64 (468, 3), in the same picture.
        """
        own, other = self.neutral[side], self.neutral["b" if side == "a" else "a"]
        to_own = Placement.between(np.asarray(mesh, np.float64), own)
        expression = to_own.apply(mesh) - own
        return to_own.undo(Placement.between(other, own).apply(other) + expression)


def eye_distance(mesh: np.ndarray) -> float:
    """Distance between the eyes' middles in the picture, in the mesh's unit. Head turns shorten it."""
    left, right = (mesh[eye, :2].mean(axis=0) for eye in MESH_EYES)
    return float(np.linalg.norm(right - left))


def neutral_face(meshes: Sequence[np.ndarray]) -> np.ndarray:
    """What a face is like when it does nothing: the mean of its meshes, turned as in the most frontal one.

    Args:
        meshes: (468, 3) each, of one person.

    Returns:
        float64 (468, 3).
    """
    mean = min(meshes, key=lambda mesh: abs(mesh[SIDES[0], 2] - mesh[SIDES[1], 2]) / eye_distance(mesh))
    for _ in range(ROUNDS):
        mean = np.mean([Placement.between(mesh, mean).apply(mesh) for mesh in meshes], axis=0)
    return np.asarray(mean, np.float64)
