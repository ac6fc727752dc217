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
FULL, IRIS, LIPS, BROWS, FACE = 255, 96, 160, 128, 100
"""How strongly the parts show: white of the eye, iris, lips, brows, face; the mouth's opening and the nose fully."""
IRIS_WIDTH, IRIS_HEIGHT = 0.42, 1.1
"""Half an iris' width, as a part of half the eye's, and its least height, as a part of the opening's; lids cover it."""
SPREAD, FURTHEST = 2.5, 0.75
"""How much further off the middle an iris is drawn than the mean of what is dark, which shadows in both corners keep
near the middle; and how far at most, as parts of half the eye's width."""
EYE_SIZE = (48, 24)
"""Width and height in pixels at which an eye's opening is looked at."""
DARK, BRIGHT = 35, 90
"""Percentiles of the red between eyelids that count as iris and as white; corners are darker than a light iris."""
LEAST_CONTRAST = 40
"""Least difference of these two, of 255, that is fully believed: closed lids show neither."""
NARROWEST = 0.15
"""Height over width that an eye's opening is taken to have at least where an iris is looked for and drawn."""

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
        _look(eyes, points[lids], eye, *_find_iris(picture, np.asarray(mesh)[lids, :2], seen))
    _fill(mouth, points[MESH_LIPS][None], LIPS)
    _fill(mouth, points[MESH_INNER_LIPS][None], FULL)
    _fill(face, points[MESH_FACE_EDGE][None], FACE)
    for line in MESH_NOSE_LINES:
        cv2.polylines(face, [_fixed_point(points[line])], False, FULL, LINE_WIDTH, cv2.LINE_AA, FRACTION_BITS)
    fine = cv2.merge([eyes, mouth, face])
    return cv2.resize(fine, (resolution, resolution), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)


def _look(canvas: np.ndarray, lids: np.ndarray, eye: np.ndarray, aside: float, contrast: float) -> None:
    """Draw the inside of an eye: white, and an iris; grey where no iris was seen.

    Args:
        canvas: uint8 (S, S); changed.
        lids: (16, 2), on the canvas.
        eye: (3, 2), of `_eye_frames`, on the canvas.
        aside: where the iris is, from `_find_iris`.
        contrast: how sure that is, from `_find_iris`.
    """
    start = np.clip(np.floor(lids.min(axis=0)).astype(int) - 1, 0, len(canvas))
    stop = np.clip(np.ceil(lids.max(axis=0)).astype(int) + 2, 0, len(canvas))
    part = canvas[start[1] : stop[1], start[0] : stop[0]]
    if not part.size:  # an eye may lie outside the square
        return
    opening, iris = np.zeros((2, *part.shape), np.uint8)
    _fill(opening, lids[None] - start, FULL)
    _fill(iris, _iris_edge(eye, aside)[None] - start, FULL)
    white = contrast * (1 - iris.astype(np.float32) / FULL)
    part[:] = np.maximum(part, np.rint(opening * (IRIS + (FULL - IRIS) * white) / FULL).astype(np.uint8))


def _iris_edge(eye: np.ndarray, aside: float) -> np.ndarray:
    """An ellipse of the iris' width about its middle, at least as high as the opening: float64 (32, 2)."""
    across, down = eye[1] - eye[0], eye[2] - eye[0]
    height = max(IRIS_HEIGHT, IRIS_WIDTH * float(np.linalg.norm(across) / np.linalg.norm(down)))
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)[:, None]
    return np.asarray(eye[0] + (aside + IRIS_WIDTH * np.cos(angles)) * across + height * np.sin(angles) * down)


def _find_iris(picture: np.ndarray, lids: np.ndarray, eye: np.ndarray) -> tuple[float, float]:
    """Tell from where it is dark between eyelids where the iris is.

    The mean counts, in red, in which blue and brown irises alike are darker than the white: one edge or another would
    mislead, for lashes and the corner by the nose are darker than a light iris, and a light's reflection is white. Up
    and down the iris is where the lids are.

    Args:
        picture: uint8 RGB (H, W, 3).
        lids: (16, 2), in the picture.
        eye: (3, 2), of `_eye_frames`, in the picture.

    Returns:
        How far it lies off the middle, as a part of half the eye's width; and the contrast, 0 to 1.
    """
    width, height = EYE_SIZE
    flat = np.array([[width / 2, height / 2], [width, height / 2], [width / 2, height]], np.float32) - np.float32(0.5)
    onto = cv2.getAffineTransform(eye.astype(np.float32), flat)
    opening = np.zeros((height, width), np.uint8)
    _fill(opening, (lids @ onto[:, :2].T + onto[:, 2])[None], FULL)
    inside = opening > FULL // 2
    if not inside.any():
        return 0.0, 0.0
    red = cv2.warpAffine(picture[..., 0], onto, EYE_SIZE, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)[inside]
    dark, bright = np.percentile(red, [DARK, BRIGHT])
    weight = np.clip((bright - red) / max(bright - dark, 1), 0, 1)
    across = (np.nonzero(inside)[1] + 0.5) * 2 / width - 1
    aside = SPREAD * float(across @ weight) / max(float(weight.sum()), 1e-6)
    return float(np.clip(aside, -FURTHEST, FURTHEST)), float(np.clip((bright - dark) / LEAST_CONTRAST, 0, 1))


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
