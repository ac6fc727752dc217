"""Guides: a drawing of where a face's features lie, which tells a decoder where to draw them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fsgan_utils.landmarks import IRISES, MESH_EYELIDS, MESH_INNER_LIPS, MESH_LIPS

GUIDE_CHANNELS = 3
FINE_SIDE = 256
"""Side in pixels at which a guide is drawn, before it is reduced to the networks' size."""
FRACTION_BITS = 4
"""Binary digits of a pixel that drawing counts in."""
LINE_WIDTH = 4
FULL, IRIS, LIPS, BROWS, FACE = 255, 96, 160, 128, 100
"""How strongly the parts show: white of the eye, iris, lips, brows, face; the mouth's opening and the nose fully."""
IRIS_SIZE = 0.4
"""Diameter of an iris in widths of an open eye: about 12 mm in 30."""

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
_ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def draw_guide(features: np.ndarray, size: int, resolution: int) -> np.ndarray:
    """Draw where the features of a face are to be.

    Args:
        features: (470, 2) or (470, 3), the points of the face to be drawn, as `FaceMesh.refine` gives them, `(x, y)` in
            pixels of a square.
        size: side of that square in pixels.
        resolution: side of the guide in pixels, at most 256.

    Returns:
        float32 (resolution, resolution, 3) in [0, 1]: the openings of the eyes, darker where an iris is, and the brows;
        the lips, and the opening of the mouth; the face, and the lines of the nose.
    """
    points = (np.asarray(features)[:, :2] + 0.5) * (FINE_SIDE / size) - 0.5
    eyes, mouth, face = np.zeros((3, FINE_SIDE, FINE_SIDE), np.uint8)
    _fill(eyes, points[MESH_BROWS], BROWS)
    np.maximum(eyes, _eyes(points), out=eyes)
    _fill(mouth, points[MESH_LIPS][None], LIPS)
    _fill(mouth, points[MESH_INNER_LIPS][None], FULL)
    _fill(face, points[MESH_FACE_EDGE][None], FACE)
    for line in MESH_NOSE_LINES:
        cv2.polylines(face, [fixed_point(points[line])], False, FULL, LINE_WIDTH, cv2.LINE_AA, FRACTION_BITS)
    fine = cv2.merge([eyes, mouth, face])
    return cv2.resize(fine, (resolution, resolution), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)


def _eyes(points: np.ndarray) -> np.ndarray:
    """What lies between the lids, white but for the irises: uint8 (256, 256)."""
    openings, insides = np.zeros((2, FINE_SIDE, FINE_SIDE), np.uint8)
    insides += FULL
    _fill(openings, points[MESH_EYELIDS], FULL)
    across = [points[lids[8]] - points[lids[0]] for lids in MESH_EYELIDS]
    height = max(float(np.linalg.norm(one)) for one in across)  # of the eye that is seen from the front
    _fill(insides, [_iris(points[iris], one, height) for iris, one in zip(IRISES, across, strict=True)], IRIS)
    return cv2.multiply(openings, insides, scale=1 / FULL)


def _iris(middle: np.ndarray, across: np.ndarray, height: float) -> np.ndarray:
    """The edge of an iris in an eye from corner to corner: (24, 2)."""
    width = max(float(np.linalg.norm(across)), 1e-6)
    along = across / width
    axes = np.stack([along * width, np.array([-along[1], along[0]]) * height]) * (IRIS_SIZE / 2)
    return middle + _CIRCLE @ axes


def _fill(canvas: np.ndarray, outlines: Sequence[np.ndarray] | np.ndarray, strength: int) -> None:
    for outline in outlines:
        cv2.fillPoly(canvas, [fixed_point(outline)], strength, cv2.LINE_AA, FRACTION_BITS)


def fixed_point(points: np.ndarray) -> np.ndarray:
    """Points (…, 2) in pixels as OpenCV draws them with `shift=FRACTION_BITS`: int32."""
    return np.rint(points * 2**FRACTION_BITS).astype(np.int32)
