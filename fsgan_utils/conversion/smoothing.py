"""Steady the faces of a video, track by track."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fsgan_utils.conversion.graduation import graduated, noise_of_moving
from fsgan_utils.settings import one_of

METHODS = ("two_pass", "kalman", "moving_average", "none")
WARM_UP = 200
"""How often v2.2 predicts before the first measurement, so that it trusts the first one fully."""


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


def steadied(
    landmarks: np.ndarray,
    frames: np.ndarray,
    method: str,
    rate: float,
    cutoff: float = 2.5,
    kalman_noise: float = 3e-3,
    moving_average: float = 0.65,
    seen: np.ndarray | None = None,
) -> np.ndarray:
    """Steady the landmarks of one face along its track.

    Args:
        landmarks: (N, K, 2), `(x, y)` in pixels: the five points, or more.
        frames: (N,), increasing: when they were seen, in frames.
        method: "two_pass" sees the whole track, so that nothing lags, and calms no more than the points' own noise;
            "kalman" and "moving_average" see, as v2.2 did, only what came before; "none" changes nothing.
        rate: frames per second.
        cutoff: for "two_pass": movements that take longer than 1 / cutoff seconds are kept; of quicker ones, what is
            larger than the noise.
        kalman_noise: see `KalmanPoint`.
        moving_average: see `AveragedPoint`.
        seen: bool (N,), where the points were seen and not guessed; "two_pass" does without the guesses. None for
            everywhere; the first and the last always count as seen.

    Returns:
        float64 (N, K, 2).

    Raises:
        ValueError: the method is unknown.
    """
    one_of("the smoothing", method, METHODS)
    points = np.asarray(landmarks, np.float64)
    if method == "none":
        return points
    if method == "two_pass":
        noise = noise_of_moving(points if seen is None else points[seen])
        return graduated(points, frames, cutoff / rate, noise, seen)
    filters: list[KalmanPoint | AveragedPoint] = [
        KalmanPoint(kalman_noise, point) if method == "kalman" else AveragedPoint(moving_average, point)
        for point in points[0]
    ]
    return np.array([[one.update(point) for one, point in zip(filters, found, strict=True)] for found in points])
