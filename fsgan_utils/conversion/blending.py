"""Put a generated face back into the picture without a seam."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fsgan_utils.faces import Alignment

FEATHER = 0.1
"""Width of the soft rim of a pasted face, as a part of its side."""
MUCH_SMALLER = 1.5
"""Crop pixels per image pixel from which on a crop is reduced before it is pasted, so that it does not alias."""


@dataclass(frozen=True)
class Region:
    """A rectangle of an image: rows `top` to `bottom`, columns `left` to `right`, both ends exclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def around(cls, points: np.ndarray, shape: tuple[int, ...]) -> Region | None:
        """The part of an image of `shape` that holds points (N, 2) and what lies between; None if it is empty."""
        left, top = np.floor(points.min(axis=0)).astype(int).tolist()
        right, bottom = (np.ceil(points.max(axis=0)).astype(int) + 1).tolist()
        region = cls(max(0, top), min(shape[0], bottom), max(0, left), min(shape[1], right))
        return region if region.top < region.bottom and region.left < region.right else None

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rectangle, to index an image with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@lru_cache(maxsize=8)
def feather(side: int) -> np.ndarray:
    """A soft-edged square: float32 (side, side), 0 at the rim, 1 from `FEATHER` of the side inwards."""
    to_edge = np.minimum(np.arange(side), np.arange(side)[::-1]).astype(np.float32)
    ramp = smooth_step(to_edge / max(1.0, FEATHER * side))
    soft = np.outer(ramp, ramp)
    soft.flags.writeable = False
    return soft


def smooth_step(ramp: np.ndarray) -> np.ndarray:
    """Go from 0 to 1, where the ramp does, without a corner."""
    ramp = np.clip(ramp, 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def footprint(alignment: Alignment, shape: tuple[int, ...], part: Region | None = None) -> Region | None:
    """The part of an image of `shape` that a crop, or a part of the crop, covers; None if it lies outside."""
    part = part or Region(0, alignment.size, 0, alignment.size)
    corners = [(x, y) for x in (part.left, part.right) for y in (part.top, part.bottom)]
    return Region.around(alignment.undo(np.array(corners)), shape)


@dataclass(frozen=True, eq=False)
class Patch:
    """What was replaced in an image.

    Attributes:
        region: where.
        weight: uint8 (h, w), how strongly, 255 for fully.
    """

    region: Region
    weight: np.ndarray


def paste(
    image: np.ndarray, face: np.ndarray, alpha: np.ndarray, alignment: Alignment, enhance: float = 0
) -> Patch | None:
    """Blend a face into an image, in place: alpha · face + (1 − alpha) · image.

    The image's own pixels are mixed at the image's own resolution, and only where the face lies; where alpha is
    zero they stay exactly as they were.

    Args:
        image: uint8 RGB (H, W, 3); changed.
        face: uint8 RGB (size, size, 3), in the crop of `alignment`.
        alpha: float32 (size, size), 0 to 1, 0 at the crop's rim; in effect in steps of 1/255.
        alignment: where the crop lies in the image.
        enhance: e in (1 + e) · result − e · image.

    Returns:
        What was replaced; None if the face lies outside the image.
    """
    layers = cv2.merge([face, cv2.convertScaleAbs(alpha, alpha=255)])  # one warp of four channels is the fastest
    layers, alignment = _reduced(layers, alignment)
    region = footprint(alignment, image.shape, _occupied(layers[..., 3]))
    if region is None:
        return None
    shape = (region.bottom - region.top, region.right - region.left)
    warped = _shifted(alignment, region).unwarp(layers, shape)
    weight = cv2.extractChannel(warped, 3)
    share = weight.astype(np.float32) * np.float32((1 + enhance) / 255)
    below = np.ascontiguousarray(image[region.slices])
    image[region.slices] = cv2.blendLinear(cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB), below, share, 1 - share)
    return Patch(region, weight)


def _reduced(crop: np.ndarray, alignment: Alignment) -> tuple[np.ndarray, Alignment]:
    """Bring a crop that the image shows much smaller to about the size at which it shows it."""
    if alignment.scale < MUCH_SMALLER:
        return crop, alignment
    side = max(1, round(alignment.size / alignment.scale))
    ratio = side / alignment.size
    matrix = ratio * alignment.matrix
    matrix[:, 2] += (ratio - 1) / 2  # pixels are counted from their centres
    return cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), Alignment(matrix, side)


def _occupied(alpha: np.ndarray) -> Region:
    """The smallest part of a crop outside which alpha, uint8 (size, size), is zero, and a pixel around it."""
    left, top, width, height = cv2.boundingRect(alpha)
    return Region(top - 1, top + height + 1, left - 1, left + width + 1)


def _shifted(alignment: Alignment, region: Region) -> Alignment:
    """The same alignment, for the part of the image that is cut out as `region`."""
    matrix = alignment.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ (region.left, region.top)
    return Alignment(matrix, alignment.size)
