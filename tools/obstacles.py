"""Things drawn before a face, to see what a mask does about them: a stick, a hand, a microphone."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fsgan_utils.faces import Face

SKIN, WOOD, METAL, BLACK = (224, 172, 140), (120, 80, 40), (150, 150, 155), (25, 25, 28)
Bar = tuple[tuple[float, float], tuple[float, float], float, tuple[int, int, int]]
"""A line with round ends: from, to and width, in heights of the face's box from its centre; RGB."""


def stick(image: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Draw a stick across the cheek and far beyond the face: see `drawn`."""
    return drawn(image, face, [((-1.5, 0.5), (1.5, -0.1), 0.07, WOOD)])


def hand(image: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Draw four fingers and a palm that cover chin and mouth: see `drawn`."""
    fingers: list[Bar] = [((0.25 + 0.13 * n, 0.75), (-0.05 + 0.12 * n, 0.2 + 0.05 * n), 0.12, SKIN) for n in range(4)]
    return drawn(image, face, [*fingers, ((0.45, 0.95), (0.5, 0.85), 0.5, SKIN)])


def microphone(image: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Draw a microphone before the mouth, its handle below the face: see `drawn`."""
    return drawn(image, face, [((0, 1.4), (-0.02, 0.6), 0.1, METAL), ((-0.02, 0.5), (-0.02, 0.42), 0.26, BLACK)])


def drawn(image: np.ndarray, face: Face, bars: Sequence[Bar]) -> tuple[np.ndarray, np.ndarray]:
    """Draw bars before a face.

    Args:
        image: uint8 RGB (H, W, 3); not changed.
        face: the bars are placed by its box.
        bars: one over the other.

    Returns:
        uint8 RGB (H, W, 3); and bool (H, W), the pixels they cover.
    """
    centre, unit = (face.box[:2] + face.box[2:]) / 2, face.height
    result, covered = image.copy(), np.zeros(image.shape[:2], np.uint8)
    for start, stop, width, color in bars:
        first, last = (np.rint(centre + unit * np.array(point)).astype(int).tolist() for point in (start, stop))
        cv2.line(result, first, last, color, max(1, round(width * unit)), cv2.LINE_8)
        cv2.line(covered, first, last, 1, max(1, round(width * unit)), cv2.LINE_8)
    return result, covered.astype(bool)
