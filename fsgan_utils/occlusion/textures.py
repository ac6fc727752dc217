"""Invented surfaces: plain, shaded, woven, printed, or like skin."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

SKIN_TONES = np.array([[245, 210, 190], [224, 172, 140], [190, 130, 98], [140, 90, 64], [92, 56, 40], [52, 32, 25]])
"""uint8 RGB (6, 3): skin in white light, from the lightest to the darkest."""
BROWNEST, GREYEST = 0.25, 0.5
"""Shares of colors: below the first those of skin, wood and leather, below the second black, grey and white."""


def any_color(rng: np.random.Generator) -> np.ndarray:
    """A color such as things have: float32 RGB (3,), 0 to 255."""
    kind = rng.random()
    if kind < BROWNEST:
        return skin_color(rng)
    if kind < GREYEST:
        return np.asarray(rng.uniform(5, 250) + rng.normal(scale=6, size=3), np.float32)
    return np.asarray(rng.uniform(0, 255, 3), np.float32)


def skin_color(rng: np.random.Generator) -> np.ndarray:
    """Somebody's skin in some light: float32 RGB (3,), 0 to 255."""
    place = rng.uniform(0, len(SKIN_TONES) - 1)
    tone = [np.interp(place, np.arange(len(SKIN_TONES)), channel) for channel in SKIN_TONES.T]
    return np.asarray(np.array(tone) * rng.uniform(0.7, 1.15) * (1 + rng.normal(scale=0.06, size=3)), np.float32)


def any_texture(side: int, rng: np.random.Generator, pictures: Sequence[np.ndarray] = ()) -> np.ndarray:
    """A surface of any kind.

    Args:
        side: of the result in pixels.
        rng: source of every random draw.
        pictures: uint8 RGB (H, W, 3) each, of which pieces may serve as surfaces.

    Returns:
        float32 RGB (side, side, 3), 0 to 255.
    """
    kinds: list[Callable[[int, np.random.Generator], np.ndarray]] = [
        _plain,
        _plain,
        _gradient,
        _noise,
        _stripes,
        _print,
    ]
    choice = int(rng.integers(len(kinds) + (2 if pictures else 0)))
    if choice >= len(kinds):
        return _piece(pictures[int(rng.integers(len(pictures)))], side, rng)
    return kinds[choice](side, rng)


def skin_texture(side: int, color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Skin of a color, float32 RGB (3,), unevenly flushed: float32 RGB (side, side, 3), 0 to 255."""
    uneven = 1 + 0.06 * clouds(side, rng, 6)[..., None] + 0.03 * clouds(side, rng, 30)[..., None]
    flushed = 0.05 * clouds(side, rng, 4)[..., None] * np.array([1, -0.6, -0.6], np.float32)
    return np.clip(color * (uneven + flushed), 0, 255).astype(np.float32)


def clouds(side: int, rng: np.random.Generator, cells: int) -> np.ndarray:
    """Smooth noise: float32 (side, side), of mean 0 and standard deviation about 1, `cells` waves across."""
    coarse = rng.normal(size=(cells + 2, cells + 2)).astype(np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def _plain(side: int, rng: np.random.Generator) -> np.ndarray:
    return np.full((side, side, 3), any_color(rng), np.float32)


def _gradient(side: int, rng: np.random.Generator) -> np.ndarray:
    return _between(any_color(rng), any_color(rng), _ramp(side, rng) / (2 * side) + 0.5)


def _noise(side: int, rng: np.random.Generator) -> np.ndarray:
    waves = rng.integers(2, side // 3, size=3)
    parts = [clouds(side, rng, int(n)) * part for n, part in zip(waves, (0.25, 0.15, 0.1), strict=True)]
    return _between(any_color(rng), any_color(rng), 0.5 + np.sum(parts, axis=0))


def _stripes(side: int, rng: np.random.Generator) -> np.ndarray:
    """Stripes or checks, more or less even."""
    period = rng.uniform(3, side / 4)
    waves = np.sin(2 * np.pi * _ramp(side, rng) / period + rng.uniform(0, 2) * clouds(side, rng, 3))
    if rng.random() < 0.4:
        waves = waves * np.sin(2 * np.pi * _ramp(side, rng) / period)
    return _between(any_color(rng), any_color(rng), 0.5 + rng.uniform(0.5, 5) * waves)


def _print(side: int, rng: np.random.Generator) -> np.ndarray:
    """Lines of something like writing."""
    paper = np.full((side, side, 3), any_color(rng), np.float32)
    ink = tuple(any_color(rng).tolist())
    height = int(rng.integers(4, side // 5))
    for top in range(2, side, height + int(rng.integers(2, height + 3))):
        left = int(rng.integers(0, side // 4))
        while left < side:
            width = int(rng.integers(2, 2 * height))
            cv2.rectangle(paper, (left, top), (left + width, top + height * 2 // 3), ink, int(rng.choice([1, -1])))
            left += width + int(rng.integers(1, height))
    return paper


def _piece(picture: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A square piece of a picture, in its own colors or others."""
    size = int(rng.integers(min(picture.shape[:2]) // 4, min(picture.shape[:2]) + 1))
    top, left = (int(rng.integers(0, length - size + 1)) for length in picture.shape[:2])
    piece = cv2.resize(picture[top : top + size, left : left + size], (side, side), interpolation=cv2.INTER_AREA)
    gains = rng.uniform(0.5, 1.4) * (1 + rng.normal(scale=0.15, size=3))
    return np.clip(piece * gains, 0, 255).astype(np.float32)


def _ramp(side: int, rng: np.random.Generator) -> np.ndarray:
    """Distance along some direction from the middle, in pixels: float32 (side, side)."""
    angle = rng.uniform(0, 2 * np.pi)
    line = np.arange(side, dtype=np.float32) - side / 2
    return np.float32(np.cos(angle)) * line + np.float32(np.sin(angle)) * line[:, None]


def _between(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    return one + np.clip(share, 0, 1)[..., None].astype(np.float32) * (other - one)


def shading(shape: np.ndarray, light: np.ndarray) -> np.ndarray:
    """How brightly a rounded shape shows.

    Args:
        shape: uint8 (S, S), 255 where it is.
        light: (3,), the direction of the light.

    Returns:
        float32 (S, S), about 1.
    """
    inside = cv2.distanceTransform(shape, cv2.DIST_L2, 5)
    radius = max(float(inside.max()), 1.0)
    height = cv2.GaussianBlur(np.sqrt(inside * (2 * radius - inside).clip(0)), (0, 0), 1.5)
    normal = np.dstack(
        [-cv2.Sobel(height, -1, 1, 0, scale=1 / 8), -cv2.Sobel(height, -1, 0, 1, scale=1 / 8), np.ones_like(height)]
    )
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    return (0.55 + 0.6 * np.clip(normal @ light.astype(np.float32), 0, None)).astype(np.float32)


def any_light(rng: np.random.Generator) -> np.ndarray:
    """A direction that light comes from: float64 (3,), of length 1."""
    angle, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.2)
    return np.array([np.cos(angle) * np.cos(height), np.sin(angle) * np.cos(height), np.sin(height)])
