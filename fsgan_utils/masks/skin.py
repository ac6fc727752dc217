"""The outline of a face's own skin: the hull of its mesh, less what hangs or is held before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.guides import MESH_BROWS
from fsgan_utils.landmarks import MESH_EYELIDS, MESH_LIPS
from fsgan_utils.masks.regions import MASK_SIZE, disk, outline_mask, region_mask

SIDE, MARGIN = 128, 1.1
"""Side of the close-up in which colors are compared, in pixels, and how wide it is, as a multiple of the mesh."""
INNER = [105, 334, 33, 263, 61, 291, 57, 287, 148, 152, 377, 9]
"""The FaceMesh points about the inner face, which is always face: brows, corners of the eyes and mouth, chin."""
NOSTRILS = np.array([[79, 166, 60, 20, 238], [309, 392, 290, 250, 458]])
"""The FaceMesh points about the nostrils; these, the eyes, the brows and the lips say nothing about the skin."""
TONE, TONE_QUANTILE = np.array([0.5, 0.28, 0.19], np.float32), 0.6
"""Linear RGB that each face's skin is brought to before it is compared, so that dark skin, dim, colored and grey
pictures are judged alike; and the quantile of the inner face that is brought there."""
DARKEST = 0.002
"""Added to linear RGB: differences in deep shadow are noise."""
OVEREXPOSED = 250
"""Value of a channel from which on a color is not to be trusted: highlights have none."""
TOLERANCE = np.array([15, 9, 9], np.float32)
"""Differences from the nearest skin, in CIELAB's lightness and both chroma, that are too large to be shading."""
KINDS = 3
"""How many colors the skin of one face has: lit, shaded, bearded."""
LEAST_SHARE = 0.08
"""Least weight of a color among those near a place; rarer ones are not what is expected there."""
REACHES = ((0.06, 1.0), (0.15, 0.02), (0.36, 0.0004))
"""Standard deviations of what is near, as parts of the close-up's side, and their weights: the nearest counts."""
ROUNDS, STEP, ALIKE, MOST_DRIFT = 12, 4, 0.7, 1.7
"""How often the skin that is known grows, by how many pixels, up to which difference from the skin near it, and from
the inner face; so it follows soft shading, but does not creep over a sharp edge."""
SELDOM, OFTEN = 1.25, 0.55
"""From which difference on something is no skin, at places of the face where this person's images never show any, and
where they always do: hair lies at the same place again and again, shadows move."""
LEAST_PART, LEAST_HOLE = 0.004, 0.03
"""Smallest part of the hull that is cut out at its rim, and inside it; less is a mole, a strand or a wrinkle."""


@dataclass(frozen=True, eq=False)
class SkinEvidence:
    """How unlike its skin one face looks, place by place.

    Attributes:
        mesh: float (470, 2), `(x, y)` in pixels of the image.
        to_close_up: float64 (2, 3), from pixels of the image to those of the close-up.
        difference: float16 (128, 128), of each pixel of the close-up from the skin about it; above 1 is more than
            shading explains. 0 in the inner face and outside the hull.
    """

    mesh: np.ndarray
    to_close_up: np.ndarray
    difference: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, mesh: np.ndarray) -> SkinEvidence:
        """Compare the rim of a face with the colors of its inner part.

        The colors are those of the inner face, sorted into a few kinds, each with its mean about every place. The
        skin that is known then grows from there outwards, so that soft shading is followed.

        Args:
            image: uint8 RGB (H, W, 3).
            mesh: (470, 2 or 3), `(x, y)` in pixels of the image.

        Reference:
            Knutsson and Westin, "Normalized and differential convolution", CVPR 1993, for the means.
        """
        places = np.asarray(mesh, np.float64)[:, :2]
        matrix = _close_up(places)
        points = _moved(places, matrix)
        crop = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        face = outline_mask(points, SIDE) > 0
        inner = (outline_mask(points[INNER], SIDE) > 0) & face
        features = _features(points) & inner
        known = _eroded(inner, 1) & ~features
        if not known.any():
            return cls(places, matrix, np.zeros((SIDE, SIDE), np.float16))
        difference = _difference(_compared(crop, known), known, face & ~features)
        difference[crop.max(axis=2) >= OVEREXPOSED] *= 0.5
        difference[inner | ~face] = 0
        return cls(places, matrix, np.minimum(difference, 9).astype(np.float16))


def skin_outlines(faces: Sequence[SkinEvidence], size: int = MASK_SIZE) -> list[np.ndarray]:
    """Outline the faces of one person: the hulls of their meshes without hair, hands and the like at their rims.

    The inner face with eyes, brows, nose, mouth and chin is always kept, and so is skin in any soft shade or a beard.
    What is no skin at a place in many of the person's images is believed at once there, elsewhere only if it differs
    much.

    Args:
        faces: the evidence of every image; of a single one, it stands for itself.
        size: side of the square images in pixels.

    Returns:
        For each, uint8 (size, size), 255 inside.
    """
    if not faces:
        return []
    places = [np.rint(_moved(face.mesh, face.to_close_up)).astype(int).clip(0, SIDE - 1) for face in faces]
    covered = np.mean([face.difference[at[:, 1], at[:, 0]] > 1 for face, at in zip(faces, places, strict=True)], axis=0)
    limits = (SELDOM + (OFTEN - SELDOM) * np.minimum(2 * covered, 1)).astype(np.float32)
    return [_outline(face, _spread(limits, at), size) for face, at in zip(faces, places, strict=True)]


def _close_up(places: np.ndarray) -> np.ndarray:
    low, high = places.min(axis=0), places.max(axis=0)
    scale = SIDE / (MARGIN * (high - low).max())
    return np.column_stack([scale * np.eye(2), SIDE / 2 - scale * (low + high) / 2])


def _moved(places: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return np.asarray(places @ matrix[:, :2].T + matrix[:, 2])


def _features(points: np.ndarray) -> np.ndarray:
    """Eyes, brows, lips and nostrils with their surroundings, bool (128, 128)."""
    parts = ((points[MESH_EYELIDS], 3), (points[MESH_BROWS], 2), (points[None, MESH_LIPS], 1), (points[NOSTRILS], 1))
    return np.any([cv2.dilate(region_mask(part, SIDE), disk(radius)) for part, radius in parts], axis=0)


def _compared(crop: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Colors in units of what may differ, float32 (128, 128, 3), with the skin brought to one tone."""
    smooth = cv2.bilateralFilter(cv2.GaussianBlur(crop, (0, 0), 0.7), 5, 30, 2)
    linear = (smooth.astype(np.float32) / 255) ** 2.2 + DARKEST
    linear *= TONE / np.quantile(linear[skin], TONE_QUANTILE, axis=0).astype(np.float32)
    toned = np.clip(linear, 0, 1.5) ** (1 / 2.2)
    return np.asarray(cv2.cvtColor(toned, cv2.COLOR_RGB2LAB)) / TOLERANCE


def _difference(colors: np.ndarray, known: np.ndarray, face: np.ndarray) -> np.ndarray:
    """How far each color is from the skin about it, float32 (128, 128)."""
    cv2.setRNGSeed(0)
    kinds = np.full((SIDE, SIDE), -1, np.int32)
    stop = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 20, 0.1)
    count = min(KINDS, int(known.sum()))
    kinds[known] = cv2.kmeans(colors[known], count, kinds[known], stop, 1, cv2.KMEANS_PP_CENTERS)[1].ravel()
    from_inner, nearest = _from_kinds(colors, kinds)
    difference = from_inner
    for _ in range(ROUNDS):
        near = cv2.dilate((kinds >= 0).astype(np.uint8), disk(STEP)) > 0
        grown = near & face & (kinds < 0) & (difference < ALIKE) & (from_inner < MOST_DRIFT)
        if not grown.any():
            break
        kinds[grown] = nearest[grown]
        difference, nearest = _from_kinds(colors, kinds)
    return np.where(from_inner < MOST_DRIFT, difference, np.maximum(difference, from_inner))


def _from_kinds(colors: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distance to the closest of the kinds about each place, and which it is: (128, 128) each."""
    means, weights = zip(*(_mean_about(colors, kinds == kind) for kind in range(KINDS)), strict=True)
    distances = np.linalg.norm(colors - np.stack(means), axis=-1)
    share = np.stack(weights) / np.sum(weights, axis=0)
    distances[share < LEAST_SHARE] = np.inf
    return distances.min(axis=0), distances.argmin(axis=0)


def _mean_about(colors: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean color of chosen pixels about each place, (128, 128, 3), and their weight, (128, 128)."""
    weighted = np.dstack([colors, np.ones_like(colors[..., :1])]) * chosen[..., None]
    total = np.zeros_like(weighted)
    for reach, weight in REACHES:
        step = max(2, int(24 * reach))  # wide means are taken of a smaller picture
        small = cv2.resize(weighted, (SIDE // step, SIDE // step), interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), reach * SIDE / step, borderType=cv2.BORDER_CONSTANT)
        total += weight * cv2.resize(blurred, (SIDE, SIDE))
    weights = np.maximum(total[..., 3], 1e-9)
    return total[..., :3] / weights[..., None], weights


def _spread(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The values (470,) of the mesh's points, each where it is nearest, smoothed: float32 (128, 128)."""
    free = np.ones((SIDE, SIDE), np.uint8)
    free[places[:, 1], places[:, 0]] = 0
    _, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros(labels.max() + 1, np.float32)
    of_label[labels[places[:, 1], places[:, 0]]] = values
    return np.asarray(cv2.GaussianBlur(of_label[labels], (0, 0), 2))


def _outline(face: SkinEvidence, limits: np.ndarray, size: int) -> np.ndarray:
    points = _moved(face.mesh, face.to_close_up)
    hull, inner = outline_mask(points, SIDE), outline_mask(points[INNER], SIDE)
    opened = cv2.morphologyEx((face.difference > limits).astype(np.uint8), cv2.MORPH_OPEN, disk(2))
    cut = (cv2.morphologyEx(opened, cv2.MORPH_CLOSE, disk(2)) > 0) & (hull > 0) & (inner == 0)
    kept = (hull > 0) & ~_large_parts(cut, hull > 0)
    beyond = (hull == 0) & (cv2.dilate(kept.astype(np.uint8), disk(6)) > 0)  # the hull's own edge is drawn finer
    soft = cv2.GaussianBlur((kept | beyond).astype(np.float32), (0, 0), 1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    inside = cv2.warpAffine(soft, face.to_close_up, (size, size), flags=flags) > 0.5
    return np.where(inside, outline_mask(face.mesh, size), 0).astype(np.uint8)


def _large_parts(cut: np.ndarray, hull: np.ndarray) -> np.ndarray:
    """Those connected parts of what is cut, bool (128, 128), that are large, or reach the hull's rim."""
    rim = hull & ~_eroded(hull, 2)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cut.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA] / max(1, hull.sum())
    at_rim = np.isin(np.arange(len(areas)), labels[rim])
    large = areas > np.where(at_rim, LEAST_PART, LEAST_HOLE)
    large[0] = False
    return np.asarray(large[labels])


def _eroded(mask: np.ndarray, radius: int) -> np.ndarray:
    return np.asarray(cv2.erode(mask.astype(np.uint8), disk(radius), borderValue=0)) > 0
