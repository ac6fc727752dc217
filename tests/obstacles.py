"""Things drawn before a face: a stick, a hand, a microphone."""

import cv2
import numpy as np

SKIN, WOOD, METAL, BLACK = (224, 172, 140), (120, 80, 40), (150, 150, 155), (25, 25, 28)


def stick(image, face):
    """A stick across the cheek and far beyond the face."""
    return _drawn(image, face, [((-1.5, 0.5), (1.5, -0.1), 0.07, WOOD)])


def hand(image, face):
    """Four fingers and a palm that cover the chin and the mouth's corner."""
    fingers = [((0.25 + 0.13 * n, 0.75), (-0.05 + 0.12 * n, 0.2 + 0.05 * n), 0.12, SKIN) for n in range(4)]
    return _drawn(image, face, [*fingers, ((0.45, 0.95), (0.5, 0.85), 0.5, SKIN)])


def microphone(image, face):
    """A microphone before the mouth, its handle below the face."""
    handle = ((0.0, 1.4), (-0.02, 0.6), 0.1, METAL)
    return _drawn(image, face, [handle, ((-0.02, 0.5), (-0.02, 0.42), 0.26, BLACK)])


def _drawn(image, face, lines):
    """Lines with round ends, in parts of the box's height from its centre; uint8 RGB, and the pixels covered."""
    centre, unit = (face.box[:2] + face.box[2:]) / 2, face.height
    result, covered = image.copy(), np.zeros(image.shape[:2], np.uint8)
    for start, stop, width, color in lines:
        ends = [tuple(int(v) for v in centre + unit * np.array(point)) for point in (start, stop)]
        cv2.line(result, *ends, color, max(1, round(width * unit)), cv2.LINE_8)
        cv2.line(covered, *ends, 1, max(1, round(width * unit)), cv2.LINE_8)
    return result, covered.astype(bool)
