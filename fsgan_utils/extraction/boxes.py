"""Arithmetic on boxes, as the published MTCNN does it: corners are inclusive pixels.

Every array of boxes is float64 (N, 4), `x0, y0, x1, y1`; a box from pixel 3 to pixel 5 is 3 wide.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np


def sizes(boxes: np.ndarray) -> np.ndarray:
    """Width and height of each box, (N, 2)."""
    return boxes[:, 2:] - boxes[:, :2] + 1


def keep_best(boxes: np.ndarray, scores: np.ndarray, groups: np.ndarray, limit: float) -> np.ndarray:
    """Non-maximum suppression within each group: of boxes that lie on each other, the best remains.

    Args:
        boxes: (N, 4).
        scores: (N,), not negative.
        groups: int (N,).
        limit: largest overlap, intersection over union, that two kept boxes may have, 0 to 1.

    Returns:
        int (K,), positions of the kept boxes.
    """
    corners_and_sizes = np.hstack([boxes[:, :2], sizes(boxes)])
    arrays: tuple[Any, Any, Any] = corners_and_sizes, scores, groups.astype(np.int32)  # the stubs want lists
    kept = cv2.dnn.NMSBoxesBatched(*arrays, -1, limit)
    return np.array(kept, int).reshape(-1)


def keep_best_of_nested(boxes: np.ndarray, scores: np.ndarray, groups: np.ndarray, limit: float) -> np.ndarray:
    """Keep the best of boxes that lie within each other: as `keep_best`, but the overlap is a part of the smaller box.

    Meant for the few boxes that are faces already.
    """
    areas = sizes(boxes).prod(axis=1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        start = np.maximum(boxes[best, :2], boxes[rest, :2])
        stop = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        common = np.maximum(0, stop - start + 1).prod(axis=1)
        within = common > limit * np.minimum(areas[best], areas[rest])
        order = rest[~within | (groups[rest] != groups[best])]
    return np.array(kept, int)


def corrected(boxes: np.ndarray, corrections: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Move each corner by the network's correction, given in parts of the box's size.

    Args:
        boxes: (N, 4).
        corrections: (N, 4), for x0, y0, x1, y1.
        extent: (N, 2), width and height in pixels that the corrections are parts of.
    """
    return boxes + corrections * np.tile(extent, 2)


def squared(boxes: np.ndarray) -> np.ndarray:
    """Grow the shorter side of each box about its centre."""
    extent = boxes[:, 2:] - boxes[:, :2]
    side = extent.max(axis=1, keepdims=True)
    start = boxes[:, :2] + (extent - side) / 2
    return np.hstack([start, start + side])


def visible(boxes: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """The parts of boxes that lie in their images, (N, 4).

    Args:
        boxes: (N, 4), counted from 1.
        limits: (N, 2), width and height of each box's image.
    """
    return np.hstack([np.maximum(boxes[:, :2], 1), np.minimum(boxes[:, 2:], limits)])


def cut(image: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """Cut a box out of an image and resize it by area.

    Args:
        image: uint8 (H, W, 3).
        box: (4,) whole numbers counted from 1; of one that reaches outside the image the part inside fills the crop.
        size: side of the crop in pixels.

    Returns:
        float32 (size, size, 3), 0 to 255; black if nothing of the box lies in the image.
    """
    x0, y0 = (max(int(start), 1) for start in box[:2])
    part = image[y0 - 1 : max(int(box[3]), 0), x0 - 1 : max(int(box[2]), 0)]
    if not part.size:
        return np.zeros((size, size, 3), np.float32)
    return cv2.resize(part.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)


def averaged(image: np.ndarray, start: np.ndarray, stop: np.ndarray, size: int) -> np.ndarray:
    """Reduce a part of an image, whose edges may lie within pixels, by area.

    Args:
        image: uint8 (H, W, 3).
        start: (2,), x and y where the part begins, in pixels from the image's corner, not negative.
        stop: (2,), where it ends, within the image.
        size: side of the result in pixels, not more than the part has.

    Returns:
        float32 (size, size, 3), 0 to 255; black if the part is empty.
    """
    if (stop <= start).any():
        return np.zeros((size, size, 3), np.float32)
    first, last = np.floor(start).astype(int), np.ceil(stop).astype(int)
    total = cv2.integral(image[first[1] : last[1], first[0] : last[0]])
    for axis, begin, end in zip((1, 0), start - first, stop - first, strict=True):
        total = np.diff(_between(total, np.linspace(begin, end, size + 1), axis), axis=axis)
    return (total * (size**2 / (stop - start).prod())).astype(np.float32)


def _between(total: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Interpolate sums over pixels at places along an axis, which counts pixels from 0: exact, as a pixel is even."""
    before = np.minimum(places.astype(int), total.shape[axis] - 2)
    part = np.expand_dims(places - before, tuple(other for other in range(total.ndim) if other != axis))
    lower, upper = np.take(total, before, axis), np.take(total, before + 1, axis)
    return lower + (upper - lower) * part


def enlarged(box: np.ndarray, factor: float) -> np.ndarray:
    """The same box, (4,), on an image that is larger by a factor; its corners are inclusive pixels there too."""
    return np.concatenate([(box[:2] - 1) * factor + 1, box[2:] * factor])
