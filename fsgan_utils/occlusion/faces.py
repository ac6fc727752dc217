"""Faces as the network learns them: a picture, where its parts lie, and where it is not known what covers it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS, MESH_LIPS
from fsgan_utils.masks.regions import disk, outline_mask, region_mask
from fsgan_utils.occlusion.objects import OBJECT_SIDE

PART_CHANNELS = 3
RIM = 0.05
"""How far into the face from its upper edge hair may hang, and from there out, as a part of the crop's side."""


def draw_parts(mesh: np.ndarray | None, size: int, side: int) -> np.ndarray:
    """Draw where FaceMesh sees the parts of a face.

    Args:
        mesh: (468 or 470, 2 or 3), `(x, y)` in pixels of a square; None, or one with NaN, where there is none.
        size: side of that square in pixels.
        side: side of the drawing in pixels.

    Returns:
        uint8 (side, side, 3), 255 inside: the face, the openings of the eyes, the opening of the mouth; 0 everywhere
        where there is no mesh.
    """
    if mesh is None or np.isnan(mesh).any():
        return np.zeros((side, side, PART_CHANNELS), np.uint8)
    points = (np.asarray(mesh)[:, :2] + 0.5) * (side / size) - 0.5
    eyes, mouth = region_mask(points[MESH_EYELIDS], side), region_mask(points[MESH_INNER_LIPS][None], side)
    return cv2.merge([outline_mask(points, side), eyes, mouth])


@dataclass(frozen=True, eq=False)
class KnownFace:
    """A face with nothing before it but what is said to be unsure.

    Attributes:
        image: uint8 RGB (160, 160, 3), an aligned crop.
        mesh: float32 (470, 2), its mesh in pixels of the crop.
        parts: uint8 (160, 160, 3), see `draw_parts`.
        unsure: uint8 (160, 160), 255 where something may cover the face, and 0 where nothing does.
    """

    image: np.ndarray
    mesh: np.ndarray
    parts: np.ndarray
    unsure: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, mesh: np.ndarray) -> KnownFace:
        """Note a face.

        Args:
            image: uint8 RGB (S, S, 3), an aligned crop.
            mesh: (470, 2 or 3), in its pixels.
        """
        scale = OBJECT_SIDE / len(image)
        points = np.asarray((mesh[:, :2] + 0.5) * scale - 0.5, np.float32)
        small = cv2.resize(image, (OBJECT_SIDE, OBJECT_SIDE), interpolation=cv2.INTER_AREA)
        parts = draw_parts(points, OBJECT_SIDE, OBJECT_SIDE)
        return cls(small, points, parts, _upper_rim(parts[..., 0], points))

    @property
    def color(self) -> np.ndarray:
        """Its mean color, float64 RGB (3,), 0 to 255."""
        return np.array(cv2.mean(self.image, self.parts[..., 0])[:3])


def _upper_rim(face: np.ndarray, mesh: np.ndarray) -> np.ndarray:
    """A band along the edge of the face above the eyes, where hair may hang: uint8 (160, 160)."""
    kernel = disk(round(RIM * OBJECT_SIDE))
    band = cv2.subtract(cv2.dilate(face, kernel), cv2.erode(face, kernel))
    eyes, mouth = mesh[MESH_EYELIDS].reshape(-1, 2).mean(axis=0), mesh[MESH_LIPS].mean(axis=0)
    y, x = np.mgrid[:OBJECT_SIDE, :OBJECT_SIDE]
    above = (x - eyes[0]) * (eyes - mouth)[0] + (y - eyes[1]) * (eyes - mouth)[1] > 0
    return np.asarray(band * above)
