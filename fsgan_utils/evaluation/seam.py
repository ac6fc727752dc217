"""What was changed in a frame, and whether one sees where."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import binary_fill_holes

NOTICED = 8.0
"""Difference of a smoothed colour channel, of 255, from which a pixel counts as changed; encoding changes them less."""
UNCHANGED = 3.0
"""Mean difference of the channels within a face's oval, of 255, below which a face was not swapped."""
SMOOTHING, GAP = 3, 13
"""Standard deviation of the blur before pictures are compared, and the widest gap in what differs that is closed."""
STRIP = 6
"""Width in pixels of the strips on both sides of the border whose colours are compared."""


def changed_region(swapped: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Where a picture was changed: the largest connected part that differs, without holes.

    Args:
        swapped: uint8 RGB (S, S, 3).
        source: uint8 RGB (S, S, 3).

    Returns:
        bool (S, S); all False where nothing differs.
    """
    difference = cv2.GaussianBlur(np.abs(swapped.astype(np.float32) - source), (0, 0), SMOOTHING).max(axis=2)
    differs = cv2.morphologyEx((difference > NOTICED).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((GAP, GAP), np.uint8))
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(differs)
    if count == 1:
        return np.zeros(differs.shape, bool)
    return binary_fill_holes(labels == 1 + statistics[1:, cv2.CC_STAT_AREA].argmax())


def seam_scores(swapped: np.ndarray, source: np.ndarray) -> dict[str, float]:
    """Measure the border of what was changed.

    On each border pixel the mean colour of the strip just inside is compared with that of the strip just outside,
    and so are the slopes of the luminance on the border itself.

    Args:
        swapped: uint8 RGB (S, S, 3), the crop of the whole face.
        source: uint8 RGB (S, S, 3), the same before the swap.

    Returns:
        "seam_color": how much longer, on average over the border, the step of the colours is than in the source at
        the same place, of 255; "seam_gradient": how much steeper the luminance is, of 255 a pixel. Both NaN where
        nothing was changed.
    """
    region = changed_region(swapped, source)
    border = region & ~cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1).astype(bool)
    if not border.any():
        return {"seam_color": float("nan"), "seam_gradient": float("nan")}
    steps = [np.linalg.norm(_strip_mean(one, region) - _strip_mean(one, ~region), axis=2) for one in (swapped, source)]
    slopes = [_slope(one) for one in (swapped, source)]
    return {
        "seam_color": float(np.clip(steps[0] - steps[1], 0, None)[border].mean()),
        "seam_gradient": float(np.clip(slopes[0] - slopes[1], 0, None)[border].mean()),
    }


def difference_within(swapped: np.ndarray, source: np.ndarray, inside: np.ndarray) -> float:
    """Mean absolute difference of two pictures' channels, of 255, within a region (S, S)."""
    return float(np.abs(swapped.astype(np.float32) - source)[inside].mean())


def _strip_mean(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Mean colour, about each pixel, of the region's pixels within reach."""
    weight = region.astype(np.float32)
    reach = (2 * STRIP + 1,) * 2
    total = cv2.boxFilter(image * weight[..., None], -1, reach, normalize=False)
    return total / np.maximum(cv2.boxFilter(weight, -1, reach, normalize=False), 1)[..., None]


def _slope(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.hypot(cv2.Scharr(grey, cv2.CV_32F, 1, 0), cv2.Scharr(grey, cv2.CV_32F, 0, 1)) / 32
