"""Bring the colours of a generated face to those of the scene."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.exposure import match_histograms

METHODS = ("none", "adain", "adain_xyz", "hist_match")


def correct_color(image: np.ndarray, target: np.ndarray, method: str, mask: np.ndarray | None = None) -> np.ndarray:
    """Give an image the colours of another.

    Args:
        image: RGB (H, W, 3), 0 to 255, uint8 or float.
        target: RGB (h, w, 3), 0 to 255; the same size as `image` when there is a mask.
        method: "none"; "adain": mean and standard deviation of each channel; "adain_xyz": the same in XYZ;
            "hist_match": the histogram of each channel.
        mask: bool (H, W): colours are compared, and changed, in these pixels only. None for all.

    Returns:
        float32 RGB (H, W, 3), 0 to 255.

    Raises:
        ValueError: the method is unknown.

    Reference:
        v2.2's `converter/color_correction.py`.
    """
    functions = {"adain": _adain, "adain_xyz": _adain_xyz, "hist_match": _hist_match}
    if method not in METHODS:
        raise ValueError(f"the colour correction must be one of {', '.join(METHODS)}. Received: {method!r}")
    result = np.array(image, np.float32)
    if method == "none":
        return result
    if mask is None:
        return functions[method](image, target)
    if mask.any():
        result[mask] = functions[method](image[mask][:, None], target[mask][:, None])[:, 0]
    return result


def _adain(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.clip(_same_statistics(image, target), 0, 255).astype(np.float32)


def _adain_xyz(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    """As v2.2: both conversions work on whole numbers."""
    image_xyz, target_xyz = (
        cv2.cvtColor(np.clip(pixels, 0, 255).astype(np.uint8), cv2.COLOR_RGB2XYZ) for pixels in (image, target)
    )
    matched = np.clip(_same_statistics(image_xyz, target_xyz), 0, 255).astype(np.uint8)
    return cv2.cvtColor(matched, cv2.COLOR_XYZ2RGB).astype(np.float32)


def _hist_match(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    matched = match_histograms(image.astype(np.float32), target.astype(np.float32), channel_axis=-1)
    return matched.astype(np.float32)


def _same_statistics(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Give each channel the mean and the standard deviation of the target's."""
    image, target = image.astype(np.float64), target.astype(np.float64)
    spread = np.maximum(image.std(axis=(0, 1)), 1e-6)
    return (image - image.mean(axis=(0, 1))) / spread * target.std(axis=(0, 1)) + target.mean(axis=(0, 1))
