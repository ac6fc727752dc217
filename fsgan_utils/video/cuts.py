"""Where one shot ends and the next begins."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 32
"""Side of a frame's signature in pixels."""
PICTURED = 24
"""Standard deviation of a signature above which it shows something that cannot vanish into a plain frame by itself."""


def signature(frame: np.ndarray) -> np.ndarray:
    """Shrink a frame to what is needed to tell shots apart.

    Args:
        frame: uint8 RGB (H, W, 3).

    Returns:
        uint8 RGB (32, 32, 3).
    """
    coarse = cv2.resize(frame, (4 * SIDE, 4 * SIDE), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def is_cut(before: np.ndarray, after: np.ndarray, threshold: float = 0.5) -> bool:
    """Whether a new shot begins between two frames.

    Args:
        before: `signature` of the first.
        after: `signature` of the second.
        threshold: correlation of the two, -1 to 1, below which they count as different shots.
    """
    first, second = before.astype(np.float64), after.astype(np.float64)
    if first.std() * second.std() < 1:
        return bool(abs(first.mean() - second.mean()) > 64 or max(first.std(), second.std()) > PICTURED)
    return correlation(first, second) < threshold


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson correlation of two arrays of one shape, -1 to 1; 1 where one of them is all alike."""
    spread = float(first.std() * second.std())
    if spread == 0:
        return 1.0
    return float(np.mean((first - first.mean()) * (second - second.mean()))) / spread
