"""Guides: a drawing of where a face's features lie, which tells a decoder where to draw them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS, MESH_LIPS

GUIDE_CHANNELS = 3
FINE_SIDE = 256
"""Side in pixels at which a guide is drawn, before it is reduced to the networks' size."""
FRACTION_BITS = 4
LINE_WIDTH = 4
FULL, LIPS, BROWS, FACE = 255, 160, 128, 100
"""How strongly the parts show: the openings of eyes and mouth, and the nose, fully."""

# fmt: off
MESH_BROWS = np.array([
    [70, 63, 105, 66, 107, 55, 65, 52, 53, 46],
    [336, 296, 334, 293, 300, 276, 283, 282, 295, 285],
])
"""int (2, 10): the FaceMesh points around the brows."""
MESH_NOSE_LINES = ([168, 6, 197, 195, 5, 4], [98, 97, 2, 326, 327])
"""The FaceMesh points down the ridge of the nose, and along its base."""
MESH_FACE_EDGE = np.array([
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
])
"""int (36,): the FaceMesh points around the face."""
# fmt: on


def draw_guide(mesh: np.ndarray, size: int, resolution: int) -> np.ndarray:
    """Draw where the features of a face lie.

    Args:
        mesh: (468, 2) or (468, 3), `(x, y)` in pixels of a square picture of the face.
        size: side of that picture in pixels.
        resolution: side of the guide in pixels, at most 256.

    Returns:
        float32 (resolution, resolution, 3) in [0, 1]: the openings of the eyes, and the brows; the lips, and the
        opening of the mouth; the face, and the lines of the nose.
    """
    points = (np.asarray(mesh)[:, :2] + 0.5) * (FINE_SIDE / size) - 0.5
    eyes, mouth, face = np.zeros((3, FINE_SIDE, FINE_SIDE), np.uint8)
    _fill(eyes, points[MESH_EYELIDS], FULL)
    _fill(eyes, points[MESH_BROWS], BROWS)
    _fill(mouth, points[MESH_LIPS][None], LIPS)
    _fill(mouth, points[MESH_INNER_LIPS][None], FULL)
    _fill(face, points[MESH_FACE_EDGE][None], FACE)
    for line in MESH_NOSE_LINES:
        cv2.polylines(face, [_fixed_point(points[line])], False, FULL, LINE_WIDTH, cv2.LINE_AA, FRACTION_BITS)
    fine = cv2.merge([eyes, mouth, face])
    return cv2.resize(fine, (resolution, resolution), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)


def _fill(canvas: np.ndarray, outlines: Sequence[np.ndarray] | np.ndarray, strength: int) -> None:
    for outline in outlines:
        cv2.fillPoly(canvas, [_fixed_point(outline)], strength, cv2.LINE_AA, FRACTION_BITS)


def _fixed_point(points: np.ndarray) -> np.ndarray:
    return np.rint(points * 2**FRACTION_BITS).astype(np.int32)
