"""What head and face do over a clip, counted from the clip's own mean face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from fsgan_utils.evaluation.expression import EXPRESSION
from fsgan_utils.heads import Placement, eye_distance, mean_face

FEWEST = 3
"""Frames that must show both faces for a mean rotation between them to say something."""


@dataclass(frozen=True, eq=False)
class Motion:
    """How a head turns and what its face does.

    Each mesh is brought to the clip's mean face, see `fsgan_utils.heads`. Its rotation is the turn of the head; what
    then is left beside the mean face is the expression.

    Attributes:
        turns: float64 (N, 4), of each frame the rotation from the mean face's pose to the head's as a unit
            quaternion; NaN where there is no face.
        displacements: float64 (N, 42, 2), the points of brows, eyes and lips beside those of the mean face, seen
            from the front, in distances between its eyes; NaN where there is no face.
    """

    turns: np.ndarray
    displacements: np.ndarray

    @classmethod
    def of(cls, meshes: Sequence[np.ndarray | None]) -> Motion:
        """Measure a clip.

        Args:
            meshes: of each frame, (470, 3); None where there is no face.
        """
        turns = np.full((len(meshes), 4), np.nan)
        moved = np.full((len(meshes), len(EXPRESSION), 2), np.nan)
        seen = [index for index, mesh in enumerate(meshes) if mesh is not None]
        if seen:
            found = [np.asarray(meshes[index], np.float64) for index in seen]
            mean = mean_face(found)
            placements = [Placement.between(mesh, mean) for mesh in found]
            faces = np.stack([placement.apply(mesh) for placement, mesh in zip(placements, found, strict=True)])
            turns[seen] = [placement.turn.inv().as_quat() for placement in placements]
            moved[seen] = (faces - mean)[:, EXPRESSION, :2] / eye_distance(mean)
        return cls(turns, moved)


def pose_errors(motion: Motion, reference: Motion) -> np.ndarray:
    """Angle between the turns of two heads in each frame.

    What FaceMesh reads differently in every frame because the faces differ in shape does not count: the mean
    rotation between the clips is taken off.

    Returns:
        float64 (N,), degrees; NaN where one of them has no face, and everywhere if fewer than three frames have both.
    """
    errors = np.full(len(motion.turns), np.nan)
    both = np.isfinite(motion.turns[:, 0]) & np.isfinite(reference.turns[:, 0])
    if both.sum() >= FEWEST:
        between = Rotation.from_quat(reference.turns[both]).inv() * Rotation.from_quat(motion.turns[both])
        errors[both] = np.degrees((between * between.mean().inv()).magnitude())
    return errors


def expression_matches(motion: Motion, source: Motion) -> np.ndarray:
    """What each frame adds to the correlation of two clips' expressions.

    Returns:
        float64 (N,), n · <x(t), s(t)> / sqrt(sum |x|² · sum |s|²) with the displacements x and s of the n frames that
        show a face in both; their mean is the clips' correlation. NaN in the other frames.
    """
    both = np.isfinite(motion.displacements[:, 0, 0]) & np.isfinite(source.displacements[:, 0, 0])
    one, other = (np.where(both[:, None, None], clip.displacements, 0) for clip in (motion, source))
    size = float(np.sqrt(np.sum(one**2) * np.sum(other**2)))
    products = np.sum(one * other, axis=(1, 2)) * both.sum() / max(size, 1e-12)
    return np.where(both, products, np.nan)
