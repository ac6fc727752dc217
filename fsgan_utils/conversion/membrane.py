"""Gradient-domain colour: the smooth field that makes a drawing continue its surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.linalg import solveh_banded

MEMBRANE_SIDE = 32
"""Cells per side of the grid on which the field is solved for; it is smooth, and needs no more."""
ALIKE = 16.0
"""How far, in levels, the difference around the mask may lie from the usual one within to count for 61 %."""
PULL = 3e-2
"""Pull towards the usual difference, relative to the pull between two neighbouring cells. It keeps the field from
trembling with the few cells around the mask: on the sample clip, fitted to each frame for itself, the face's mean
colour flickers 1.1 times as much as the source's; with a pull of 1e-3 it was 1.5 times."""


def fit_membrane(
    image: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None, complexion: float = 0.0
) -> np.ndarray:
    """Solve for the field whose addition to an image keeps its gradients and closes the seam to a target.

    With d = target − image and u its usual value within the mask, the field f minimises Σ |f_i − f_j|² over
    neighbouring cells, plus Σ w |f − d|² over the cells around the mask, plus `PULL` Σ |f − (1 − c) u|² over all, c
    being the complexion: Pérez, Gangnet and Blake, "Poisson image editing", SIGGRAPH 2003, equations 4 to 6, with a
    weighted boundary, and screened as in Bhat et al., "Fourier analysis of the 2D screened Poisson equation for
    gradient domain problems", ECCV 2008. The weight w = exp(−|d − u|² / 2 `ALIKE`²) lets nothing bleed in where the
    face's outline ends before a background or a hand lies before it. The image's own border demands nothing.

    Args:
        image: RGB (H, W, 3), 0 to 255, uint8 or float.
        target: RGB (H, W, 3), 0 to 255.
        mask: bool (H, W); None for all, which gives (1 − c) u everywhere.
        complexion: what part of the usual difference is left, away from the seam, 0 to 1.

    Returns:
        float64 (32, 32, 3); zero if the mask is empty.
    """
    difference = _coarse(target) - _coarse(image)
    covered = np.ones(difference.shape[:2]) if mask is None else _coarse(mask)
    if not covered.any():
        return np.zeros_like(difference)
    usual = _usual(difference, covered)
    weight = _likeness(difference, usual) * (1 - covered)
    right = weight[..., None] * difference + PULL * (1 - complexion) * usual
    return solveh_banded(_laplacian(weight + PULL), right.reshape(-1, 3), lower=True).reshape(difference.shape)


def _usual(difference: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """The mean difference within a mask, (3,), of the cells that lie near the median."""
    median = np.median(difference[covered > 0], axis=0)
    weight = covered * (_likeness(difference, median) + np.finfo(np.float64).tiny)
    return np.tensordot(weight, difference, axes=2) / weight.sum()


def _likeness(difference: np.ndarray, usual: np.ndarray) -> np.ndarray:
    return np.exp(-((difference - usual) ** 2).sum(axis=-1) / (2 * ALIKE**2))


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
