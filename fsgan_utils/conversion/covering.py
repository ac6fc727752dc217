"""What lies before a face stays the source's: hands, cups, microphones, the hair of the person who is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from fsgan_utils.conversion.blending import smooth_step
from fsgan_utils.conversion.config import OPPOSITE, ConvertConfig
from fsgan_utils.conversion.generator import Generator, proportions_of
from fsgan_utils.conversion.growing import grown
from fsgan_utils.conversion.placing import PlacedFace
from fsgan_utils.conversion.steps import draw
from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS, REFINED_POINTS
from fsgan_utils.masks.regions import outline_mask, region_mask
from fsgan_utils.occlusion import VIEW_SIDE, ObjectFinder

RADIUS = 0.02
"""Radius of the guided filter's windows, as a part of the crop's side."""
EDGE = 10.0
"""Standard deviation of the picture within a window, in levels, from which on it counts as an edge to keep to."""
SURELY = 0.3, 0.7
"""How sure the network must be for a pixel to begin to stay the source's, and to stay wholly."""
PLAINLY = 0.6
"""How sure it must be to add to what differs from a drawing of the same face, which sees most things better."""
AGREED = 0.5
"""How sure it must be to agree with the drawing."""
UNLIKE = 14.0, 24.0
"""Difference between a face and what a model draws of it, in levels of a face of middle brightness, from which on
something begins to lie before it, and from which on it surely does."""
USUALLY = 3.0
"""The same beginning, as a multiple of the usual difference in that face."""
USUAL = 0.5
"""The quantile that counts as usual."""
FEATURES = 1.5
"""How much more it must be within lids and lips, as a part of that."""
MIDDLE, LEAST_BRIGHT = 130.0, 0.35
"""Mean level of a face of middle brightness; and how dark, in parts of that, a face is at most taken to be."""
LEAST_PIXELS = 50
EACH, ROUNDS, LEAST_SCALE = 3, 6, 4.0
"""Of the fitted light: every how many pixels have a say, how often it is fitted, and the least scale of its errors, in
levels."""
CORE, CORE_AREA, LINKED = 1.5, 0.006, 0.5
"""How much more than at its edge an object differs in its core; how large that is, as a part of the view; and how
much it differs at least where its parts are linked."""
NEAR = 19
"""Pixels of the drawing, of a brush by which a core is widened: what hangs on it farther out is the rim of a mesh that
errs where something covers the face."""
BESIDE = 7
"""Pixels of the drawing, of a brush by which the face is widened: FaceMesh errs where something covers it."""
WIDER = 15
"""The same, in pixels of what the network sees."""
PULL = 300.0
"""Pull of the fitted light towards what the model drew, so that it does not explain an object away."""
CHANGED = 6.0
"""Difference between two frames, in levels, from which on what one shows says little about the other."""


@dataclass(frozen=True, eq=False)
class Covering:
    """What lies before one face in one frame.

    Attributes:
        share: float32 (128, 128), 0 to 1, how sure it is that something lies there, over what the network sees.
        view: uint8 RGB (128, 128, 3), the picture there.
    """

    share: np.ndarray
    view: np.ndarray

    def steadied(self, others: Sequence[Covering], weights: np.ndarray) -> Covering:
        """Average with other frames of the same face, pixel by pixel, where they show the same: a thing that moves is
        not held back, and one that rests does not flicker.

        Args:
            others: this one among them.
            weights: float64, one for each.
        """
        shares = np.array([one.share for one in others])
        if not shares.any():
            return self
        change = np.array([cv2.blur(cv2.absdiff(one.view, self.view), (5, 5)).max(axis=2) for one in others])
        alike = weights.astype(np.float32)[:, None, None] * np.exp(-0.5 * np.square(change / np.float32(CHANGED)))
        return replace(self, share=(alike * shares).sum(axis=0) / alike.sum(axis=0))

    def free(self, source: np.ndarray) -> np.ndarray:
        """Where nothing lies before the face, with the edges of what is seen in the source.

        Args:
            source: uint8 RGB (S, S, 3).

        Returns:
            float32 (S, S), 0 to 1.
        """
        side = len(source)
        if self.share.max() < SURELY[0]:
            return np.ones((side, side), np.float32)
        enlarged = cv2.resize(self.share, (side, side), interpolation=cv2.INTER_LINEAR)
        grey = cv2.cvtColor(source, cv2.COLOR_RGB2GRAY).astype(np.float32)
        sharp = guided_filter(enlarged, grey, max(1, round(RADIUS * side)), EDGE)
        return 1 - smooth_step((sharp - SURELY[0]) / (SURELY[1] - SURELY[0])).astype(np.float32)

    def at(self, side: int) -> np.ndarray:
        """The share at another size: float32 (side, side)."""
        return cv2.resize(self.share, (side, side), interpolation=cv2.INTER_AREA)


def find_coverings(
    sources: Sequence[np.ndarray], faces: Sequence[PlacedFace], model: Generator, config: ConvertConfig
) -> list[Covering | None]:
    """See what lies before faces.

    Args:
        sources: uint8 RGB (S, S, 3) each, what lies in the picture where a face goes.
        faces: the face of each.
        model: the trained model. A guided one draws the person who is there, to compare, see `unlike_drawing`.
        config: without `keep_objects` nothing is looked for.

    Returns:
        Of each face what lies before it; None where that was not asked for.
    """
    if not config.keep_objects or not sources:
        return [None] * len(sources)
    seen = _finder().find(sources, [face.mesh for face in faces])
    shares = seen.copy()
    for place, drawn in _own_faces(sources, faces, model, config).items():
        mesh = faces[place].mesh
        if mesh is not None:
            plain = np.maximum(seen[place] - PLAINLY, 0) / (1 - PLAINLY)
            shares[place] = np.maximum(plain, unlike_drawing(sources[place], drawn, mesh))
    evidence = zip(shares, seen > AGREED, sources, faces, strict=True)
    return [_to_edges(share, agreed, source, face.mesh) for share, agreed, source, face in evidence]


def _to_edges(share: np.ndarray, agreed: np.ndarray, source: np.ndarray, mesh: np.ndarray | None) -> Covering:
    """Bring what was found to the edges of the thing that lies there, in the face of `mesh` and beside it."""
    view = cv2.resize(source, (VIEW_SIDE, VIEW_SIDE), interpolation=cv2.INTER_AREA)
    if mesh is None:
        return Covering(share, view)
    face = outline_mask(_scaled(mesh, len(source), VIEW_SIDE), VIEW_SIDE)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (WIDER, WIDER))
    return Covering(grown(share, agreed, view, cv2.dilate(face, brush) > 0), view)


def _scaled(mesh: np.ndarray, size: int, side: int) -> np.ndarray:
    """Points of a square of `size` pixels in one of `side`: (N, 2)."""
    return (np.asarray(mesh)[:, :2] + 0.5) * (side / size) - 0.5


def _own_faces(
    sources: Sequence[np.ndarray], faces: Sequence[PlacedFace], model: Generator, config: ConvertConfig
) -> dict[int, np.ndarray]:
    """What a guided model draws of the people who are there, as if nothing covered them: by the face's place among
    these, float32 RGB (res, res, 3), 0 to 255. A face without a refined mesh has none."""
    if proportions_of(model) is None:
        return {}
    known = [n for n, face in enumerate(faces) if face.mesh is not None and len(face.mesh) == REFINED_POINTS]
    if not known:
        return {}
    faces_there = [replace(faces[n], features=faces[n].mesh) for n in known]
    back = replace(config, direction=OPPOSITE[config.direction])
    return dict(zip(known, draw([sources[n] for n in known], model, back, faces_there)[..., 1:], strict=True))


def guided_filter(mask: np.ndarray, guide: np.ndarray, radius: int, edge: float) -> np.ndarray:
    """Bring the edges of a mask to those of a picture.

    Args:
        mask: float32 (H, W).
        guide: float32 (H, W), the picture.
        radius: of the square windows, in pixels.
        edge: standard deviation of the picture, in its levels, from which on an edge is kept.

    Returns:
        float32 (H, W).

    Reference:
        He, Sun and Tang, "Guided image filtering", IEEE TPAMI 35(6), 2013, equations 5, 6 and 8.
    """

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, (2 * radius + 1, 2 * radius + 1))

    guide_mean, mask_mean = mean(guide), mean(mask)
    variance = mean(guide * guide) - guide_mean * guide_mean
    slope = (mean(guide * mask) - guide_mean * mask_mean) / (variance + np.float32(edge**2))
    return mean(slope) * guide + mean(mask_mean - slope * guide_mean)


def unlike_drawing(source: np.ndarray, drawn: np.ndarray, mesh: np.ndarray) -> np.ndarray:
    """See where a face differs from what a model draws of the same person in its place.

    A model that has learned a face with its beard, glasses and wrinkles draws it without the hand that covers it. What
    it draws is brought to the light of the source, first; then what still differs is no part of the face. Differences
    that a shift by a pixel explains do not count, and within lids and lips, where a drawing errs most, only large ones.

    Args:
        source: uint8 RGB (S, S, 3).
        drawn: float32 RGB (res, res, 3), 0 to 255, the same face as the model draws it.
        mesh: (468 or 470, 2), of the face in the source, in its pixels.

    Returns:
        float32 (128, 128), 0 to 1, from where they are alike to where they surely differ.
    """
    side = len(drawn)
    points = _scaled(mesh, len(source), side)
    face = outline_mask(points, side) > 0
    if face.sum() < LEAST_PIXELS:
        return np.zeros((VIEW_SIDE, VIEW_SIDE), np.float32)
    small = cv2.resize(source, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    fitted = _in_the_light_of(small, drawn, face).astype(np.float32)
    shifted = [np.roll(fitted, (down, right), (0, 1)) - small for down in (-1, 0, 1) for right in (-1, 0, 1)]
    difference = np.sqrt(np.min([np.einsum("yxc,yxc->yx", one, one) for one in shifted], axis=0))
    usual = float(np.quantile(difference[face], USUAL))
    features = region_mask(np.array([*points[MESH_EYELIDS]]), side) | region_mask(points[MESH_INNER_LIPS][None], side)
    blurred = cv2.blur(cv2.dilate(features, np.ones((3, 3), np.uint8)), (3, 3)) / np.float32(255)
    bright = max(float(small[face].mean()) / MIDDLE, LEAST_BRIGHT)
    least = max(UNLIKE[0] * bright, USUALLY * usual) * (1 + FEATURES * blurred)
    smooth = cv2.blur(difference, (3, 3))
    share = smooth_step((smooth - least) / (bright * (UNLIKE[1] - UNLIKE[0])))
    beside = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BESIDE, BESIDE))
    share = _with_a_core(
        share * cv2.dilate(face.astype(np.uint8), beside),
        (smooth > CORE * least) & (cv2.erode(face.astype(np.uint8), beside) > 0),
    )
    return cv2.resize(share.astype(np.float32), (VIEW_SIDE, VIEW_SIDE), interpolation=cv2.INTER_LINEAR)


def _with_a_core(share: np.ndarray, core: np.ndarray) -> np.ndarray:
    """Leave of a share (S, S) only what lies near a core, bool (S, S), in connected parts that hold enough of one: what
    differs a little here and there is no object."""
    _, parts = cv2.connectedComponents((share > LINKED).astype(np.uint8))
    counts = np.bincount(parts[core], minlength=parts.max() + 1)
    counts[0] = 0
    share = share * (counts >= CORE_AREA * share.size)[parts]
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (NEAR, NEAR))
    return share * cv2.dilate((core & (share > 0)).astype(np.uint8), brush)


def _in_the_light_of(target: np.ndarray, image: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Fit an image's colors to those of a target by an affine map and a light that changes linearly across, but for
    what does not fit: float64 (S, S, 3).

    Reference:
        Holland and Welsch, "Robust regression using iteratively reweighted least-squares", 1977, Cauchy's weights.
    """
    side = len(image)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    known = np.dstack([image, np.full((side, side), 50.0), 50 * x, 50 * y]).reshape(-1, 6)
    chosen, wanted = known[face.ravel()][::EACH], target[face].astype(np.float64)[::EACH]
    weight, pull = np.ones(len(wanted)), PULL * len(wanted) * np.eye(6)
    for _ in range(ROUNDS):
        map_ = np.linalg.solve((chosen.T * weight) @ chosen + pull, (chosen.T * weight) @ wanted + pull @ np.eye(6, 3))
        missed = chosen @ map_ - wanted
        error = np.sqrt(np.einsum("nc,nc->n", missed, missed))
        scale = max(LEAST_SCALE, 1.48 * float(np.median(error)))
        weight = 1 / (1 + (error / scale) ** 2) ** 2
    return (known @ map_).reshape(side, side, 3)


@lru_cache(maxsize=1)
def _finder() -> ObjectFinder:
    return ObjectFinder()
