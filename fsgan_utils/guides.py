"""Guides: a drawing of where a face's features lie, which tells a decoder where to draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS, MESH_LIPS

GUIDE_CHANNELS = 3
FINE_SIDE = 256
"""Side in pixels at which a guide is drawn, before it is reduced to the networks' size."""
FRACTION_BITS = 4
LINE_WIDTH = 4
FULL, IRIS, LIPS, BROWS, FACE = 255, 96, 160, 128, 100
"""How strongly the parts show: white of the eye, iris, lips, brows, face; the mouth's opening and the nose fully."""
DARK, BRIGHT = 35, 90
"""Percentiles of the red between eyelids that count as iris and as white; corners are darker than a light iris."""
LEAST_CONTRAST = 40
"""Least difference of these two that is believed, of 255: closed lids show neither."""
NARROWEST = 0.15
"""Height over width to which an eye's opening is narrowed at most when its inside is carried over."""

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


def draw_guide(features: np.ndarray, size: int, resolution: int, picture: np.ndarray, mesh: np.ndarray) -> np.ndarray:
    """Draw where the features of a face are to be.

    Args:
        features: (468, 2) or (468, 3), the points of the face to be drawn, `(x, y)` in pixels of a square.
        size: side of that square in pixels.
        resolution: side of the guide in pixels, at most 256.
        picture: uint8 RGB (H, W, 3), with a face whose eyes tell where to look.
        mesh: (468, 2) or (468, 3), the points of that face, in pixels of the picture.

    Returns:
        float32 (resolution, resolution, 3) in [0, 1]: the openings of the eyes, darker where an iris is, and the brows;
        the lips, and the opening of the mouth; the face, and the lines of the nose.
    """
    points = (np.asarray(features)[:, :2] + 0.5) * (FINE_SIDE / size) - 0.5
    eyes, mouth, face = np.zeros((3, FINE_SIDE, FINE_SIDE), np.uint8)
    _fill(eyes, points[MESH_BROWS], BROWS)
    for lids, eye, seen in zip(MESH_EYELIDS, _eye_frames(points), _eye_frames(mesh), strict=True):
        _look(eyes, points[lids], eye, picture, np.asarray(mesh)[lids, :2], seen)
    _fill(mouth, points[MESH_LIPS][None], LIPS)
    _fill(mouth, points[MESH_INNER_LIPS][None], FULL)
    _fill(face, points[MESH_FACE_EDGE][None], FACE)
    for line in MESH_NOSE_LINES:
        cv2.polylines(face, [_fixed_point(points[line])], False, FULL, LINE_WIDTH, cv2.LINE_AA, FRACTION_BITS)
    fine = cv2.merge([eyes, mouth, face])
    return cv2.resize(fine, (resolution, resolution), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)


def _look(
    canvas: np.ndarray, lids: np.ndarray, eye: np.ndarray, picture: np.ndarray, seen_lids: np.ndarray, seen: np.ndarray
) -> None:
    """Draw the inside of an eye as it is seen in another one: white, and a dark iris.

    Args:
        canvas: uint8 (H, W); changed.
        lids: (16, 2), on the canvas.
        eye: (3, 2), of `_eye_frames`, on the canvas.
        picture: uint8 RGB (H, W, 3).
        seen_lids: (16, 2), in the picture.
        seen: (3, 2), of `_eye_frames`, in the picture.
    """
    here, there = _around(lids, canvas), _around(seen_lids, picture)
    opening, inside = _opening(lids, canvas, here), _opening(seen_lids, picture, there)
    if not opening.any() or not inside.any():
        return
    red = picture[there.rows, there.columns, 0].astype(np.float32)
    dark, bright = np.percentile(red[inside > 0], [DARK, BRIGHT])
    white = np.clip((red - dark) / max(bright - dark, LEAST_CONTRAST), 0, 1)
    onto = cv2.getAffineTransform((seen - there.start).astype(np.float32), (eye - here.start).astype(np.float32))
    white = cv2.warpAffine(white, onto, opening.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    drawn = opening * (IRIS + (FULL - IRIS) * white) / FULL
    part = canvas[here.rows, here.columns]
    part[:] = np.maximum(part, np.rint(drawn).astype(np.uint8))


@dataclass(frozen=True, eq=False)
class _Part:
    """A rectangle of an image, and where it starts, `(x, y)`."""

    rows: slice
    columns: slice
    start: np.ndarray


def _around(points: np.ndarray, image: np.ndarray) -> _Part:
    """The part of an image that points lie in, and a pixel around it."""
    size = image.shape[1::-1]
    start = np.clip(np.floor(points.min(axis=0)).astype(int) - 1, 0, size)
    stop = np.clip(np.ceil(points.max(axis=0)).astype(int) + 2, 0, size)
    return _Part(slice(start[1], stop[1]), slice(start[0], stop[0]), start)


def _opening(lids: np.ndarray, image: np.ndarray, part: _Part) -> np.ndarray:
    """What lies between eyelids, in a part of an image: uint8, 255 inside."""
    opening = np.zeros(image[part.rows, part.columns].shape[:2], np.uint8)
    if opening.size:  # an eye may lie outside the image
        _fill(opening, (lids - part.start)[None], FULL)
    return opening


def _eye_frames(points: np.ndarray) -> np.ndarray:
    """Middle, outer end and lower end of each eye's opening: float64 (2, 3, 2), in the unit of the points (468, 2)."""
    points = np.asarray(points, np.float64)[:, :2]
    down = points[MESH_LIPS].mean(axis=0) - points[MESH_EYELIDS].mean(axis=(0, 1))
    return np.array([_eye_frame(points[lids], down) for lids in MESH_EYELIDS])


def _eye_frame(lids: np.ndarray, down: np.ndarray) -> np.ndarray:
    half = (lids[8] - lids[0]) / 2
    across = np.array([-half[1], half[0]]) / max(float(np.linalg.norm(half)), 1e-6)
    across *= np.sign(across @ down) or 1.0
    heights = (lids - lids[0]) @ across
    middle = (lids[0] + lids[8]) / 2 + across * (heights.max() + heights.min()) / 2
    reach = max(float(np.ptp(heights)) / 2, NARROWEST * float(np.linalg.norm(half)))
    return np.array([middle, middle + half, middle + reach * across])


def _fill(canvas: np.ndarray, outlines: Sequence[np.ndarray] | np.ndarray, strength: int) -> None:
    for outline in outlines:
        cv2.fillPoly(canvas, [_fixed_point(outline)], strength, cv2.LINE_AA, FRACTION_BITS)


def _fixed_point(points: np.ndarray) -> np.ndarray:
    return np.rint(points * 2**FRACTION_BITS).astype(np.int32)
