"""Whether a face sits on its head: goes along with it, turns as far, and stands as straight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from fsgan_utils.evaluation.motion import Motion
from fsgan_utils.heads import SIDES, SOCKETS
from fsgan_utils.landmarks import MESH_EYES, MESH_MOUTH

FIRM = [*SOCKETS.ravel().tolist(), 168, 6, 197, 195, 5, 4, 1]
"""The FaceMesh points about the sockets of the eyes and down the nose, which lie within what a swap replaces and which
expressions move little."""
FEWEST = 20
"""Frames that must show both faces for their motion to be compared."""
LEAST_TURN = 2.0
"""Standard deviation in degrees from which on a head turns enough to tell whether its face turns as far."""


def sliding(
    meshes: Sequence[np.ndarray | None], source: Sequence[np.ndarray | None], source_motion: Motion
) -> np.ndarray:
    """Measure how far a face slides about on its head.

    Two people's faces lie apart, and more so as the head turns: of the way from the source's place to the swap's, what
    follows linearly from the turn of the head does not count. Where a face comes late, that way follows the head's
    speed; it is fitted beside the turns, so that they do not explain it away, and counts.

    Args:
        meshes: of each frame of the clip that is scored, (470, 3), or None where there is no face.
        source: of each frame of the source.
        source_motion: how the source's head turns.

    Returns:
        float64 (N,), in distances between the source's eyes; NaN in frames without both faces and beside frames
        without the source's, and everywhere if fewer than 20 are left.
    """
    result = np.full(len(source), np.nan)
    apart = np.array([_offset(*pair) for pair in zip(meshes, source, strict=True)])
    places = np.array([(np.nan, np.nan) if mesh is None else mesh[FIRM, :2].mean(axis=0) for mesh in source])
    speeds = np.gradient(places, axis=0) if len(places) > 1 else places
    known = np.isfinite(apart).all(axis=1) & np.isfinite(speeds).all(axis=1)
    if known.sum() < FEWEST:
        return result
    unit = float(np.median([_eyes_apart(mesh) for mesh in source if mesh is not None]))
    turns = np.column_stack([np.ones(known.sum()), _turns(source_motion)[known]])
    none, late = np.zeros_like(turns), speeds[known].T.reshape(-1, 1)
    explained = np.block([[turns, none], [none, turns]])
    both = np.hstack([explained, late])
    found = np.linalg.lstsq(both, apart[known].T.ravel(), rcond=None)[0]
    left = apart[known].T.ravel() - explained @ found[:-1]
    result[known] = np.linalg.norm(left.reshape(2, -1), axis=0) / unit
    return result


def turning(motion: Motion, source: Motion) -> float:
    """Measure how far a face turns where the source's turns by one degree, up, down and to the sides.

    Returns:
        The slope of the one over the other; NaN if fewer than 20 frames show both or the source hardly turns.
    """
    ours, own = _turns(motion)[:, :2], _turns(source)[:, :2]
    known = np.isfinite(ours).all(axis=1) & np.isfinite(own).all(axis=1)
    if known.sum() < FEWEST:
        return float("nan")
    ours, own = (one[known] - one[known].mean(axis=0) for one in (ours, own))
    spread = np.sum(own**2)
    return float(np.sum(ours * own) / spread) if np.degrees(np.sqrt(spread / len(own))) >= LEAST_TURN else float("nan")


def slants(meshes: Sequence[np.ndarray | None], source: Sequence[np.ndarray | None]) -> np.ndarray:
    """Measure how much more than the source's a face leans in its head.

    That is the angle between the line of the eyes and that from between them to the mouth. A mouth that stands farther
    forward moves it when the head turns to the side; what follows linearly from that turn does not count.

    Args:
        meshes: of each frame of the clip that is scored, (470, 3), or None where there is no face.
        source: of each frame of the source.

    Returns:
        float64 (N,), degrees, as the face would lean from the front; NaN in frames without both faces.
    """
    leaning, sides = (
        np.array([np.nan if mesh is None else measure(mesh) for mesh in source]) for measure in (_leaning, _side)
    )
    more = np.array([np.nan if mesh is None else _leaning(mesh) for mesh in meshes]) - leaning
    known = np.isfinite(more)
    if known.sum() >= FEWEST and sides[known].std() >= LEAST_TURN:
        more = more - np.polyfit(sides[known], more[known], 1)[0] * sides
    return np.abs(more)


def _turns(motion: Motion) -> np.ndarray:
    """float64 (N, 3), rotation vectors; NaN where there is no face."""
    result = np.full((len(motion.turns), 3), np.nan)
    seen = np.isfinite(motion.turns[:, 0])
    if seen.any():
        result[seen] = Rotation.from_quat(motion.turns[seen]).as_rotvec()
    return result


def _offset(mesh: np.ndarray | None, source: np.ndarray | None) -> np.ndarray:
    if mesh is None or source is None:
        return np.full(2, np.nan)
    return np.asarray((mesh[FIRM, :2] - source[FIRM, :2]).mean(axis=0), np.float64)


def _eyes_apart(mesh: np.ndarray) -> float:
    left, right = (mesh[eye].mean(axis=0) for eye in MESH_EYES)
    return float(np.linalg.norm(right - left))


def _leaning(mesh: np.ndarray) -> float:
    """Angle in degrees from the line of the eyes to that from between them to the mouth's middle."""
    points = np.asarray(mesh, np.float64)[:, :2] @ [1, 1j]
    left, right = (points[eye].mean() for eye in MESH_EYES)
    return float(np.degrees(np.angle((points[list(MESH_MOUTH)].mean() - (left + right) / 2) / (right - left))))


def _side(mesh: np.ndarray) -> float:
    """How far a head is turned to the side, in degrees; 0 from the front."""
    across = mesh[SIDES[1]] - mesh[SIDES[0]]
    return float(np.degrees(np.arctan2(across[2], np.linalg.norm(across[:2]))))
