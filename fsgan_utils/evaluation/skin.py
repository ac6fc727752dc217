"""What lies on a face's skin that does not belong there: hair of the person put in, or any other foreign band."""

from __future__ import annotations

import cv2
import numpy as np

from fsgan_utils.faces import Alignment
from fsgan_utils.guides import MESH_BROWS, MESH_FACE_EDGE
from fsgan_utils.heads import SOCKETS, eye_distance
from fsgan_utils.landmarks import MESH_LIPS, MESH_MOUTH
from fsgan_utils.masks.regions import disk

FOREIGN = 20.0
"""Distance in CIELAB, of skin brought to a lightness of 65, from which on a colour is not that of the skin."""
LIGHTNESS = 65.0
REDUCED = 2
"""Bands are looked for in crops reduced by this factor."""
RIM, MARGIN, THINNEST, SMOOTHING = 0.06, 0.08, 0.05, 0.03
"""In distances between the eyes: what is left out along the face's edge and about its features, the thinnest band that
counts, and the standard deviation of the blur against grain."""
MESH_NOSE = [168, 122, 351, 198, 420, 129, 358, 98, 327, 2]
"""The FaceMesh points about the nose."""


def foreign_bands(swapped: np.ndarray, source: np.ndarray, mesh: np.ndarray, own: np.ndarray, at: Alignment) -> float:
    """Measure how much of temples, cheeks and forehead is covered by what is neither skin nor in the source.

    Of each picture the colours count beside the median of its skin. What differs from it in the swap, and differs
    otherwise or not at all in the source, is foreign. Brows, eyes, nose, mouth and all below the mouth, where beards
    grow, do not count; neither does hair on the forehead that goes on beyond the face, as where a whole head was
    exchanged.

    Args:
        swapped: uint8 RGB (S, S, 3), the crop of the whole face.
        source: uint8 RGB (S, S, 3), the same before the swap.
        mesh: (470, 3), of the swapped face, in pixels of the frame.
        own: (470, 3), of the source's.
        at: from the frame to the crop.

    Returns:
        Percent of the skin that is looked at; NaN where no skin is seen.
    """
    size = at.size // REDUCED
    points, own_points = (at.apply(np.asarray(one)[:, :2]) / REDUCED for one in (mesh, own))
    swapped, source = (cv2.resize(one, (size, size), interpolation=cv2.INTER_AREA) for one in (swapped, source))
    unit = eye_distance(own_points)
    skin = _skin(points, size, unit) & _skin(own_points, size, unit)
    if not skin.any():
        return float("nan")
    colours, own_colours = (_beside_skin(one, skin, unit) for one in (swapped, source))
    foreign = _far(colours) & _far(colours - own_colours)
    foreign = cv2.morphologyEx(foreign.astype(np.uint8), cv2.MORPH_OPEN, _disk(THINNEST * unit / 2)) > 0
    counts = skin & foreign & ~(_forehead(points, size) & _reaching_out(foreign, own_points))
    return 100 * float(counts.sum() / skin.sum())


def _skin(points: np.ndarray, size: int, unit: float) -> np.ndarray:
    """Where the skin of a face's temples, cheeks and forehead lies: bool (S, S)."""
    whole, features = np.zeros((2, size, size), np.uint8)
    cv2.fillPoly(whole, [np.rint(points[MESH_FACE_EDGE]).astype(np.int32)], 1)
    parts = [points[[*brow, *socket]] for brow, socket in zip(MESH_BROWS, SOCKETS, strict=True)]
    for part in (*parts, points[MESH_NOSE], points[MESH_LIPS]):
        cv2.fillConvexPoly(features, cv2.convexHull(np.rint(part).astype(np.int32)), 1)
    inner = cv2.erode(whole, _disk(RIM * unit), borderValue=0) > 0
    return inner & (cv2.dilate(features, _disk(MARGIN * unit)) == 0) & _above(points, size, points[list(MESH_MOUTH)].T)


def _forehead(points: np.ndarray, size: int) -> np.ndarray:
    return _above(points, size, points[MESH_BROWS.ravel()].T, highest=True)


def _above(points: np.ndarray, size: int, limits: np.ndarray, highest: bool = False) -> np.ndarray:
    """What of a crop lies farther up the face than the mean of some points (2, N), or than the highest: bool (S, S)."""
    up = points[10] - points[152]
    heights = limits.T @ up
    y, x = np.mgrid[:size, :size]
    return np.asarray(x * up[0] + y * up[1] > (heights.max() if highest else heights.mean()))


def _beside_skin(image: np.ndarray, skin: np.ndarray, unit: float) -> np.ndarray:
    """Colours in CIELAB beside the skin's median, as of skin of one lightness: float32 (S, S, 3)."""
    smooth = cv2.GaussianBlur(image.astype(np.float32) / 255, (0, 0), max(0.5, SMOOTHING * unit))
    colours = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)
    median = np.median(colours[skin], axis=0)
    return np.asarray((colours - median) * (LIGHTNESS / max(float(median[0]), 1.0)))


def _far(colours: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(colours, axis=2) > FOREIGN)


def _reaching_out(foreign: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The connected parts of what is foreign that lie outside of the face more than within it."""
    inside = np.zeros(foreign.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(points[MESH_FACE_EDGE]).astype(np.int32)], 1)
    count, labels = cv2.connectedComponents(foreign.astype(np.uint8))
    within = np.bincount(labels[inside > 0], minlength=count)
    return np.asarray((2 * within < np.bincount(labels.ravel(), minlength=count))[labels] & foreign)


def _disk(radius: float) -> np.ndarray:
    return disk(max(1, round(radius)))
