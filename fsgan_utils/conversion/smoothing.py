"""Steady the faces of a video: one filter per face, started anew at every cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from fsgan_utils.faces import Face

METHODS = ("kalman", "moving_average", "none")
WARM_UP = 200
"""How often v2.2 predicts before the first measurement, so that it trusts the first one fully."""
LOST_AFTER = 5
"""Frames without a face after which its track ends."""
REACH = 0.6
"""Farthest that a face moves between two frames, as a part of its size."""


class KalmanPoint:
    """Constant-velocity Kalman filter of one point, with the constants of v2.2.

    State x, y, vx, vy; time step one frame; measurement noise 1.

    Args:
        noise: variance of the process noise of each of the four; smaller is steadier and slower.
        start: (x, y), where the point is supposed to rest before it is first seen.

    Reference:
        Kalman, "A new approach to linear filtering and prediction problems", 1960; v2.2's
        `converter/kalman_filter.py`.
    """

    def __init__(self, noise: float = 3e-3, start: Sequence[float] | np.ndarray = (0.0, 0.0)) -> None:
        """Set the filter up and let its uncertainty grow."""
        self._filter = cv2.KalmanFilter(4, 2)
        self._filter.transitionMatrix = np.eye(4, dtype=np.float32) + np.eye(4, k=2, dtype=np.float32)
        self._filter.measurementMatrix = np.eye(2, 4, dtype=np.float32)
        self._filter.measurementNoiseCov = np.eye(2, dtype=np.float32)
        self._filter.processNoiseCov = np.float32(noise) * np.eye(4, dtype=np.float32)
        self._filter.statePost = np.array([[start[0]], [start[1]], [0], [0]], np.float32)
        for _ in range(WARM_UP):
            self._filter.predict()

    def update(self, point: Sequence[float] | np.ndarray) -> np.ndarray:
        """Take in where the point was seen; return float32 (2,), where the filter then expects it."""
        self._filter.correct(np.asarray(point, np.float32).reshape(2, 1))
        return self._filter.predict()[:2, 0].copy()


class AveragedPoint:
    """Exponential moving average of one point.

    Args:
        weight: share of the past, 0 to below 1; v2.2's is .65.
        start: (x, y), the value before the first update.
    """

    def __init__(self, weight: float = 0.65, start: Sequence[float] | np.ndarray = (0.0, 0.0)) -> None:
        """Remember the weight and the start."""
        self._weight = weight
        self._value = np.asarray(start, np.float32)

    def update(self, point: Sequence[float] | np.ndarray) -> np.ndarray:
        """Take in where the point was seen; return float32 (2,), the average."""
        self._value = self._weight * self._value + (1 - self._weight) * np.asarray(point, np.float32)
        return self._value.copy()


@dataclass
class _Track:
    number: int
    seen: Face
    filters: Sequence[KalmanPoint | AveragedPoint]
    missed: int = 0


@dataclass
class FaceSmoother:
    """Steadies the boxes and the landmarks of the faces of a video, given frame after frame.

    Each face has filters of its own. A face is the one of the frame before whose centre is nearest, at most
    `REACH` of its size away; otherwise it begins a new track, unsmoothed.

    Attributes:
        method: "kalman", "moving_average" or "none" (which still numbers the tracks).
        kalman_noise: see `KalmanPoint`.
        moving_average: see `AveragedPoint`.

    Raises:
        ValueError: the method is unknown.
    """

    method: str = "kalman"
    kalman_noise: float = 3e-3
    moving_average: float = 0.65
    _tracks: list[_Track] = field(default_factory=list, init=False, repr=False)
    _next: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the method."""
        if self.method not in METHODS:
            raise ValueError(f"the smoothing must be one of {', '.join(METHODS)}. Received: {self.method!r}")

    def update(self, faces: Sequence[Face]) -> list[Face]:
        """Smooth the faces of the next frame.

        Args:
            faces: what the detector found.

        Returns:
            The same faces in the same order, steadied, each with the number of its track.
        """
        pairs = _match([track.seen for track in self._tracks], faces)
        followed = {face: self._tracks[track] for track, face in pairs}
        for track in self._tracks:
            track.missed += 1
        result = [self._follow(followed.get(index), face) for index, face in enumerate(faces)]
        self._tracks = [track for track in self._tracks if track.missed <= LOST_AFTER]
        return result

    def reset(self) -> None:
        """Forget every face; call it at a cut."""
        self._tracks.clear()

    def _follow(self, track: _Track | None, face: Face) -> Face:
        if track is None:
            track = self._begin(face)
        track.seen, track.missed = face, 0
        if self.method == "none":
            return replace(face, track=track.number)
        points = np.stack([one.update(point) for one, point in zip(track.filters, _points(face), strict=True)])
        return replace(face, box=points[:2].reshape(4), landmarks=points[2:], track=track.number)

    def _begin(self, face: Face) -> _Track:
        track = _Track(self._next, face, [self._filter(point) for point in _points(face)])
        self._next += 1
        self._tracks.append(track)
        return track

    def _filter(self, start: np.ndarray) -> KalmanPoint | AveragedPoint:
        if self.method == "kalman":
            return KalmanPoint(self.kalman_noise, start)
        return AveragedPoint(self.moving_average, start)


def _points(face: Face) -> np.ndarray:
    """float32 (7, 2): two corners of the box, five landmarks."""
    return np.concatenate([face.box.reshape(2, 2), face.landmarks])


def _match(before: Sequence[Face], after: Sequence[Face]) -> list[tuple[int, int]]:
    """Pairs of indices of the faces that belong together: least total distance, none beyond reach."""
    if not before or not after:
        return []
    first, second = (np.stack([face.box.reshape(2, 2).mean(axis=0) for face in faces]) for faces in (before, after))
    sizes = np.array([max(face.width, face.height) for face in before])
    distance = np.linalg.norm(first[:, None] - second[None], axis=-1) / sizes[:, None]
    rows, columns = linear_sum_assignment(np.minimum(distance, 10 * REACH))
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if distance[r, c] <= REACH]
