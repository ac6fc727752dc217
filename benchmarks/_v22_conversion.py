"""A conversion as v2.2 goes about it: one frame after another, one face at a time, everything on whole frames.

v2.2 reduced large frames before it looked for faces; here, too, whole frames are searched.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from skimage.exposure import match_histograms

from fsgan_utils.conversion.smoothing import KalmanPoint
from fsgan_utils.conversion.swap import Generator
from fsgan_utils.faces import Alignment
from fsgan_utils.video import VideoWriter, probe, read_frames

SIZE, RIM = 256, 25
"""Side of the crop, and what is left out of it on each side."""

FindPoints = Callable[[np.ndarray], np.ndarray]
"""From an image, uint8 RGB (H, W, 3), to the five points of each face, (N, 5, 2)."""


def convert_like_v22(source: Path, output: Path, model: Generator, find_points: FindPoints) -> None:
    """Swap the faces of a video: detect in every frame, steady by one Kalman filter a point, draw, match, blend."""
    filters: list[KalmanPoint] = []
    info = probe(source)
    with VideoWriter(output, info, audio_from=source) as writer:
        for frame in read_frames(source):
            image = frame.image
            for points in find_points(image):
                filters = filters or [KalmanPoint(start=point) for point in points]
                steady = np.array([one.update(point) for one, point in zip(filters, points, strict=True)])
                image = _with_new_face(image, steady, model)
            writer.write(image, frame)


def _with_new_face(image: np.ndarray, points: np.ndarray, model: Generator) -> np.ndarray:
    alignment = Alignment.from_landmarks(points, SIZE)
    crop = cv2.warpAffine(image, alignment.matrix, (SIZE, SIZE), flags=cv2.INTER_CUBIC)
    seen = crop[RIM:-RIM, RIM:-RIM]
    side = model.config.resolution
    small = cv2.resize(seen, (side, side), interpolation=cv2.INTER_AREA)
    (drawn,) = model.generate((small[None] / 127.5 - 1).astype(np.float32), "AtoB")
    drawn = cv2.resize(drawn, seen.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    colour = match_histograms(np.clip((drawn[..., 1:] + 1) * 127.5, 0, 255), seen.astype(float), channel_axis=-1)
    alpha = np.clip(drawn[..., :1], 0, 1)
    face, mask = crop.astype(float), np.zeros((SIZE, SIZE, 1))
    face[RIM:-RIM, RIM:-RIM], mask[RIM:-RIM, RIM:-RIM] = alpha * colour + (1 - alpha) * seen, 1
    soft = cv2.GaussianBlur(mask, (0, 0), RIM / 4)
    back = cv2.invertAffineTransform(alignment.matrix)
    size = image.shape[1::-1]
    whole, weight = (cv2.warpAffine(part, back, size, flags=cv2.INTER_CUBIC) for part in (face, soft))
    weight = np.clip(weight, 0, 1)[..., None]
    return np.clip(weight * whole + (1 - weight) * image, 0, 255).astype(np.uint8)
