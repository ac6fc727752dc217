"""The two packages that the detector is measured against, each asked for the same thing in its own way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import cv2
import numpy as np

MIN_FACE = 20
THRESHOLDS = (0.6, 0.7, 0.7)
FACTOR = 0.709

Detect = Callable[[np.ndarray], np.ndarray]
"""From an image, uint8 RGB (H, W, 3), to boxes (N, 4), x0, y0, x1, y1 in pixels."""


def facenet_detector() -> Detect:
    """Make the published MTCNN as facenet-pytorch has it."""
    detector = _facenet()

    def detect(image: np.ndarray) -> np.ndarray:
        boxes, _ = detector.detect(image)
        return np.zeros((0, 4)) if boxes is None else np.asarray(boxes, float)

    return detect


def facenet_points() -> Detect:
    """The same, which gives the five points of each face instead of its box: (N, 5, 2)."""
    detector = _facenet()

    def find(image: np.ndarray) -> np.ndarray:
        *_, points = detector.detect(image, landmarks=True)
        return np.zeros((0, 5, 2)) if points is None else np.asarray(points, float)

    return find


def _facenet() -> Any:
    _stand_in_for_torchvision()
    from facenet_pytorch import MTCNN

    return MTCNN(min_face_size=MIN_FACE, thresholds=list(THRESHOLDS), factor=FACTOR, keep_all=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch work with one thread: several wait for each other, and waiting counts as processor time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pypi_detector() -> Detect:
    """Make the detector of the PyPI package mtcnn, which is given what its own loading of images gives: float32."""
    import tensorflow as tf
    from mtcnn import MTCNN

    detector = MTCNN()
    settings: dict[str, Any] = {"min_face_size": MIN_FACE, "scale_factor": FACTOR, "fit_to_image": False}
    settings |= {f"threshold_{stage}net": limit for stage, limit in zip("pro", THRESHOLDS, strict=True)}

    def detect(image: np.ndarray) -> np.ndarray:
        found = detector.detect_faces(tf.constant(image, tf.float32), box_format="xyxy", **settings)
        return np.array([face["box"] for face in found], float).reshape(-1, 4)

    return detect


def _stand_in_for_torchvision() -> None:
    """Give facenet-pytorch the one function it calls of torchvision; OpenCV computes it.

    torchvision itself comes from PyPI for CUDA only, and does not load beside a PyTorch built for the CPU.
    """
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    modules = {name: ModuleType(name) for name in (*names, "torchvision.ops", "torchvision.ops.boxes")}
    modules["torchvision.transforms"].functional = modules["torchvision.transforms.functional"]  # type: ignore[attr-defined]
    modules["torchvision.ops.boxes"].batched_nms = _batched_nms  # type: ignore[attr-defined]
    sys.modules.update(modules)


def _batched_nms(boxes: Any, scores: Any, groups: Any, limit: float) -> Any:
    """Non-maximum suppression within each group, on tensors: positions of the kept boxes, best first."""
    import torch

    corners = boxes.numpy().astype(float)
    rectangles = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = cv2.dnn.NMSBoxesBatched(rectangles, scores.numpy(), groups.numpy().astype(np.int32), -1.0, limit)
    kept = torch.as_tensor(np.asarray(kept, np.int64).reshape(-1))
    return kept[scores[kept].argsort(descending=True)]
