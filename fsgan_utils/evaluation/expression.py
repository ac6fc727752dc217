"""What a face does in a frame: expression, place in the picture, and gaze."""

from __future__ import annotations

import cv2
import numpy as np

from fsgan_utils.faces import Alignment, estimate_similarity
from fsgan_utils.heads import eye_distance
from fsgan_utils.landmarks import MESH_EYES, MESH_TO_68
from fsgan_utils.masks import region_mask

EXPRESSION = MESH_TO_68[17:27].tolist() + MESH_TO_68[36:].tolist()
"""The FaceMesh points of the brows, the eyes and the lips: 42."""
EYE_SIDE = 64
"""Pixels of the square in which an eye is looked at, two eye's widths wide."""
OPEN = 0.16
"""Height of an eye's opening over its width from which on its gaze can be read."""


def expression_error(mesh: np.ndarray, true_mesh: np.ndarray) -> float:
    """Mean distance of the points of brows, eyes and lips from the true ones, after the best 2-D similarity.

    Args:
        mesh: (468, 3), of the swapped face.
        true_mesh: (468, 3), of the true one.

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


def gaze_error(irises: np.ndarray, reference: np.ndarray) -> float:
    """Mean distance of the irises from the reference's, in eye widths; NaN where both eyes are closed in either."""
    distances = np.linalg.norm(irises - reference, axis=1)
    return float(np.nanmean(distances)) if np.isfinite(distances).any() else float("nan")


def iris(image: np.ndarray, lids: np.ndarray) -> np.ndarray:
    """Find where the iris of an eye stands: where it is darker than the rest of the opening.

    Its place is the mean of the pixels within the lids, weighted by the square of how much darker each is than the
    median.

    Args:
        image: uint8 RGB (H, W, 3).
        lids: (16, 2), the edge of the lids as `outlines_of_mesh` gives it, in pixels.

    Returns:
        float64 (2,), `(x, y)` in the eye's widths from its middle, x from the corner on the image's left to that on
        its right; NaN where the eye is closed.
    """
    alignment = _eye_alignment(lids)
    edge = alignment.apply(lids)
    inside = region_mask(edge[None], EYE_SIDE) > 0
    if np.ptp(edge[:, 1]) < OPEN * EYE_SIDE / 2 or not inside.any():
        return np.full(2, np.nan)
    grey = cv2.cvtColor(alignment.warp(image), cv2.COLOR_RGB2GRAY).astype(np.float64)
    weight = np.where(inside, np.clip(np.median(grey[inside]) - grey, 0, None), 0) ** 2
    if weight.sum() == 0:
        return np.full(2, np.nan)
    rows, columns = np.indices(weight.shape)
    place = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
    return place / (EYE_SIDE / 2) - 1


def _eye_alignment(lids: np.ndarray) -> Alignment:
    """From the frame to a square of two eye's widths, its corners level."""
    left, right = sorted((lids[0], lids[8]), key=lambda corner: float(corner[0]))
    corners = np.array([[0.25, 0.5], [0.75, 0.5]]) * EYE_SIDE
    return Alignment(estimate_similarity(np.stack([left, right]), corners), EYE_SIDE)
