"""How still the faces are: trembling of the landmarks, flicker of the colours."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

EYELIDS = 16
"""Points along the edge of an eye's lids."""
CELLS = 8
"""The face's crop is divided into so many cells each way; the colours of each are followed."""
LEAST_ACCELERATION, LEAST_CHANGE = 1e-3, 0.1
"""What counts at least as the source's own motion (in distances between the eyes) and change of colour (of 255): a
still picture has none, and a ratio to nothing says nothing."""


def accelerations(outlines: Sequence[np.ndarray | None]) -> np.ndarray:
    """Second difference of the eyelids' and the lips' edges in the frame, from frame to frame.

    Args:
        outlines: of each frame, (52, 2), both eyelids and the lips as `outlines_of_mesh` gives them, in pixels of
            the frame; None where there is no face.

    Returns:
        float64 (N,), mean over the points of |p(t-1) - 2 p(t) + p(t+1)| in distances between the eyes' middles; NaN
        at both ends and beside frames without a face.
    """
    result = np.full(len(outlines), np.nan)
    for index in range(1, len(outlines) - 1):
        before, now, after = outlines[index - 1 : index + 2]
        if before is not None and now is not None and after is not None:
            apart = np.linalg.norm(now[:EYELIDS].mean(axis=0) - now[EYELIDS : 2 * EYELIDS].mean(axis=0))
            result[index] = np.linalg.norm(before - 2 * now + after, axis=1).mean() / apart
    return result


def cell_colours(crop: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean colour of each cell of a face.

    Args:
        crop: uint8 RGB (S, S, 3).
        inside: bool (S, S), the pixels that count.

    Returns:
        float64 (8, 8, 3), 0 to 255; NaN where less than half of a cell counts.
    """
    size = (CELLS, CELLS)
    part = cv2.resize(inside.astype(np.float64), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(crop.astype(np.float64) * inside[..., None], size, interpolation=cv2.INTER_AREA)
    return np.where(part[..., None] >= 0.5, total / np.maximum(part, 0.5)[..., None], np.nan)


def changes(colours: Sequence[np.ndarray | None]) -> np.ndarray:
    """How much the cells' colours change from the frame before.

    Args:
        colours: of each frame, as `cell_colours` gives them; None where there is no face.

    Returns:
        float64 (N,), mean over the cells of the length of their change in RGB, 0 to 255; NaN in the first frame and
        beside frames without a face.
    """
    result = np.full(len(colours), np.nan)
    for index in range(1, len(colours)):
        before, now = colours[index - 1 : index + 1]
        if before is not None and now is not None:
            result[index] = np.nanmean(np.linalg.norm(now - before, axis=2))
    return result


def ratios(values: np.ndarray, own: np.ndarray, least: float) -> np.ndarray:
    """Divide values by the mean of the source's own where both are known; that counts as `least` at least."""
    known = np.isfinite(values) & np.isfinite(own)
    return np.where(known, values, np.nan) / max(least, float(own[known].mean()) if known.any() else least)
