"""Drawing the masks: parts of a face, filled, and the face as a whole."""

from __future__ import annotations

import cv2
import numpy as np

from fsgan_utils.guides import FRACTION_BITS, fixed_point
from fsgan_utils.landmarks import outlines_of_68

MASK_SIZE = 256
"""Side of every mask in pixels: that of the square which the training takes out of an image."""


def region_mask(outlines: np.ndarray, size: int = MASK_SIZE) -> np.ndarray:
    """Fill the convex hulls of outlines.

    Args:
        outlines: (N, M, 2), `(x, y)` in pixels of the crop, as in `fsgan_utils.landmarks.Outlines`; not rounded.
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size), 255 inside.
    """
    mask = np.zeros((size, size), np.uint8)
    for outline in np.asarray(outlines):
        hull = cv2.convexHull(outline.astype(np.float32)).reshape(-1, 2)
        cv2.fillConvexPoly(mask, fixed_point(hull), 255, shift=FRACTION_BITS)
    return mask


def outline_mask(mesh: np.ndarray, size: int = MASK_SIZE) -> np.ndarray:
    """Fill the convex hull of a face's mesh.

    Args:
        mesh: (468 or 470, 2), `(x, y)` in pixels of the crop.
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size), 255 inside.
    """
    return region_mask(np.asarray(mesh)[None], size)


def disk(radius: int) -> np.ndarray:
    """A round brush for OpenCV's morphology: uint8 (2 · radius + 1, 2 · radius + 1), 1 inside."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))


def widened(mask: np.ndarray) -> np.ndarray:
    """Widen a mask by 6 pixels and soften its edge, as the training wants the eyes: with lids and lashes.

    Args:
        mask: uint8 (256, 256).

    Returns:
        uint8 (256, 256), 0 to 255.

    Reference:
        v2.2's notebook 2: dilated 13×13, Gaussian 7×7.
    """
    return cv2.GaussianBlur(cv2.dilate(mask, np.ones((13, 13), np.uint8)), (7, 7), 0)


def eye_mask(landmarks: np.ndarray, size: int = MASK_SIZE) -> np.ndarray:
    """Draw both eyes from 68 landmarks as v2.2 did: filled, widened and softened.

    Args:
        landmarks: (68, 2), `(x, y)` in pixels of the crop; v2.2 cut off their fractions.
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size), 0 to 255.

    Reference:
        v2.2's notebook 2: convex hulls of points 36-41 and 42-47, then as `widened`.
    """
    return widened(region_mask(np.trunc(outlines_of_68(landmarks)["eyes"]), size))
