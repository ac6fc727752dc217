"""What a face is like when it does nothing: lips that touch, open eyes, level brows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsgan_utils.heads.placement import STILL, Placement, eyes_apart, mean_face
from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS, MESH_MOUTH, MESH_POINTS

UPPER_LIP, LOWER_LIP = MESH_INNER_LIPS[1:10], MESH_INNER_LIPS[:10:-1]
"""int (9,) each: the FaceMesh points along the inner edges of the lips, from left to right; they meet in pairs."""
UPPER_LIDS, LOWER_LIDS = MESH_EYELIDS[:, 1:8], MESH_EYELIDS[:, :8:-1]
"""int (2, 7) each: the FaceMesh points along the edges of the lids, from the outer corner; they meet in pairs."""
BROWS, BELOW_BROWS = [105, 66, 334, 296], [33, 133, 362, 263]
"""The FaceMesh points whose distance says how high the brows are: in the brows, and at the corners of the eyes."""
CROWN, CHIN, NOSE_BASE = 10, 152, 2
OPEN_LIDS = 0.7
"""The quantile of the openings of the eyes at which they count as open: half-shut ones and blinks lie below."""
NEAREST, FEWEST = 0.25, 5
"""Part of the pictures that counts as near to rest, and how many at least."""
SIGNS_SPREAD = np.array([0.05, 0.02, 0.03, 0.06])
"""How far lips, lids, brows and width of the mouth go in one and the same degree of expression, in distances between
the eyes."""
JAW = 0.8
"""Part of an opening of the mouth that the lower lip makes; the upper one makes the rest."""
MISFIT = 2.0
"""In median misfits, from where on a mesh counts less than half."""


@dataclass(frozen=True, eq=False)
class Axes:
    """A head's own directions.

    Attributes:
        rows: float64 (3, 3), its right as seen in the picture, down, and backward, unit vectors.
        unit: distance between the eyes.
    """

    rows: np.ndarray
    unit: float

    @classmethod
    def of(cls, face: np.ndarray) -> Axes:
        """Take them from a face (470, 3): along the corners of the eyes, and from crown to chin."""
        right = face[BELOW_BROWS[2:]].mean(axis=0) - face[BELOW_BROWS[:2]].mean(axis=0)
        right = right / np.linalg.norm(right)
        down = face[CHIN] - face[CROWN]
        down = down - (down @ right) * right
        down = down / np.linalg.norm(down)
        return cls(np.stack([right, down, np.cross(right, down)]), eyes_apart(face))


def neutral_face(meshes: Sequence[np.ndarray]) -> np.ndarray:
    """What a face is like when it does nothing, with FaceMesh's depths.

    The mean of a talking face is a face with parted lips. So the pictures count the more the nearer they are to rest,
    which is lips that touch, eyes as open as they mostly are, brows and corners of the mouth where they mostly are.
    What still parts the lips then is closed, so that a person who never shuts the mouth has a resting face too.

    Args:
        meshes: (468 or 470, 3) each, of one person.

    Returns:
        float64, as many points, turned as in the most frontal picture, of the same size as there. The irises lie in the
        middle of the lids, wherever the person looked.
    """
    faces = aligned_faces(meshes)
    return closed(np.average(faces, axis=0, weights=at_rest(faces)))


def aligned_faces(meshes: Sequence[np.ndarray]) -> np.ndarray:
    """A person's meshes turned, sized and placed as the most frontal one: float64 (N, 470, 3)."""
    middle = mean_face(meshes)
    faces = np.array([Placement.between(mesh, middle).apply(mesh) for mesh in meshes], np.float64)
    typical = np.median(faces, axis=0)
    return np.array([Placement.between(face, typical).apply(face) for face in faces])


def at_rest(faces: np.ndarray) -> np.ndarray:
    """How much each picture counts for the resting face: float64 (N,), 0 to 1.

    Args:
        faces: (N, 470, 3) from `aligned_faces`.
    """
    signs = expression_signs(faces)
    rest = np.median(signs, axis=0)
    rest[:2] = 0, np.quantile(signs[:, 1], OPEN_LIDS)
    distances = np.linalg.norm((signs - rest) / SIGNS_SPREAD, axis=1)
    near = min(1.0, max(NEAREST, FEWEST / len(faces)))
    reach = max(float(np.quantile(distances, near)), 1e-6)
    return np.asarray(np.exp(-0.5 * (distances / reach) ** 2) * trust(_misfits(faces)) + 1e-9)


def expression_signs(faces: np.ndarray) -> np.ndarray:
    """What tells an expression: the opening of the mouth, of the eyes, the height of the brows, the mouth's width.

    Args:
        faces: (N, 470, 3) from `aligned_faces`.

    Returns:
        float64 (N, 4), in distances between the eyes.
    """
    axes = Axes.of(np.median(faces, axis=0))
    down = faces @ axes.rows[1]
    lips = (down[:, LOWER_LIP] - down[:, UPPER_LIP]).max(axis=1)
    lids = (down[:, LOWER_LIDS] - down[:, UPPER_LIDS]).mean(axis=(1, 2))
    brows = down[:, BELOW_BROWS].mean(axis=1) - down[:, BROWS].mean(axis=1)
    widths = np.linalg.norm(faces[:, MESH_MOUTH[1]] - faces[:, MESH_MOUTH[0]], axis=1)
    return np.stack([lips, lids, brows, widths], axis=1) / axes.unit


def trust(misfits: np.ndarray) -> np.ndarray:
    """How much meshes count by their misfits (N,): 1 where those are small, toward 0 where they stand out."""
    return np.asarray(1 / (1 + (misfits / (MISFIT * max(float(np.median(misfits)), 1e-9))) ** 4))


def closed(face: np.ndarray) -> np.ndarray:
    """A resting face (470, 3) with touching lips, and the irises in the middle of the lids.

    The lower lip goes most of the way, as far at each place as the lips are apart there, and the chin with it, as wide
    as it is; the upper lip goes the rest, and what is below the nose with it.
    """
    axes = Axes.of(face)
    middle = face[list(MESH_MOUTH)].mean(axis=0)
    places = (face - middle) @ axes.rows.T
    apart = places[LOWER_LIP] - places[UPPER_LIP]
    meeting = places[UPPER_LIP] + (1 - JAW) * apart
    line = np.interp(places[:, 0], meeting[:, 0], meeting[:, 1])
    below = np.clip((places[:, 1] - line) / (places[CHIN, 1] - line), 0, 1)
    above = np.clip((line - places[:, 1]) / (line - places[NOSE_BASE, 1]), 0, 1)
    corners = places[list(MESH_MOUTH), 0]
    across = np.concatenate([corners[:1], meeting[:, 0], corners[1:]])
    gaps = np.interp(places[:, 0] / (1 + below), across, [0, *apart[:, 1], 0])
    places[:, 1] += np.where(below > 0, -JAW * gaps, (1 - JAW) * gaps * (1 - above))
    places[UPPER_LIP] = places[LOWER_LIP] = meeting
    result = places @ axes.rows + middle
    result[MESH_POINTS:] = result[MESH_EYELIDS].mean(axis=1)[: len(result) - MESH_POINTS]
    return np.asarray(result)


def _misfits(faces: np.ndarray) -> np.ndarray:
    """By how much the points that expressions move least are off, in each of the faces: float64 (N,)."""
    still = faces[:, STILL] - np.median(faces[:, STILL], axis=0)
    return np.asarray(np.linalg.norm(still, axis=(1, 2)))
