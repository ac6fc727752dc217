"""Lay invented objects before faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.occlusion.objects import OBJECT_SIDE, Thing


@dataclass(frozen=True, eq=False)
class Placed:
    """An object where it lies before a face.

    Attributes:
        colors: float32 RGB (160, 160, 3), 0 to 255.
        alpha: float32 (160, 160), 0 to 1.
    """

    colors: np.ndarray
    alpha: np.ndarray

    def over(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Lay it over a picture, float32 RGB (160, 160, 3), 0 to 255, and perhaps its shadow beside it."""
        if rng.random() < 0.5:
            shift = np.array([[1, 0, rng.normal(scale=6)], [0, 1, rng.normal(scale=6)]])
            shadow = cv2.warpAffine(self.alpha, shift, (OBJECT_SIDE, OBJECT_SIDE))
            shadow = cv2.GaussianBlur(shadow, (0, 0), rng.uniform(1, 8))
            image = image * (1 - np.float32(rng.uniform(0.1, 0.7)) * shadow[..., None])
        return image + self.alpha[..., None] * (self.colors - image)


def place_thing(thing: Thing, face: np.ndarray, color: np.ndarray, rng: np.random.Generator) -> Placed:
    """Put an object somewhere before a face, in some size, turn, color and sharpness.

    Args:
        thing: the object.
        face: uint8 (160, 160), 255 in the face.
        color: (3,), the face's RGB, 0 to 255. Hands may have it, and seldom anything else.
        rng: source of every random draw.
    """
    if thing.fixed:
        angle, scale = rng.normal(scale=12), rng.uniform(0.85, 1.25)
        middle = OBJECT_SIDE / 2 + rng.normal(scale=6, size=2)
    else:
        angle, scale = rng.uniform(0, 360), np.exp(rng.uniform(np.log(0.45), np.log(1.6)))
        places = np.argwhere(face)[:, ::-1] if face.any() else np.full((1, 2), OBJECT_SIDE / 2)
        middle = places[rng.integers(len(places))] + rng.normal(scale=10, size=2)
    matrix: np.ndarray = cv2.getRotationMatrix2D((OBJECT_SIDE / 2, OBJECT_SIDE / 2), angle, scale)
    matrix[:, 2] += middle - OBJECT_SIDE / 2
    if rng.random() < 0.5:
        matrix = matrix @ np.array([[-1, 0, OBJECT_SIDE - 1], [0, 1, 0], [0, 0, 1]])
    layers = np.dstack([thing.colors, thing.alpha])
    border = cv2.BORDER_REPLICATE if thing.fixed else cv2.BORDER_CONSTANT
    layers = cv2.warpAffine(layers, matrix, (OBJECT_SIDE, OBJECT_SIDE), borderMode=border)
    if rng.random() < 0.1:
        layers = cv2.filter2D(layers, -1, _smear(rng))
    elif rng.random() < 0.6:
        layers = cv2.GaussianBlur(layers, (0, 0), rng.uniform(0.3, 1.0))
    own = cv2.mean(layers[..., :3], (layers[..., 3] > 0.5).astype(np.uint8))[:3]
    gains = np.exp(rng.normal(scale=0.15, size=3)) * rng.uniform(0.6, 1.3)
    if rng.random() < (0.4 if thing.skin else 0.05):
        gains = color / np.maximum(own, 8) * rng.uniform(0.7, 1.25) * np.exp(rng.normal(scale=0.05, size=3))
    return Placed(np.clip(layers[..., :3] * np.float32(gains), 0, 255), np.clip(layers[..., 3], 0, 1))


def covered(
    image: np.ndarray, face: np.ndarray, things: Sequence[Thing], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Lay one or two objects over a face.

    Args:
        image: float32 RGB (160, 160, 3), 0 to 255.
        face: uint8 (160, 160), 255 in the face.
        things: from `draw_things`.
        rng: source of every random draw.

    Returns:
        The same with the objects; and float32 (160, 160), 0 to 1, where they are.
    """
    alpha = np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.float32)
    color = np.array(cv2.mean(image, face)[:3])
    for _ in range(int(rng.choice([1, 1, 1, 2]))):
        placed = place_thing(things[int(rng.integers(len(things)))], face, color, rng)
        image, alpha = placed.over(image, rng), np.maximum(alpha, placed.alpha)
    return image, alpha


def _smear(rng: np.random.Generator) -> np.ndarray:
    """A kernel of motion blur."""
    size = int(rng.choice([5, 7, 11]))
    line = np.zeros((size, size), np.float32)
    line[size // 2] = 1 / size
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), rng.uniform(0, 180), 1)
    return np.asarray(cv2.warpAffine(line, turn, (size, size)))
