"""How much a face shakes and its colours flicker."""

from __future__ import annotations

import numpy as np


def acceleration(values: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Length of the second difference from frame to frame: what is left of a movement that is even.

    Args:
        values: (N, …, D), one value, or points, for each frame.
        frames: int (N,), increasing: their frames. Only three frames in a row count.

    Returns:
        float64 (K,), of each three frames in a row the mean length over the points.
    """
    if len(frames) < 3:
        return np.zeros(0)
    in_a_row = frames[2:] - frames[:-2] == 2
    lengths = np.linalg.norm(np.diff(np.asarray(values, np.float64), n=2, axis=0), axis=-1)
    return lengths.reshape(len(lengths), -1).mean(axis=1)[in_a_row]
