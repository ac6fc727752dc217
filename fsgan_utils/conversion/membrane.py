"""Gradient-domain colour: the smooth field that makes an image continue another where a mask ends."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

MEMBRANE_SIDE = 32
"""Cells per side of the grid on which the field is solved for; it is smooth, and needs no more."""


def fit_membrane(image: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Solve for the field whose addition to an image keeps its gradients and closes the seam.

    Inside the mask the field is harmonic; where the mask ends it is target minus image. Image plus field then is the
    Poisson blend of the two: Pérez, Gangnet and Blake, "Poisson image editing", SIGGRAPH 2003, equations 4 to 6. At
    the image's own border nothing is demanded of it, so that a mask which is cut off there does not bleed.

    Args:
        image: RGB (H, W, 3), 0 to 255, uint8 or float.
        target: RGB (H, W, 3), 0 to 255.
        mask: bool (H, W); None for all but the rim. Where it reaches everywhere the field is the mean difference.

    Returns:
        float64 (32, 32, 3).
    """
    inside = _coarse_mask(mask)
    difference = _coarse(target) - _coarse(image)
    if inside.all():
        return np.broadcast_to(difference.mean(axis=(0, 1)), difference.shape).copy()
    field = difference.copy()
    if inside.any():
        field[inside] = _harmonic(difference, inside)
    return field


def _coarse(image: np.ndarray) -> np.ndarray:
    cells = (MEMBRANE_SIDE, MEMBRANE_SIDE)
    return cv2.resize(image.astype(np.float32), cells, interpolation=cv2.INTER_AREA).astype(np.float64)


def _coarse_mask(mask: np.ndarray | None) -> np.ndarray:
    if mask is None:
        inside = np.zeros((MEMBRANE_SIDE, MEMBRANE_SIDE), bool)
        inside[1:-1, 1:-1] = True
        return inside
    cells = (MEMBRANE_SIDE, MEMBRANE_SIDE)
    return cv2.resize(mask.astype(np.float32), cells, interpolation=cv2.INTER_AREA) > 0


def _harmonic(known: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Solve Laplace's equation inside with the known values around: (N, 3), one row per inner cell."""
    number = np.full(inside.shape, -1)
    number[inside] = np.arange(inside.sum())
    degree, right = np.zeros(inside.sum()), np.zeros((inside.sum(), known.shape[-1]))
    rows, columns = [], []
    for here, there in _neighbours():
        inner = inside[here]
        degree[number[here][inner]] += 1
        both, border = inner & inside[there], inner & ~inside[there]
        rows.append(number[here][both])
        columns.append(number[there][both])
        right[number[here][border]] += known[there][border]
    diagonal = np.arange(len(degree))
    places = np.concatenate([*rows, diagonal]), np.concatenate([*columns, diagonal])
    weights = np.concatenate([-np.ones(sum(map(len, rows))), degree])
    return spsolve(coo_array((weights, places), shape=(len(degree),) * 2).tocsc(), right)


def _neighbours() -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Pairs of slices of a grid: cells, and their neighbours below, above, right and left of them."""
    every, first, last = slice(None), slice(None, -1), slice(1, None)
    down, right = ((first, every), (last, every)), ((every, first), (every, last))
    return [down, down[::-1], right, right[::-1]]
