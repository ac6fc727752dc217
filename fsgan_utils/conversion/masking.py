"""Where, and how strongly, a generated face replaces the source's."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fsgan_utils.conversion.blending import feather, smooth_step
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS
from fsgan_utils.masks.regions import disk, outline_mask, region_mask

HULL_SOFTNESS = 0.05
"""Least width of the soft rim inside the hull, as a part of the crop's side."""
KEPT_SOFTNESS = 0.01
"""Standard deviation of the soft edge about what is kept from the source, as a part of the crop's side."""

WIDER = 0.5
"""By how many pixels of the drawing a guided network's mask is widened."""
FINE = 4
"""How many times as fine as the drawing the line across the forehead is drawn, before it is reduced."""
FOREHEAD_SOFTNESS = 0.05
"""Standard deviation of the soft edge across the forehead, as a part of the crop's side."""
ABOVE_BROWS = [70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300]
"""The FaceMesh points along the upper edge of the brows, from the image's left to its right."""
BELOW_HAIR = [21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251]
"""The FaceMesh points above each of them, at the upper edge of the mesh."""


def needs_mesh(config: ConvertConfig) -> bool:
    """Whether the settings ask for a mask that only a mesh allows."""
    return config.mask != "attention" or bool(config.keep)


def face_mask(alpha: np.ndarray, mesh: np.ndarray | None, config: ConvertConfig) -> np.ndarray:
    """Combine the network's mask, the hull of the mesh and the settings.

    Args:
        alpha: float32 (S, S), the network's mask at the size of the crop.
        mesh: (468 or 470, 2), `(x, y)` in pixels of the crop; None where there are none.
        config: `mask`, `mask_grow`, `mask_blur` and `keep` count.

    Returns:
        float32 (S, S), 0 to 1, 0 at the rim.

    Raises:
        ValueError: the settings need a mesh and there is none; see `needs_mesh`.
    """
    if mesh is None and needs_mesh(config):
        raise ValueError(
            f"mask {config.mask!r} with keep {config.keep} needs the face's mesh, and there is none; leave the face "
            "as it is, or choose mask 'attention' and keep nothing"
        )
    side = len(alpha)
    mask = feather(side).copy()
    if config.mask != "hull":
        grown = _grown(np.clip(alpha, 0, 1), config.mask_grow * side)
        mask *= _blurred(grown, config.mask_blur * side)
    if mesh is not None and config.mask != "attention":
        mask *= _hull(mesh, side, config)
    return mask if mesh is None else mask * _free(mesh, config.keep, side)


def to_edge(alpha: np.ndarray) -> np.ndarray:
    """Widen a guided network's mask to the edge of the face: it has learned FaceMesh's outline, which lies within.

    Args:
        alpha: float32 (S, S), 0 to 1, in pixels of the drawing.
    """
    wider = cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    return np.asarray(alpha + WIDER * (wider - alpha))


def below_forehead(features: np.ndarray, side: int, reach: float) -> np.ndarray:
    """All that lies below a line across the forehead.

    Args:
        features: (470, 2), the points of the face that is drawn, `(x, y)` in pixels of the drawing.
        side: of the drawing in pixels.
        reach: where the line lies, from 0, along the brows, to 1, along the upper edge of the mesh.

    Returns:
        float32 (side, side), 1 below and 0 above, soft between; 1 everywhere where the line is the edge of the mesh.
    """
    if reach == 1:
        return np.ones((side, side), np.float32)
    points = (np.asarray(features, np.float64) + 0.5) * FINE - 0.5
    line = points[ABOVE_BROWS] + reach * (points[BELOW_HAIR] - points[ABOVE_BROWS])
    across = line[-1] - line[0]
    beyond = 2 * (FINE * side + np.abs(line).max())  # the line may lie far outside of a narrow view
    across *= beyond / max(float(np.linalg.norm(across)), 1e-6)
    down = across[::-1] * [-1, 1]
    left, right = line[0] - across, line[-1] + across
    below = np.zeros((FINE * side, FINE * side), np.uint8)
    cv2.fillPoly(below, [np.rint([left, *line, right, right + down, left + down]).astype(np.int32)], 255)
    soft = _blurred(below, FOREHEAD_SOFTNESS * FINE * side)
    return cv2.resize(soft, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)


def _hull(mesh: np.ndarray, side: int, config: ConvertConfig) -> np.ndarray:
    """The hull of the mesh, float32 (side, side), soft inwards only: outside it nothing is ever replaced."""
    hull = _grown(outline_mask(mesh, side), config.mask_grow * side)
    width = side * max(HULL_SOFTNESS, 2 * config.mask_blur)
    to_edge = cv2.distanceTransform(hull // 255, cv2.DIST_L2, cv2.DIST_MASK_5)
    return smooth_step(to_edge / width)


def _grown(mask: np.ndarray, pixels: float) -> np.ndarray:
    """Move the edge outwards, or inwards where the number is negative."""
    radius = round(abs(pixels))
    if radius == 0:
        return mask
    return cv2.dilate(mask, disk(radius)) if pixels > 0 else cv2.erode(mask, disk(radius))


def _blurred(mask: np.ndarray, deviation: float) -> np.ndarray:
    return cv2.GaussianBlur(mask, (0, 0), deviation) if deviation > 0 else mask


def _free(mesh: np.ndarray, keep: Sequence[str], side: int) -> np.ndarray:
    """1 where the source need not be kept, float32 (side, side); the soft edge lies outside of what is kept."""
    points = np.asarray(mesh)[:, :2]
    outlines = {"eyes": points[MESH_EYELIDS], "mouth": points[MESH_INNER_LIPS][None]}
    kept = np.zeros((side, side), np.float32)
    for part in keep:
        kept = np.maximum(kept, region_mask(outlines[part], side).astype(np.float32) / 255)
    return 1 - _blurred(_grown(kept, 2 * KEPT_SOFTNESS * side), KEPT_SOFTNESS * side) if keep else 1 - kept
