"""Swap the faces of pictures: align, generate, correct the colours, blend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from fsgan_utils.conversion.blending import feather, paste
from fsgan_utils.conversion.color import correct_color
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import Alignment, Face, margin
from fsgan_utils.training.data import to_network

COVERED = 0.1
"""Alpha from which a pixel counts as face when colours are compared."""


class GeneratorConfig(Protocol):
    """The part of a model's settings that a swap needs."""

    @property
    def resolution(self) -> int:
        """Side, in pixels, of the images the network takes and gives."""


class Generator(Protocol):
    """A trained model, as far as a swap needs one."""

    @property
    def config(self) -> GeneratorConfig:
        """Its settings."""

    def generate(self, images: np.ndarray, direction: str) -> np.ndarray:
        """Turn faces (N, res, res, 3), float32 RGB in [-1, 1], into (N, res, res, 4).

        Channel 0 of the result is alpha in [0, 1], channels 1 to 3 are RGB in [-1, 1].
        """


@dataclass(frozen=True, eq=False)
class GeneratedFace:
    """One generated face and the steps to it; every image has the side of the crop's central part.

    Attributes:
        source: uint8 RGB (S, S, 3), what the network saw, at full size.
        raw: float32 RGB (S, S, 3), 0 to 255, what it drew.
        corrected: float32 RGB (S, S, 3), 0 to 255, with the source's colours.
        alpha: float32 (S, S), 0 to 1, where it replaces the source.
    """

    source: np.ndarray
    raw: np.ndarray
    corrected: np.ndarray
    alpha: np.ndarray

    @property
    def blended(self) -> np.ndarray:
        """uint8 RGB (S, S, 3): the corrected face laid over the source."""
        alpha = self.alpha[..., None]
        return np.rint(alpha * self.corrected + (1 - alpha) * self.source).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Swapped:
    """One picture after the swap.

    Attributes:
        image: uint8 RGB (H, W, 3).
        mask: float32 (H, W), 0 to 1, where and how strongly it was replaced.
        swapped: number of faces replaced.
        left_alone: number of faces that could not be aligned and stay as they were.
    """

    image: np.ndarray
    mask: np.ndarray
    swapped: int
    left_alone: int


def build_detector(config: ConvertConfig) -> FaceDetector:
    """The face detector that a conversion's settings describe."""
    return FaceDetector(min_face=config.min_face, thresholds=(0.6, 0.7, config.threshold), factor=config.factor)


def swap_image(
    image: np.ndarray, model: Generator, config: ConvertConfig | None = None, detector: FaceDetector | None = None
) -> np.ndarray:
    """Swap every face of a picture.

    Args:
        image: uint8 RGB (H, W, 3).
        model: the trained model.
        config: the settings; their layout, smoothing and times do not matter here.
        detector: one made before, to save loading it again.

    Returns:
        uint8 RGB (H, W, 3); the same picture where no face was found.

    Raises:
        ValueError: the image is not such an array.
    """
    config = config or ConvertConfig()
    detector = detector or build_detector(config)
    (faces,) = detector.detect([image])
    return swap_faces([image], [faces], model, config)[0].image


def swap_faces(
    images: Sequence[np.ndarray], faces: Sequence[Sequence[Face]], model: Generator, config: ConvertConfig
) -> list[Swapped]:
    """Swap the given faces of several pictures; the network runs once for all.

    Args:
        images: uint8 RGB (H, W, 3) each.
        faces: for each image the faces to swap.
        model: the trained model.
        config: the settings.

    Returns:
        One result per image. A face whose landmarks do not determine an alignment is left as it is.
    """
    placed = [[_align(face) for face in group] for group in faces]
    crops = [a.warp(image) for image, group in zip(images, placed, strict=True) for a in group if a is not None]
    generated = iter(generate_faces(crops, model, config))
    return [_compose(image, group, generated, config) for image, group in zip(images, placed, strict=True)]


def generate_faces(crops: Sequence[np.ndarray], model: Generator, config: ConvertConfig) -> list[GeneratedFace]:
    """Run the network on aligned crops and correct the colours of what it draws.

    Args:
        crops: uint8 RGB (S, S, 3), aligned faces.
        model: the trained model.
        config: the settings.

    Raises:
        ValueError: the model returned something else than it should.
    """
    if not crops:
        return []
    rim = [margin(crop.shape[0], config.roi_coverage) for crop in crops]
    sources = [crop[m : len(crop) - m, m : len(crop) - m] for crop, m in zip(crops, rim, strict=True)]
    side = model.config.resolution
    drawn = model.generate(to_network(sources, side), config.direction)
    if drawn.shape != (len(crops), side, side, 4):
        raise ValueError(f"expected (N, {side}, {side}, 4) from model.generate. Received: {drawn.shape}")
    if not np.isfinite(drawn).all():
        raise ValueError("the model drew values that are not finite; its weights are damaged, train it again")
    return [_finish(source, image, config) for source, image in zip(sources, drawn, strict=True)]


def _align(face: Face) -> Alignment | None:
    try:
        return Alignment.from_landmarks(face.landmarks)
    except ValueError:
        return None


def _finish(source: np.ndarray, drawn: np.ndarray, config: ConvertConfig) -> GeneratedFace:
    size = (source.shape[1], source.shape[0])
    drawn = cv2.resize(np.asarray(drawn, np.float32), size, interpolation=cv2.INTER_CUBIC)
    raw = np.clip((drawn[..., 1:] + 1) * 127.5, 0, 255)
    alpha = np.clip(drawn[..., 0], 0, 1) * feather(len(source))
    corrected = correct_color(raw, source, config.color_correction, alpha >= COVERED)
    return GeneratedFace(source, raw, corrected, alpha)


def _compose(
    image: np.ndarray, group: Sequence[Alignment | None], generated: Iterator[GeneratedFace], config: ConvertConfig
) -> Swapped:
    canvas = image.astype(np.float32)
    mask = np.zeros(image.shape[:2], np.float32)
    aligned = [alignment for alignment in group if alignment is not None]
    for alignment in aligned:
        face = next(generated)
        rim = (alignment.size - len(face.source)) // 2
        around = ((rim, rim), (rim, rim))
        paste(canvas, mask, np.pad(face.corrected, (*around, (0, 0)), "edge"), np.pad(face.alpha, around), alignment)
    if config.enhance:
        canvas += config.enhance * (canvas - image)
    result = np.rint(np.clip(canvas, 0, 255)).astype(np.uint8) if aligned else image
    return Swapped(result, mask, len(aligned), len(group) - len(aligned))
