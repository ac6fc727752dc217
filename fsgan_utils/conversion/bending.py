"""Bend the picture about a face until its outline is that of the face that is laid over it.

A short face laid over a long one leaves the long one's chin in sight below its own, and a long one hangs over the
neck. So the picture gives way around the new face: its jaw moves to where the new one is, the neck becomes longer or
shorter, a nose or a cheek that would show beside the new face draws back. Forehead and hair stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from fsgan_utils.conversion.blending import Region
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.covering import Covering
from fsgan_utils.conversion.masking import BELOW_HAIR
from fsgan_utils.conversion.placing import PlacedFace
from fsgan_utils.faces import Alignment
from fsgan_utils.guides import MESH_FACE_EDGE

JAW = MESH_FACE_EDGE[8:29]
"""int (21,): the FaceMesh points along the jaw, from ear to ear by the chin."""
BEYOND = 1.12
"""How much farther from the middle of the face than FaceMesh's lowest point its chin ends; to be covered where another
chin is laid over it."""
ANOTHER = 0.1
"""Mean distance between two jaws from which on they count as wholly different."""
REACH = 1.7
"""How far from the middle of the face the picture gives way, in distances of the farthest point of its edge."""
HAIR = 1.3
"""How far from the middle of the face its hair lies, in distances of the upper edge."""
RIM = 24
"""At how many points along the rim it is said that nothing moves there."""
ANGLES = 36
"""Directions from the middle of the face in which outlines are compared."""
SIDES = -0.1, 0.45
"""Cosines of the angle to the chin's direction between which an outline is a side of the face."""
SURELY_FARTHER = 0.15
"""How much farther out a side of the face must reach to draw back wholly."""
SMOOTHING = 0.02
"""How far the bending may miss these points, for the sake of smoothness."""
LEAST_TRUST = 1e-4
"""Of places of which nothing is known."""
NODES = 33
"""Places along each side of what is bent at which it is reckoned how far."""
LEAST = 0.25
"""Pixels of the picture by which something has to move."""
ROUNDS = 5
"""Steps to find where a place goes to from where it comes from."""
SPARED = 3
"""Nodes about what lies before a face that do not move either; about as many farther out the picture moves freely."""
CHIN, CROWN = 152, 10
"""The FaceMesh points at the lower and the upper end of the face."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture that is ready for new faces.

    Attributes:
        image: uint8 RGB (H, W, 3), bent where it had to be.
        faces: the faces to swap, their meshes where they lie in it.
        bent: the parts that changed.
    """

    image: np.ndarray
    faces: list[PlacedFace]
    bent: list[Region]


@dataclass(frozen=True, eq=False)
class Bend:
    """How the square about a face gives way.

    Attributes:
        middle: float64 (2,), `(x, y)` in pixels of the picture.
        half_side: of the square, in pixels.
        moves: float32 (33, 33, 2), at even distances from corner to corner: where what comes to lie there is in the
            picture, less the place itself, in pixels.
    """

    middle: np.ndarray
    half_side: float
    moves: np.ndarray

    @classmethod
    def between(cls, mesh: np.ndarray, features: np.ndarray, shape: tuple[int, ...], share: float = 1.0) -> Bend:
        """Bend a face's outline to another, by a thin-plate spline.

        Args:
            mesh: (468 or 470, 2), the face in the picture, in its pixels.
            features: (470, 2), the face that is laid over it.
            shape: the picture's, (H, W, …). Its edge stays where it is, for nothing is known of what lies beyond.
            share: how far the outline moves, from 0 to 1.

        Reference:
            Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", IEEE TPAMI 11(6),
            1989.
        """
        edge = features[MESH_FACE_EDGE, :2]
        middle = edge.mean(axis=0)
        radius = float(np.linalg.norm(edge - middle, axis=1).max())
        own, new = ((np.asarray(points, np.float64)[:, :2] - middle) / radius for points in (mesh, features))
        corners = (np.array([[0, 0], [shape[1] - 1, shape[0] - 1]]) - middle) / radius
        known = _jaw(own, new), _sides(own, new), _still(new, *corners)
        places, moves, trust = (np.concatenate(part) for part in zip(*known, strict=True))
        bending = RBFInterpolator(places, share * moves, smoothing=SMOOTHING / trust)
        line = np.linspace(-REACH, REACH, NODES)
        nodes = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        within = np.linalg.norm(nodes, axis=1) < REACH
        field = (radius * within[:, None] * bending(nodes)).reshape(NODES, NODES, 2)
        return cls(middle, REACH * radius, field.astype(np.float32))

    def sparing(self, covered: np.ndarray, alignment: Alignment) -> Bend:
        """Leave what lies before the face, and what is near it, where it is.

        Args:
            covered: float32 (128, 128), 0 to 1, what lies before the face in what the network sees, see `Covering`.
            alignment: from the picture to what the network sees.
        """
        line = np.linspace(-self.half_side, self.half_side, NODES)
        nodes = self.middle + np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        x, y = (alignment.apply(nodes) * (len(covered) / alignment.size)).astype(np.float32).T
        at_nodes = cv2.remap(covered, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        spared = cv2.dilate(at_nodes.reshape(NODES, NODES), np.ones((SPARED, SPARED), np.uint8))
        still = np.clip(2 * cv2.GaussianBlur(spared, (0, 0), SPARED / 2), 0, 1)
        return replace(self, moves=self.moves * (1 - still[..., None]))

    def region(self, shape: tuple[int, ...]) -> Region | None:
        """The part of a picture of `shape` that moves visibly; None if there is none."""
        left, top, width, height = cv2.boundingRect((np.abs(self.moves).max(axis=2) >= LEAST).astype(np.uint8))
        if not width:
            return None
        corners = np.array([[left - 1, top - 1], [left + width, top + height]])
        return Region.around(self.middle + self.half_side * (2 / (NODES - 1) * corners - 1), shape)

    def moved(self, points: np.ndarray) -> np.ndarray:
        """Where points of the picture (N, 2) come to lie: float64 (N, 2)."""
        places = points = np.asarray(points, np.float64)
        for _ in range(ROUNDS):
            x, y = (((places - self.middle) / self.half_side + 1) * ((NODES - 1) / 2)).astype(np.float32).T
            places = points - cv2.remap(self.moves, x[None], y[None], cv2.INTER_LINEAR)[0]
        return places

    def apply(self, image: np.ndarray, region: Region) -> None:
        """Bend a part of a picture, uint8 RGB (H, W, 3), in place."""
        scale = (NODES - 1) / (2 * self.half_side)
        first = scale * (np.array([region.left, region.top]) - self.middle + self.half_side)
        to_nodes = np.array([[scale, 0, first[0]], [0, scale, first[1]]])
        size, flags = (region.right - region.left, region.bottom - region.top), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        x, y = (cv2.warpAffine(axis, to_nodes, size, flags=flags) for axis in cv2.split(self.moves))
        columns = np.arange(region.left, region.right, dtype=np.float32)
        rows = np.arange(region.top, region.bottom, dtype=np.float32)[:, None]
        bent = cv2.remap(image, x + columns, y + rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        image[region.slices] = bent


def make_room(
    image: np.ndarray, faces: Sequence[PlacedFace], config: ConvertConfig, coverings: Sequence[Covering | None] = ()
) -> Scene:
    """Bend a picture to the outlines of the faces that are to be laid into it.

    Args:
        image: uint8 RGB (H, W, 3); not changed.
        faces: the faces to swap. Only those that a guide is drawn for have an outline of their own.
        config: `bend` counts, and the layout: a face for another picture finds that one as it is.
        coverings: what lies before each of these faces, and stays where it is; by default nothing does.
    """
    scene = Scene(image, list(faces), [])
    if not config.bend or config.layout == "patch":
        return scene
    for place, (face, covering) in enumerate(zip_longest(faces, coverings)):
        if face.mesh is None or face.features is None:
            continue
        mesh, features = (face.alignment.undo(points[:, :2]) for points in (face.mesh, face.features))
        bend = Bend.between(mesh, features, image.shape, config.bend * face.opacity)
        if covering is not None and covering.share.any():
            bend = bend.sparing(covering.share, face.alignment)
        region = bend.region(image.shape)
        if region is None:
            continue
        if not scene.bent:
            scene = replace(scene, image=image.copy())
        bend.apply(scene.image, region)
        scene.bent.append(region)
        scene.faces[place] = replace(face, mesh=face.alignment.apply(bend.moved(mesh)))
    return scene


def _jaw(own: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places along the new jaw, how far the own one lies from there, (21, 2) each, and how sure that is, (21,)."""
    middle = own[MESH_FACE_EDGE].mean(axis=0)
    another = min(1.0, float(np.linalg.norm(own[JAW] - new[JAW], axis=1).mean()) / ANOTHER)
    farther = 1 + another * (BEYOND - 1) * np.sin(np.linspace(0, np.pi, len(JAW)))
    return new[JAW], middle + farther[:, None] * (own[JAW] - middle) - new[JAW], np.ones(len(JAW))


def _sides(own: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same along the sides of what is seen of the heads; the less sure the less farther out the own one reaches."""
    directions = _around(ANGLES)
    down = new[CHIN] - new[CROWN]
    low = directions @ (down / max(float(np.linalg.norm(down)), 1e-6))
    directions = directions[(low > SIDES[0]) & (low < SIDES[1])]
    distances, reached = (_outline(points, directions) for points in (new, own))
    trust = np.clip((reached - distances) / SURELY_FARTHER, LEAST_TRUST, 1)
    return directions * distances[:, None], directions * (reached - distances)[:, None], trust


def _still(new: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of places that do not move: the upper edge of the face, the hair above it, and the rim, or the edge of
    the picture where that is nearer."""
    rim = np.clip(REACH * _around(RIM), low, high)
    places = np.concatenate([new[BELOW_HAIR], HAIR * new[BELOW_HAIR], rim])
    return places, np.zeros_like(places), np.ones(len(places))


def _around(count: int) -> np.ndarray:
    """Directions at even distances: float64 (count, 2)."""
    turns = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1)


def _outline(points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """How far the hull of points (N, 2) about the origin reaches in each direction (M, 2): float64 (M,)."""
    hull = cv2.convexHull(points.astype(np.float32))[:, 0].astype(np.float64)
    edges = np.roll(hull, -1, axis=0) - hull
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    offsets = (normals * hull).sum(axis=1)
    towards = directions @ (normals * np.sign(offsets)[:, None]).T
    beyond = np.where(towards > 1e-9, np.abs(offsets) / np.maximum(towards, 1e-9), np.inf)
    return np.asarray(beyond.min(axis=1))
