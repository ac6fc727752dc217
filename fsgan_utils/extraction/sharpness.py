"""How sharp a face is, whatever its eyes do, and which faces of a source are blurred beside its own sharp ones."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from fsgan_utils.faces import FACE_TEMPLATE
from fsgan_utils.images import spread

SIDE = 128
"""Side of the crop at which blur is measured, about as large as the networks draw it: what is lost on them does not
count."""
GRAIN = 0.8
"""Standard deviation, in pixels of that, of the blur that takes grain off before."""
STEPS = ((1, 0), (0, 1), (1, 1), (1, -1))
"""To the next pixel across, down and along both diagonals: moved faces lose their detail along one of them."""
USUAL_WIDTHS = np.array([1.52, 1.38, 1.67, 1.68])
"""Widths of edges in each of these directions, in pixels, in the middle one of the sample clips' faces."""
HALF, POWER = 0.5, 1.6
"""What a face with the usual widths measures, and how steeply that rises."""
ABOVE, BELOW, BESIDE = 0.62, 0.1, 0.45
"""How far the compared part of a crop reaches above the eyes, below the mouth and beside the eyes, in distances of the
eyes."""
EYE = (0.39, 0.21)
"""Half axes of the ellipse about each eye that is left out, in the same; lids and brows that come down lie in it."""
SHARP_PART = 0.25
"""Part of comparable faces that is at least as sharp as what the others are measured by."""
BLURRED = 1.3
"""Multiple of their widths from which a face counts as blurred beside them."""
SIZES, YAWS, PITCHES = 1.5, 20.0, 15.0
"""By which factor in size, and by how many degrees, comparable faces may differ."""
FEWEST, MOST = 8, 1000
"""Comparable faces below which those of any pose count, and faces above which only some, spread evenly, are compared
with."""


def edge_widths(crop: np.ndarray) -> np.ndarray:
    """Measure how wide the edges of a face are, from brows to mouth but not about the eyes.

    The root of Σ I'² / Σ I''² is proportional to the standard deviation of a blurred edge, whatever its contrast.
    Closed eyes, which have less of both, do not matter, for they are left out.

    Args:
        crop: uint8 RGB (S, S, 3), cut as "half".

    Returns:
        float64 (4,): across, down, and along both diagonals, as multiples of `USUAL_WIDTHS`.

    Reference:
        The ratio of a signal's derivatives as its scale: Lindeberg, "Feature detection with automatic scale
        selection", IJCV 30(2), 1998.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    way = cv2.INTER_AREA if len(grey) > SIDE else cv2.INTER_CUBIC
    seen = cv2.GaussianBlur(cv2.resize(grey, (SIDE, SIDE), interpolation=way).astype(np.float32), (0, 0), GRAIN)
    return np.array([_width(seen, *step) for step in STEPS]) / USUAL_WIDTHS


def blur_of(widths: np.ndarray) -> float:
    """What the widths of a face's edges, float (4,) as `edge_widths` gives them, make of 0 sharp to 1 blurred."""
    return float(np.clip(1 - HALF * np.max(widths) ** -POWER, 0, 1))


def beside_the_sharp(widths: np.ndarray, sizes: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Compare every face of a source with the sharp ones among those of about its size and pose.

    Args:
        widths: float (N, 4), as `edge_widths`.
        sizes: float (N,), in pixels of the frame.
        poses: float (N, 2), yaw and pitch in degrees; NaN where they are not known.

    Returns:
        float64 (N,): how wide its edges are in the worst direction, as a multiple of theirs.
    """
    some = spread(len(widths), MOST)
    result = np.empty(len(widths))
    for index, (own, size, pose) in enumerate(zip(widths, sizes, poses, strict=True)):
        as_large = np.abs(np.log(sizes[some] / size)) <= np.log(SIZES)
        turned = as_large & np.all(np.abs(poses[some] - pose) <= (YAWS, PITCHES), axis=1)
        like = next((chosen for chosen in (turned, as_large) if chosen.sum() >= FEWEST), np.ones(len(some), bool))
        result[index] = np.max(own / np.quantile(widths[some][like], SHARP_PART, axis=0))
    return result


def find_blurred(
    blurs: np.ndarray, widths: np.ndarray, sizes: np.ndarray, poses: np.ndarray, limit: float | None
) -> np.ndarray:
    """Find the faces of a source that are blurred, by a limit and beside its own sharp faces.

    Of a source that is soft throughout none is: there is nothing better to train with. Where there are too few faces
    to compare with, the limit alone counts.

    Args:
        blurs: float (N,), as `blur_of`.
        widths: float (N, 4), as `edge_widths`.
        sizes: float (N,), in pixels of the frame.
        poses: float (N, 2), yaw and pitch in degrees; NaN where they are not known.
        limit: of `blurs`; None for none.

    Returns:
        bool (N,).
    """
    if limit is None:
        return np.zeros(len(blurs), bool)
    above = np.asarray(blurs) > limit
    if len(above) < FEWEST or not above.any():
        return above
    return np.asarray(above & (beside_the_sharp(widths, sizes, poses) > BLURRED))


def _width(grey: np.ndarray, right: int, down: int) -> float:
    before, after = (np.roll(grey, (way * down, way * right), (0, 1)) for way in (1, -1))
    step, compared = np.hypot(right, down), _compared()
    first, second = (after - before)[compared] / (2 * step), (after + before - 2 * grey)[compared] / step**2
    return float(np.sqrt(np.sum(first**2) / (np.sum(second**2) + 1e-6)))


@cache
def _compared() -> np.ndarray:
    """Which pixels of a "half" crop are compared: bool (SIDE, SIDE)."""
    points = FACE_TEMPLATE * SIDE
    (left, right), mouth = points[:2], points[3:, 1].mean()
    apart, level = float(np.linalg.norm(right - left)), (left[1] + right[1]) / 2
    y, x = np.mgrid[:SIDE, :SIDE]
    rows = (y >= level - ABOVE * apart) & (y < mouth + BELOW * apart)
    columns = (x >= left[0] - BESIDE * apart) & (x < right[0] + BESIDE * apart)
    eyes = [((x - eye[0]) / EYE[0]) ** 2 + ((y - eye[1]) / EYE[1]) ** 2 < apart**2 for eye in (left, right)]
    return np.asarray(rows & columns & ~eyes[0] & ~eyes[1])
