"""Shots that only seem to end: something covers a face that fills the picture, and all around it stays as it was."""

from __future__ import annotations

import cv2
import numpy as np

from fsgan_utils.video import signature

SIDE = 16
"""Side of a frame's surroundings in cells."""
LEAST_CELLS = 8
"""Cells outside of a face's box by which two pictures can be compared."""
UNCHANGED = 4.0, 0.2
"""Difference up to which a cell shows the same, of 255 levels, or in standard deviations of all the cells."""
ENOUGH = 0.3
"""Part of these cells that must show the same: what covers a face covers much around it too. Other pictures agree in
about a ninth."""
BLACK = 24
"""Level below which a cell may be one of the bars above and below a picture, which agree in all shots."""


def surroundings(image: np.ndarray) -> np.ndarray:
    """What is noted of a frame, uint8 RGB (H, W, 3), to tell whether all around its faces stays as it was.

    Returns:
        uint8 (16, 16), grey.
    """
    return cv2.resize(cv2.cvtColor(signature(image), cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def continued(shot: np.ndarray, around: np.ndarray, faces: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Number shots anew: one goes on where a face is gone, or there again, and nothing else has changed.

    Args:
        shot: int (F,), number of the shot of each frame.
        around: uint8 (F, 16, 16), from `surroundings`.
        faces: of each frame the boxes of its faces, (N, 4) in pixels.
        size: width and height of the frames in pixels.

    Returns:
        int64 (F,).
    """
    ends = np.diff(shot, prepend=shot[:1]) != 0
    for at in np.flatnonzero(ends).tolist():
        before, after = faces[at - 1], faces[at]
        if len(before) + len(after) and not (len(before) and len(after)):
            ends[at] = not _alike(around[at - 1], around[at], _outside(np.concatenate([before, after]), size))
    return np.cumsum(ends)


def _outside(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The cells that no box reaches into: bool (16, 16)."""
    cells = boxes.astype(np.float64) * (SIDE / np.tile(size, 2))
    outside = np.ones((SIDE, SIDE), bool)
    for left, top, right, bottom in np.clip(cells, 0, SIDE):
        outside[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] = False
    return outside


def _alike(first: np.ndarray, second: np.ndarray, outside: np.ndarray) -> bool:
    outside = outside & (np.maximum(first, second) >= BLACK)
    if outside.sum() < LEAST_CELLS:
        return False
    one, other = (picture[outside].astype(np.float64) for picture in (first, second))
    least, part = UNCHANGED
    return bool((np.abs(one - other) <= max(least, part * min(one.std(), other.std()))).mean() >= ENOUGH)
