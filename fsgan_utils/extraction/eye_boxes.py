"""Crude eye masks from two points: good enough to begin training, better ones come from notebook 2."""

from __future__ import annotations

import numpy as np


def eye_box_mask(eyes: np.ndarray, size: int = 256) -> np.ndarray:
    """Draw a box about each eye.

    A box reaches size / 15 above and below its eye and size / 8 to either side.

    Args:
        eyes: (2, 2) or more, `(x, y)` in pixels of the crop; the first two rows are used.
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size), 255 in the boxes and 0 elsewhere.

    Reference:
        v2.2's notebook 1.
    """
    mask = np.zeros((size, size), np.uint8)
    for x, y in np.asarray(eyes, np.float64)[:2]:
        top, bottom = _within(y - size / 15, size), _within(y + size / 15, size)
        left, right = _within(x - size / 8, size), _within(x + size / 8, size)
        mask[top:bottom, left:right] = 255
    return mask


def _within(position: float, size: int) -> int:
    return int(np.clip(position, 0, size))
