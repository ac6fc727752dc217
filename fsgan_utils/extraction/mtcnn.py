"""MTCNN: find the faces of images, and the five points of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from fsgan_utils.extraction.boxes import corrected, cut, keep_best, sizes, squared
from fsgan_utils.extraction.networks import DetectionNetworks, load_networks, predict_crops
from fsgan_utils.faces import Face

CELL = 12
STRIDE = 2
PIXELS_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class Candidates:
    """Possible faces of a group of images, between two stages of the cascade.

    Attributes:
        image: int (N,), which image of the group.
        box: float64 (N, 4), corners as inclusive pixels counted from 1.
        score: float64 (N,), 0 to 1.
        correction: float64 (N, 4), the last network's box correction.
        points: float64 (N, 5, 2), `(x, y)` in parts of the box; zeros before the last stage.
    """

    image: np.ndarray
    box: np.ndarray
    score: np.ndarray
    correction: np.ndarray
    points: np.ndarray

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self.image)

    def take(self, chosen: np.ndarray) -> Candidates:
        """The candidates at some positions."""
        return Candidates(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def suppress(self, limit: float, relative_to: str = "union") -> Candidates:
        """Keep the best of those that overlap, image by image."""
        kept = [np.zeros(0, int)]
        for image in np.unique(self.image):
            members = np.flatnonzero(self.image == image)
            kept.append(members[keep_best(self.box[members], self.score[members], limit, relative_to)])
        return self.take(np.concatenate(kept))

    def moved_to(self, box: np.ndarray) -> Candidates:
        """The same candidates with other boxes."""
        return Candidates(self.image, box, self.score, self.correction, self.points)


@dataclass(frozen=True)
class FaceDetector:
    """Finds faces with the published MTCNN cascade.

    Attributes:
        min_face: smallest face looked for, in pixels; the larger, the faster.
        thresholds: score, 0 to 1, that a face must reach in each of the three stages.
        factor: ratio between one size of the image pyramid and the next, between 0 and 1.

    Raises:
        ValueError: a setting is out of range.
        FileNotFoundError: the package `mtcnn`, which carries the weights, is not installed.

    Reference:
        Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks",
        IEEE SPL 23(10), 2016.
    """

    min_face: float = 30
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    factor: float = 0.709
    networks: DetectionNetworks = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the settings and load the networks."""
        if self.min_face < CELL:
            raise ValueError(f"min_face must be at least {CELL} pixels. Received: {self.min_face}")
        object.__setattr__(self, "thresholds", tuple(self.thresholds))
        if len(self.thresholds) != 3 or not all(0 <= t <= 1 for t in self.thresholds):
            raise ValueError(f"thresholds must be three numbers between 0 and 1. Received: {self.thresholds}")
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must be between 0 and 1. Received: {self.factor}")
        object.__setattr__(self, "networks", load_networks())

    def detect(self, images: Sequence[np.ndarray] | np.ndarray) -> list[list[Face]]:
        """Find the faces of each image; images of equal size are worked on together.

        Args:
            images: uint8 RGB images (H, W, 3), in a list or stacked (N, H, W, 3).

        Returns:
            For each image its faces, largest first; an empty list where there is none.

        Raises:
            ValueError: one of them is not such an image.
        """
        groups: dict[tuple[int, ...], list[int]] = {}
        for position, image in enumerate(images):
            groups.setdefault(_checked_shape(image, position), []).append(position)
        found: list[list[Face]] = [[] for _ in images]
        for shape, positions in groups.items():
            together = max(1, PIXELS_AT_ONCE // (shape[0] * shape[1]))
            for start in range(0, len(positions), together):
                part = positions[start : start + together]
                for position, faces in zip(part, self._detect_equal([images[p] for p in part]), strict=True):
                    found[position] = faces
        return found

    def pyramid(self, height: int, width: int) -> list[float]:
        """Scales at which the first stage, whose cell is 12 pixels, looks at an image."""
        scales = []
        scale = CELL / self.min_face
        while min(height, width) * scale >= CELL:
            scales.append(scale)
            scale *= self.factor
        return scales

    def _detect_equal(self, images: list[np.ndarray]) -> list[list[Face]]:
        candidates = self._propose(images)
        candidates = self._refine(images, candidates)
        return _as_faces(self._finish(images, candidates), len(images))

    def _propose(self, images: list[np.ndarray]) -> Candidates:
        """First stage: every cell of every scale; the survivors as squares."""
        scales = self.pyramid(*images[0].shape[:2])
        if not scales:
            return _nothing()
        found = _joined([self._propose_at(images, scale) for scale in scales]).suppress(0.7)
        extent = found.box[:, 2:] - found.box[:, :2]
        return found.moved_to(np.trunc(squared(corrected(found.box, found.correction, extent))))

    def _propose_at(self, images: list[np.ndarray], scale: float) -> Candidates:
        height, width = (int(np.ceil(side * scale)) for side in images[0].shape[:2])
        small = [cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) for image in images]
        corrections, scores = self.networks.proposal.predict_on_batch(_normalised(np.stack(small)))
        hits = np.nonzero(scores[..., 1] >= self.thresholds[0])
        cells = STRIDE * np.stack([hits[2], hits[1]], axis=1) + 1
        boxes = np.trunc(np.hstack([cells, cells + CELL - 1]) / scale)
        score, correction = scores[hits][:, 1], corrections[hits]
        return Candidates(hits[0], boxes, score, correction, np.zeros((len(boxes), 5, 2))).suppress(0.5)

    def _refine(self, images: list[np.ndarray], candidates: Candidates) -> Candidates:
        """Second stage: crops of 24 pixels."""
        if not len(candidates):
            return candidates
        correction, scores = predict_crops(self.networks.refine, _crops(images, candidates, 24))
        passed = np.flatnonzero(scores[:, 1] > self.thresholds[1])
        kept = Candidates(
            candidates.image[passed], candidates.box[passed], scores[passed, 1], correction[passed],
            candidates.points[passed],
        ).suppress(0.7)  # fmt: skip
        return kept.moved_to(np.trunc(squared(corrected(kept.box, kept.correction, sizes(kept.box)))))

    def _finish(self, images: list[np.ndarray], candidates: Candidates) -> Candidates:
        """Third stage: crops of 48 pixels, and the five points."""
        if not len(candidates):
            return candidates
        correction, points, scores = predict_crops(self.networks.output, _crops(images, candidates, 48))
        passed = np.flatnonzero(scores[:, 1] > self.thresholds[2])
        box = candidates.box[passed]
        extent = sizes(box)
        parts = points[passed].reshape(-1, 2, 5).transpose(0, 2, 1)
        return Candidates(
            candidates.image[passed],
            corrected(box, correction[passed], extent),
            scores[passed, 1],
            correction[passed],
            parts * extent[:, None] + box[:, None, :2] - 1,
        ).suppress(0.7, "smaller")


def _checked_shape(image: np.ndarray, position: int) -> tuple[int, ...]:
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(
            "detect expects a list of uint8 RGB images (H, W, 3). "
            f"Received: {array.dtype} {array.shape} at position {position}"
        )
    return array.shape


def _normalised(pixels: np.ndarray) -> np.ndarray:
    return (pixels.astype(np.float32) - 127.5) / 128


def _crops(images: list[np.ndarray], candidates: Candidates, size: int) -> np.ndarray:
    crops = [cut(images[image], box, size) for image, box in zip(candidates.image, candidates.box, strict=True)]
    return _normalised(np.stack(crops))


def _nothing() -> Candidates:
    return Candidates(np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros((0, 4)), np.zeros((0, 5, 2)))


def _joined(parts: list[Candidates]) -> Candidates:
    names = Candidates.__dataclass_fields__
    return Candidates(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _as_faces(candidates: Candidates, count: int) -> list[list[Face]]:
    found: list[list[Face]] = [[] for _ in range(count)]
    for image, box, score, points in zip(
        candidates.image, candidates.box, candidates.score, candidates.points, strict=True
    ):
        if (box[2:] > box[:2]).all():
            found[image].append(Face(box, points, min(1.0, float(score))))
    return [sorted(faces, key=lambda face: -face.width * face.height) for faces in found]
