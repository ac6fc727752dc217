"""What a face does in a frame: expression, place in the picture, and gaze."""

from __future__ import annotations

import numpy as np

from fsgan_utils.eyes import EyeFrames
from fsgan_utils.faces import estimate_similarity
from fsgan_utils.heads import eye_distance
from fsgan_utils.landmarks import IRISES, MESH_EYELIDS, MESH_EYES, MESH_TO_68

EXPRESSION = MESH_TO_68[17:27].tolist() + MESH_TO_68[36:].tolist()
"""The FaceMesh points of the brows, the eyes and the lips: 42."""
OPEN = 0.16
"""Height of an eye's opening over its width from which on its gaze can be read."""


def expression_error(mesh: np.ndarray, true_mesh: np.ndarray) -> float:
    """Mean distance of the points of brows, eyes and lips from the true ones, after the best 2-D similarity.

    Args:
        mesh: (470, 3), of the swapped face.
        true_mesh: (470, 3), of the true one.

    Returns:
        In distances between the true face's eyes.
    """
    points, true = (np.asarray(one, np.float64)[EXPRESSION, :2] for one in (mesh, true_mesh))
    matrix = estimate_similarity(points, true)
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return float(np.linalg.norm(moved - true, axis=1).mean()) / eye_distance(true_mesh)


def place_error(mesh: np.ndarray, reference: np.ndarray) -> float:
    """Distance between the middles of two faces' eyes, in distances between the reference's eyes."""
    eyes = MESH_EYES.ravel()
    return float(np.linalg.norm(mesh[eyes, :2].mean(axis=0) - reference[eyes, :2].mean(axis=0))) / eye_distance(
        reference
    )


def gaze_error(mesh: np.ndarray, reference: np.ndarray) -> float:
    """Distance between where two faces look, see `gaze`, in eye widths; NaN where both eyes are closed in either."""
    return float(np.linalg.norm(gaze(mesh) - gaze(reference)))


def gaze(mesh: np.ndarray) -> np.ndarray:
    """How far the irises are from the middle between the corners of their eyes.

    Args:
        mesh: (470, 2 or 3), from `FaceMesh.refine`.

    Returns:
        float64 (2,), to the right in the image and down, level with the eyes, in widths of the eye: the mean of both
        eyes, or of the open one; NaN where both are closed.
    """
    points = np.asarray(mesh, np.float64)[:, :2]
    frames = EyeFrames.of(points[MESH_EYELIDS])
    opened = np.ptp(frames.places(points[MESH_EYELIDS])[..., 1], axis=1) / 2 >= OPEN
    places = frames.places(points[IRISES][:, None])[:, 0] / 2
    return np.asarray(places[opened].mean(axis=0)) if opened.any() else np.full(2, np.nan)
