"""Gradient-domain colour: the smooth field that makes a drawing continue its surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.linalg import solveh_banded

MEMBRANE_SIDE = 32
"""Cells per side of the grid on which the field is solved for; it is smooth, and needs no more."""
ALIKE = 16.0
"""How far, in levels, the difference around the mask may lie from the usual one within to count for 61 %."""
STIFFNESS = 1e-3
"""Pull towards the usual difference, relative to the pull between two neighbouring cells."""


def fit_membrane(image: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Solve for the field whose addition to an image keeps its gradients and closes the seam to a target.

    The field f minimises Σ |f_i − f_j|² over neighbouring cells plus Σ w |f − (target − image)|² over the cells
    around the mask: Pérez, Gangnet and Blake, "Poisson image editing", SIGGRAPH 2003, equations 4 to 6, with the
    boundary's condition weighted. The weight w = exp(−d² / 2 `ALIKE`²) falls with the distance d from the median
    difference within the mask: where a face's outline ends before a background, or a hand lies before it, nothing
    bleeds in. The image's own border demands nothing.

    Args:
        image: RGB (H, W, 3), 0 to 255, uint8 or float.
        target: RGB (H, W, 3), 0 to 255.
        mask: bool (H, W); None for all, which gives the median difference everywhere.

    Returns:
        float64 (32, 32, 3); zero if the mask is empty.
    """
    difference = _coarse(target) - _coarse(image)
    inside = np.ones(difference.shape[:2], bool) if mask is None else _coarse(mask) > 0
    if not inside.any():
        return np.zeros_like(difference)
    usual = np.median(difference[inside], axis=0)
    weight = np.exp(-((difference - usual) ** 2).sum(axis=-1) / (2 * ALIKE**2)) * ~inside
    right = weight[..., None] * difference + STIFFNESS * usual
    return solveh_banded(_laplacian(weight + STIFFNESS), right.reshape(-1, 3), lower=True).reshape(difference.shape)


def _coarse(image: np.ndarray) -> np.ndarray:
    cells = (MEMBRANE_SIDE, MEMBRANE_SIDE)
    return cv2.resize(image.astype(np.float32), cells, interpolation=cv2.INTER_AREA).astype(np.float64)


def _laplacian(diagonal: np.ndarray) -> np.ndarray:
    """The grid's Laplace matrix plus a diagonal, as the lower bands that `solveh_banded` takes."""
    across = np.ones(diagonal.shape)
    across[:, -1] = 0
    down = np.ones(diagonal.shape)
    down[-1] = 0
    degree = across + down + np.roll(across, 1, axis=1) + np.roll(down, 1, axis=0)
    bands = np.zeros((MEMBRANE_SIDE + 1, diagonal.size))
    bands[0], bands[1], bands[-1] = (degree + diagonal).ravel(), -across.ravel(), -down.ravel()
    return bands
