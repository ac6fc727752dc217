"""The geometry that every step shares: a detected face, and its alignment to the canonical crop."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.settings import one_of

FACE_TEMPLATE = np.array(
    [
        [0.3259269274198092, 0.31339227236234224],
        [0.7228453709528997, 0.31075140146108776],
        [0.5187296867370605, 0.5523683107816256],
        [0.37262483743520886, 0.7752419985257663],
        [0.6772957581740159, 0.7759613623985877],
    ]
)
"""float64 (5, 2): where v2.2's aligned crop puts the five points, (x, y) as fractions of the crop's side."""
CROPS = ("half", "full")
"""Kinds of aligned crops: "half", v2.2's, which cuts long chins; "full", ours, from the forehead to below the chin."""
FULL_SCALE, FULL_CENTRE = 0.644, (0.526, 0.575)
"""How large "full" shows what "half" shows, and the point of "half" that lies in the middle of "full".

All 456 faces of the sample clips, turned up to 45°, then lie wholly within the middle that conversion draws anew."""
FULL_TURN = 1.38
"""How far the middle of a face's outline lies to one side for every length that its nose lies to the other; over the
sample clips that holds to .02 of the crop's side."""
POINT_SPREAD = 1e-24
"""Sum of squared distances to their centre, in parts of the centre's squared distance to the origin, up to which points
coincide: no more than rounding leaves of it."""
NOSE = 2
"""Row of the nose among the five points."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face seen in one image. The constructor checks and converts every field.

    Attributes:
        box: float32 (4,), `x0, y0, x1, y1` in pixels; may reach outside the image.
        landmarks: float32 (5, 2), `(x, y)` in pixels: left eye, right eye, nose, left mouth corner,
            right mouth corner, left and right as seen in the image.
        score: the detector's confidence, 0 to 1.
        track: number of the track the face belongs to, or None.
        identity: number of the person the face belongs to, or None.

    Raises:
        ValueError: a field has the wrong shape, is not finite, or the box is empty.
    """

    box: np.ndarray
    landmarks: np.ndarray
    score: float
    track: int | None = None
    identity: int | None = None

    def __post_init__(self) -> None:
        """Convert the arrays and check them."""
        object.__setattr__(self, "box", _finite_array(self.box, (4,), "Face.box", np.float32))
        object.__setattr__(self, "landmarks", _finite_array(self.landmarks, (5, 2), "Face.landmarks", np.float32))
        object.__setattr__(self, "score", float(self.score))
        if not 0 <= self.score <= 1:
            raise ValueError(f"Face.score must be between 0 and 1. Received: {self.score}")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"Face.box must be x0, y0, x1, y1 with x1 > x0, y1 > y0. Received: {self.box.tolist()}")

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return float(self.box[2] - self.box[0])

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return float(self.box[3] - self.box[1])


@dataclass(frozen=True, eq=False)
class Alignment:
    """A similarity transform from an image to a square crop in which every face stands alike.

    Coordinates are never rounded: a crop follows the face by fractions of a pixel.

    Attributes:
        matrix: float64 (2, 3), maps image `(x, y, 1)` to crop `(x, y)`.
        size: side of the crop in pixels.

    Raises:
        ValueError: the matrix is not a finite, invertible (2, 3) array, or the size is not positive.
    """

    matrix: np.ndarray
    size: int = 256

    def __post_init__(self) -> None:
        """Convert the matrix and check it."""
        object.__setattr__(self, "matrix", _finite_array(self.matrix, (2, 3), "Alignment.matrix", np.float64))
        if self.size < 1:
            raise ValueError(f"Alignment.size must be a positive number of pixels. Received: {self.size}")
        if abs(np.linalg.det(self.matrix[:, :2])) < 1e-12:
            raise ValueError(f"Alignment.matrix must be invertible. Received: {self.matrix.tolist()}")

    @classmethod
    def from_landmarks(cls, landmarks: np.ndarray, size: int = 256, crop: str = "half") -> Alignment:
        """Fit the five points of a face to the template of a kind of crop.

        In a "full" crop of a head turned aside the points lie off the template, so that the outline of the face stays
        in the middle: it moves to one side as the nose moves to the other.

        Args:
            landmarks: (5, 2), `(x, y)` in pixels, ordered as `Face.landmarks`.
            size: side of the crop in pixels.
            crop: "half", as v2.2, or "full".

        Raises:
            ValueError: the points do not determine a similarity (they coincide, say), or the crop is unknown.
        """
        template = crop_template(crop)
        matrix = estimate_similarity(landmarks, template * size)
        if crop == "full":
            fitted = np.asarray(landmarks, np.float64) @ matrix[:, :2].T + matrix[:, 2]
            matrix[0, 2] += FULL_TURN * (_nose_aside(fitted) - _nose_aside(template * size))
        return cls(matrix, size)

    @property
    def inverse(self) -> np.ndarray:
        """float64 (2, 3), maps crop `(x, y, 1)` to image `(x, y)`."""
        return cv2.invertAffineTransform(self.matrix)

    @property
    def scale(self) -> float:
        """Crop pixels per image pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map image points (N, 2) to crop points, float64 (N, 2)."""
        return np.asarray(points, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def undo(self, points: np.ndarray) -> np.ndarray:
        """Map crop points (N, 2) back to image points, float64 (N, 2)."""
        inverse = self.inverse
        return np.asarray(points, np.float64) @ inverse[:, :2].T + inverse[:, 2]

    def warp(self, image: np.ndarray) -> np.ndarray:
        """Cut the crop out of an image.

        Args:
            image: (H, W) or (H, W, C), any dtype that OpenCV warps.

        Returns:
            (size, size) or (size, size, C), same dtype; pixels from outside the image repeat its edge.
        """
        size = (self.size, self.size)
        if self.scale >= 0.5:
            return cv2.warpAffine(image, self.matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        part, start = self._surroundings(image)
        matrix = self.matrix + np.column_stack([np.zeros((2, 2)), self.matrix[:, :2] @ start])
        return cv2.warpAffine(
            _prefiltered(part, self.scale), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )

    def _surroundings(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The part of an image that the blur before shrinking needs, and where it begins, (x, y)."""
        corners = np.array([[0, 0], [self.size, 0], [0, self.size], [self.size, self.size]], np.float64)
        reached = self.undo(corners)
        reach, limit = 4 / self.scale, np.array([image.shape[1], image.shape[0]])
        start = np.clip(np.floor(reached.min(axis=0) - reach), 0, limit - 1).astype(int)
        stop = np.clip(np.ceil(reached.max(axis=0) + reach), start + 1, limit).astype(int)
        return image[start[1] : stop[1], start[0] : stop[0]], start

    def unwarp(self, crop: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Put a crop back where it came from.

        Args:
            crop: (size, size) or (size, size, C).
            shape: shape of the image, (H, W, …).

        Returns:
            (H, W) or (H, W, C), same dtype; zero outside the crop.
        """
        return cv2.warpAffine(
            crop,
            self.matrix,
            (shape[1], shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )


def crop_template(crop: str) -> np.ndarray:
    """Where a kind of crop puts the five points of a face that looks ahead.

    Args:
        crop: "half" or "full".

    Returns:
        float64 (5, 2), `(x, y)` as fractions of the crop's side.

    Raises:
        ValueError: there is no such crop.
    """
    one_of("crop", crop, CROPS)
    return FACE_TEMPLATE if crop == "half" else 0.5 + FULL_SCALE * (FACE_TEMPLATE - FULL_CENTRE)


def misalignment(landmarks: np.ndarray, crop: str) -> float:
    """How far off a face lies in an image that should be an aligned crop.

    Args:
        landmarks: (5, 2), `(x, y)` as fractions of the image's side.
        crop: "half" or "full".

    Returns:
        Mean distance of the five points to where aligning the image anew would put them, in sides of the crop.
    """
    points = np.asarray(landmarks, np.float64)
    return float(np.linalg.norm(Alignment.from_landmarks(points, 1, crop).apply(points) - points, axis=1).mean())


def estimate_similarity(source: np.ndarray, destination: np.ndarray) -> np.ndarray:
    """Least-squares similarity (rotation, uniform scale, shift) from one point set to another.

    Args:
        source: (N, 2).
        destination: (N, 2).

    Returns:
        float64 (2, 3) matrix; it maps `source` in the coordinate order in which the points are given.

    Raises:
        ValueError: the points do not determine a similarity.

    Reference:
        Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
        IEEE TPAMI 13(4), 1991, equations 40 to 43; v2.2's `umeyama.py`.
    """
    points, targets = np.asarray(source, np.float64), np.asarray(destination, np.float64)
    centre, target_centre = points.mean(axis=0), targets.mean(axis=0)
    from_centre, to_centre = points - centre, targets - target_centre
    spread = (from_centre**2).sum()
    if not np.isfinite([spread, to_centre.sum()]).all() or spread <= POINT_SPREAD * (1 + (centre**2).sum()):
        raise ValueError(f"the points do not determine a similarity. Received: {points.tolist()}")
    along = (from_centre * to_centre).sum() / spread
    across = (from_centre[:, 0] * to_centre[:, 1] - from_centre[:, 1] * to_centre[:, 0]).sum() / spread
    turn = np.array([[along, -across], [across, along]])
    return np.column_stack([turn, target_centre - turn @ centre])


def box_overlaps(first: np.ndarray, second: np.ndarray, relative_to: str = "union") -> np.ndarray:
    """How far boxes lie on each other.

    Args:
        first: (N, 4), x0, y0, x1, y1 each.
        second: (M, 4).
        relative_to: what the common area is divided by: the "union" of two boxes, or the "smaller" one.

    Returns:
        float64 (N, M), 0 to 1.
    """
    one, other = (np.asarray(boxes, np.float64).reshape(-1, 4) for boxes in (first, second))
    start = np.maximum(one[:, None, :2], other[None, :, :2])
    stop = np.minimum(one[:, None, 2:], other[None, :, 2:])
    common = np.clip(stop - start, 0, None).prod(axis=2)
    areas, others = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, other))
    smaller = np.minimum(areas[:, None], others[None])
    return common / (smaller if relative_to == "smaller" else areas[:, None] + others[None] - common)


def margin(size: int, coverage: float) -> int:
    """Pixels that are left out on each side of a crop of side `size`, as v2.2 counts them."""
    return int(size * (1 - coverage))


def _nose_aside(points: np.ndarray) -> float:
    """How far the nose lies to the right of the middle of eyes and mouth."""
    return float(points[NOSE, 0] - np.delete(points, NOSE, axis=0)[:, 0].mean())


def _prefiltered(image: np.ndarray, scale: float) -> np.ndarray:
    """Blur an image before it shrinks, so that the crop does not alias."""
    return cv2.GaussianBlur(image, (0, 0), 0.5 * (1 / scale - 1))


def _finite_array(value: np.ndarray, shape: tuple[int, ...], name: str, dtype: type) -> np.ndarray:
    array: np.ndarray = np.asarray(value, dtype=dtype)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} must hold finite numbers in shape {shape}. Received: shape {array.shape}, {value}")
    return array
