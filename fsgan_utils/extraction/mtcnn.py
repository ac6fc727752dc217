"""MTCNN: find the faces of images, and the five points of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logit

from fsgan_utils.extraction.boxes import (
    corrected,
    enlarged,
    keep_best,
    keep_best_of_nested,
    sizes,
    squared,
    visible,
)
from fsgan_utils.extraction.networks import DetectionNetwork, DetectionNetworks, load_networks
from fsgan_utils.extraction.proposal import STRIDE, Cells, find_cells
from fsgan_utils.extraction.pyramid import CELL, View
from fsgan_utils.extraction.sharing import share
from fsgan_utils.faces import Face
from fsgan_utils.settings import check_kinds

CROPS_AT_ONCE = {24: 4, 48: 1}
"""Crops that the second and third network see at once, by the side of a crop: more save no time, and threads share
fewer less evenly."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Possible faces of a group of images, between two stages of the cascade.

    Attributes:
        image: int (N,), which image of the group.
        box: float64 (N, 4), corners as inclusive pixels counted from 1.
        score: float64 (N,), 0 to 1.
        correction: float64 (N, 4), the last network's box correction.
        points: float64 (N, 5, 2), `(x, y)` in pixels; zeros before the last stage.
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

    def suppress(self, limit: float) -> Candidates:
        """Keep the best of those that overlap, image by image."""
        return self.take(keep_best(self.box, self.score, self.image, limit))

    def moved_to(self, box: np.ndarray) -> Candidates:
        """The same candidates with other boxes."""
        return Candidates(self.image, box, self.score, self.correction, self.points)


@dataclass(frozen=True)
class FaceDetector:
    """Finds faces with the published MTCNN cascade.

    Attributes:
        min_face: smallest face looked for, in pixels; the larger, the faster. None takes a tenth of each image's
            shorter side, but at least 20 pixels: right for people who talk to the camera.
        thresholds: score, 0 to 1, that a face must reach in each of the three stages.
        factor: ratio between one size of the image pyramid and the next, between 0 and 1.
        downscale: halve an image, once or more, as long as the smallest face keeps the 48 pixels that the last
            network sees. Boxes and points are given in the image's own pixels all the same.

    Raises:
        ValueError: a setting is out of range.
        FileNotFoundError: the networks' files are not in `data/weights`.

    Reference:
        Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks",
        IEEE SPL 23(10), 2016.
    """

    min_face: float | None = None
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    factor: float = 0.709
    downscale: bool = True
    networks: DetectionNetworks = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the settings and load the networks."""
        check_kinds(self)
        if self.min_face is not None and self.min_face < CELL:
            raise ValueError(f"min_face must be None or at least {CELL} pixels. Received: {self.min_face}")
        object.__setattr__(self, "thresholds", tuple(self.thresholds))
        if len(self.thresholds) != 3 or not all(0 <= t <= 1 for t in self.thresholds):
            raise ValueError(f"thresholds must be three numbers between 0 and 1. Received: {self.thresholds}")
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must be between 0 and 1. Received: {self.factor}")
        object.__setattr__(self, "networks", load_networks())

    def detect(self, images: Sequence[np.ndarray] | np.ndarray) -> list[list[Face]]:
        """Find the faces of each image. May be called from several threads at once.

        Args:
            images: uint8 RGB images (H, W, 3), in a list or stacked (N, H, W, 3).

        Returns:
            For each image its faces, largest first; an empty list where there is none.

        Raises:
            ValueError: one of them is not such an image.
        """
        for position, image in enumerate(images):
            _check(image, position)
        views = share(self._view, images)
        candidates = self._finish(views, self._refine(views, self._propose(views)))
        return _as_faces(candidates, views)

    def smallest_face(self, height: int, width: int) -> float:
        """Smallest face looked for in an image of some size, in pixels."""
        return self.min_face or max(20.0, min(height, width) / 10)

    def _view(self, image: np.ndarray) -> View:
        return View.of(image, self.smallest_face(*image.shape[:2]), self.downscale)

    def _propose(self, views: list[View]) -> Candidates:
        """First stage: the cells of every scale; the survivors as squares."""
        places = [(image, scale) for image, view in enumerate(views) for scale in view.scales(self.factor)]
        levels = share(lambda place: views[place[0]].level(place[1]), places)
        pyramids = [
            [level for (of, _), level in zip(places, levels, strict=True) if of == image] for image in range(len(views))
        ]
        cells = find_cells(self.networks.proposal, pyramids, self.thresholds[0])
        found = _proposed(places, [at_scale for of_image in cells for at_scale in of_image]).suppress(0.7)
        extent = found.box[:, 2:] - found.box[:, :2]
        return found.moved_to(np.trunc(squared(corrected(found.box, found.correction, extent))))

    def _refine(self, views: list[View], candidates: Candidates) -> Candidates:
        """Second stage: crops of 24 pixels."""
        answers = _answers(self.networks.refine, 24, views, candidates)
        passed = answers[:, -1] > logit(self.thresholds[1])
        kept = _candidates(candidates.image[passed], candidates.box[passed], answers[passed]).suppress(0.7)
        return kept.moved_to(np.trunc(squared(corrected(kept.box, kept.correction, sizes(kept.box)))))

    def _finish(self, views: list[View], candidates: Candidates) -> Candidates:
        """Third stage: crops of 48 pixels, and the five points.

        A crop shows only what of its box lies in the image, so that the points are parts of that; facenet-pytorch
        takes them as parts of the whole box, which puts those of faces at an edge far off.
        """
        answers = _answers(self.networks.output, 48, views, candidates)
        passed = answers[:, -1] > logit(self.thresholds[2])
        kept = _candidates(candidates.image[passed], candidates.box[passed], answers[passed])
        limits = np.array([view.image.shape[1::-1] for view in views]).reshape(-1, 2)[kept.image]
        seen = visible(kept.box, limits)
        points = kept.points * sizes(seen)[:, None] + seen[:, None, :2] - 1
        box = corrected(kept.box, kept.correction, sizes(kept.box))
        faces = Candidates(kept.image, box, kept.score, kept.correction, points)
        return faces.take(keep_best_of_nested(box, kept.score, kept.image, 0.7))


def _check(image: np.ndarray, position: int) -> None:
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(
            "detect expects a list of uint8 RGB images (H, W, 3). "
            f"Received: {array.dtype} {array.shape} at position {position}"
        )


def _proposed(places: list[tuple[int, float]], cells: list[Cells]) -> Candidates:
    """The squares that cells are in their images; of those on each other on one level the best.

    Args:
        places: number of the image and scale of each level.
        cells: what was found on each level.
    """
    every = Cells.joined(cells)
    level = np.repeat(np.arange(len(places)), [len(found.position) for found in cells])
    image, scale = np.array(places, float).reshape(-1, 2)[level].T
    start = STRIDE * every.position[:, ::-1] + 1
    boxes = np.trunc(np.hstack([start, start + CELL - 1]) / scale[:, None])
    found = _candidates(image.astype(int), boxes, every.answer)
    return found.take(keep_best(found.box, found.score, level, 0.5))


def _answers(network: DetectionNetwork, size: int, views: list[View], candidates: Candidates) -> np.ndarray:
    """What a network says of each candidate's crop, float32 (N, …)."""
    together = CROPS_AT_ONCE[size]

    def answer(start: int) -> np.ndarray:
        part = slice(start, start + together)
        places = zip(candidates.image[part], candidates.box[part], strict=True)
        return network(np.stack([views[image].crop(box, size) for image, box in places]))

    answers = share(answer, range(0, len(candidates), together))
    return np.concatenate([network.nothing, *answers])


def _candidates(image: np.ndarray, box: np.ndarray, answers: np.ndarray) -> Candidates:
    """Candidates from what a network says of them, (N, 5) or with points (N, 15)."""
    points = answers[:, 4:14] if answers.shape[1] == 15 else np.zeros((len(answers), 10))
    x_and_y = points.reshape(-1, 2, 5).transpose(0, 2, 1).astype(float)
    return Candidates(image, box, expit(answers[:, -1].astype(float)), answers[:, :4].astype(float), x_and_y)


def _as_faces(candidates: Candidates, views: list[View]) -> list[list[Face]]:
    """Faces in the images' own pixels."""
    found: list[list[Face]] = [[] for _ in views]
    for image, box, score, points in zip(
        candidates.image, candidates.box, candidates.score, candidates.points, strict=True
    ):
        if (box[2:] > box[:2]).all():
            reduction = views[image].reduction
            box = enlarged(box, reduction)
            found[image].append(Face(box, (points + 0.5) * reduction - 0.5, float(score)))
    return [sorted(faces, key=lambda face: -face.width * face.height) for faces in found]
