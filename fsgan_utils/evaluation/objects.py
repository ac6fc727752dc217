"""Things that lie before the source's face, and whether a swap has painted over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.guides import MESH_FACE_EDGE
from fsgan_utils.masks import region_mask

SIDE = 64
"""Side in pixels to which aligned faces are reduced before their colours are compared."""
REACH = 7
"""Pixels of the reduced face within which the pictures of a person may lie apart."""
STRANGE = 10.0
"""Distance in CIELAB, of a face of lightness 65, beyond all that a person's pictures show at a place, from which on it
is not their face."""
CHANGED = 20.0
"""Difference of a channel, of 255, from which on a pixel of an object was painted over."""
LIGHTNESS, SHADED, ROUNDS = 65.0, 12.0, 4
"""The lightness to which faces are brought; how far off the plane of light a pixel may be that still tells its slope;
and how often the plane is fitted."""
LEAST_PIXELS = 200
"""From how few pixels on the plane of light is not fitted again."""


@dataclass(frozen=True, eq=False)
class Appearance:
    """Which colours a person's pictures show at each place of the aligned face.

    Attributes:
        darkest: float32 (64, 64, 3), the least value of each channel of CIELAB beside the face's median and without
            the slope of its light.
        lightest: float32 (64, 64, 3), the greatest.
    """

    darkest: np.ndarray
    lightest: np.ndarray

    @classmethod
    def of(cls, crops: Sequence[np.ndarray], meshes: Sequence[np.ndarray]) -> Appearance:
        """Learn it from aligned faces of one person, as they are and mirrored.

        Args:
            crops: uint8 RGB (256, 256, 3) each.
            meshes: (468 or 470, 2 or 3) each, their meshes in pixels of the crops.
        """
        colours = []
        for crop, mesh in zip(crops, meshes, strict=True):
            inside = region_mask(np.asarray(mesh)[MESH_FACE_EDGE, :2][None], len(crop)) > 0
            for one, face in ((crop, inside), (crop[:, ::-1], inside[:, ::-1])):
                colours.append(_colours(_reduced(one), _face(face) & _MIDDLE))
        reach = np.ones((REACH, REACH), np.uint8)
        return cls(cv2.erode(np.min(colours, axis=0), reach), cv2.dilate(np.max(colours, axis=0), reach))

    def strange(self, crop: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Find what is not this person's face.

        Args:
            crop: uint8 RGB (256, 256, 3), an aligned face.
            inside: bool (256, 256), the face's oval in it.

        Returns:
            bool (64, 64), where colours lie beyond all that the pictures show about there.
        """
        face = _face(inside)
        colours = _colours(_reduced(crop), face & _MIDDLE)
        beyond = np.maximum(colours - self.lightest, 0) + np.maximum(self.darkest - colours, 0)
        strange = face & (np.linalg.norm(beyond, axis=2) > STRANGE)
        return cv2.morphologyEx(strange.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0

    def painted_over(self, swapped: np.ndarray, source: np.ndarray, inside: np.ndarray) -> float:
        """Measure how much of the source's face is covered by things that the swap no longer shows.

        Args:
            swapped: uint8 RGB (256, 256, 3), the place of the source's aligned face in the swap.
            source: uint8 RGB (256, 256, 3), the same before the swap.
            inside: bool (256, 256), the oval of the source's face.

        Returns:
            Percent of the oval; NaN where nothing of it lies in the crop.
        """
        face = _face(inside)
        if not face.any():
            return float("nan")
        changed = np.abs(_reduced(swapped) - _reduced(source)).max(axis=2) > CHANGED / 255
        return 100 * float((self.strange(source, inside) & changed).sum() / face.sum())


_Y, _X = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) / (SIDE / 2)
_MIDDLE = (_X / 0.69) ** 2 + (_Y / 0.88) ** 2 < 1
"""bool (64, 64): what of an aligned face is hardly ever background."""
_PLANE = np.stack([np.ones_like(_X), _X, _Y], axis=2)


def _reduced(crop: np.ndarray) -> np.ndarray:
    return cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _face(inside: np.ndarray) -> np.ndarray:
    """The oval at the reduced size, without its rim: bool (64, 64)."""
    small = cv2.resize(inside.astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.erode(small, np.ones((5, 5), np.uint8)) > 0


def _colours(pixels: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Colours of a reduced face beside its median, brought to one lightness, without the slope of light across it.

    Args:
        pixels: float32 RGB (64, 64, 3) in [0, 1].
        face: bool (64, 64), the pixels that tell median and slope.

    Returns:
        float32 (64, 64, 3), CIELAB.
    """
    colours = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    if not face.any():
        return colours
    median = np.median(colours[face], axis=0)
    colours = (colours - median) * np.array([LIGHTNESS / max(float(median[0]), 1.0), 1, 1], np.float32)
    left, lit = colours, face
    for _ in range(ROUNDS):
        slope = np.linalg.lstsq(_PLANE[lit], colours[lit], rcond=None)[0]
        left = colours - _PLANE @ slope
        lit = face & (np.abs(left[..., 0]) < SHADED)
        if lit.sum() < LEAST_PIXELS:
            break
    return left.astype(np.float32)
