"""What a face must be like to be swapped, whoever it is: the same in a picture and in a video."""

from __future__ import annotations

import numpy as np

from fsgan_utils.conversion.config import ConvertConfig


def face_sizes(boxes: np.ndarray) -> np.ndarray:
    """The longer sides of boxes (N, 4), x0, y0, x1, y1: (N,), in the same unit."""
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)


def reasons_against(sizes: np.ndarray, scores: np.ndarray, config: ConvertConfig) -> dict[str, np.ndarray]:
    """Tell which faces are too small or too doubtful to be swapped.

    Args:
        sizes: (N,), from `face_sizes`, in pixels.
        scores: (N,), 0 to 1.
        config: `min_face` and `min_score` count.

    Returns:
        By the reason, bool (N,), the faces that are left alone for it.
    """
    return {
        f"smaller than {config.min_face:g} pixels": sizes < config.min_face,
        f"less sure than {config.min_score:g}": scores < config.min_score,
    }
