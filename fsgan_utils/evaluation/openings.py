"""How far mouth and eyes are open, and whether a swap's are where the source's are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsgan_utils.landmarks import MESH_EYELIDS, MESH_EYES, MESH_INNER_LIPS

TOP, CHIN = 10, 152
"""The FaceMesh points in the middle of the hairline, and on the chin: between them a face's down."""
CLOSED_PART, WIDEST_CLOSED = 10, 0.05
"""A person's mouth is taken as closed in the tenth of the pictures, in percent, in which it is least open; FaceMesh
reads the gap between closed lips as 0 to 0.05 distances between the eyes, so that a mouth farther open never is."""
CLOSED, OPEN = 0.02, 0.06
"""How far the source's lips are apart at most where they count as closed, and at least where they count as open, in
distances between the eyes beyond the person's closed lips."""
SHUT, AWAKE = 0.65, 0.85
"""How far the source's lids are apart at most where its eyes count as closed, and at least where they count as open,
over the person's usual opening. FaceMesh reads closed eyes as half open."""


@dataclass(frozen=True)
class Habit:
    """How FaceMesh reads one person's mouth and eyes.

    Attributes:
        lips: gap between the closed lips, in distances between the eyes.
        lids: opening of the eyes when they are open as usual, in the same unit.
    """

    lips: float
    lids: float

    @classmethod
    def of(cls, meshes: Sequence[np.ndarray]) -> Habit:
        """Learn it from meshes (470, 3) of the person, one of them at least."""
        lips, lids = np.array([openings(mesh) for mesh in meshes]).T
        return cls(min(WIDEST_CLOSED, float(np.percentile(lips, CLOSED_PART))), float(np.median(lids)))


def openings(mesh: np.ndarray) -> tuple[float, float]:
    """Measure the gap between the lips and that between the lids, in the direction from hairline to chin.

    Args:
        mesh: (470, 3), from `FaceMesh.refine`.

    Returns:
        Both in distances between the eyes' middles in three dimensions, which a turn of the head does not shorten.
    """
    points = np.asarray(mesh, np.float64)
    down = (points[CHIN] - points[TOP]) / np.linalg.norm(points[CHIN] - points[TOP])
    apart = float(np.linalg.norm(points[MESH_EYES[0]].mean(axis=0) - points[MESH_EYES[1]].mean(axis=0)))
    gap = (points[MESH_INNER_LIPS[17:14:-1]] - points[MESH_INNER_LIPS[4:7]]) @ down
    heights = [((points[lids[13:10:-1]] - points[lids[3:6]]) @ down).mean() for lids in MESH_EYELIDS]
    widths = [np.linalg.norm(points[lids[0], :2] - points[lids[8], :2]) for lids in MESH_EYELIDS]
    return float(gap.mean()) / apart, float(np.average(heights, weights=widths)) / apart


def opening_scores(
    meshes: Sequence[np.ndarray | None], habit: Habit, source: Sequence[np.ndarray | None], source_habit: Habit
) -> dict[str, np.ndarray]:
    """Compare how far mouth and eyes are open with the source's, each person's counted from their own habit.

    Args:
        meshes: of each frame of the clip that is scored, (470, 3), or None where there is no face.
        habit: of the person who is seen in them.
        source: of each frame of the source.
        source_habit: of the person who is replaced.

    Returns:
        float64 (N,) each, NaN in the frames it does not concern. Where the source's lips are closed, "mouth_closed":
        how much farther apart they are, in distances between the eyes; where they are open, "mouth_open": the gap over
        the source's mean gap, so that its mean over the frames is the share of the source's opening. Where the
        source's eyes are closed, "eyes_closed": how much farther open they are, in parts of the person's usual
        opening; where they are open, "eyes_open": that opening over the source's.
    """
    lips, lids = _measured(meshes, habit)
    own_lips, own_lids = _measured(source, source_habit)
    known = np.isfinite(lips) & np.isfinite(own_lips)
    closed, opened = known & (own_lips <= CLOSED), known & (own_lips >= OPEN)
    shut, awake = known & (own_lids <= SHUT), known & (own_lids >= AWAKE)
    wide = own_lips[opened].mean() if opened.any() else 1.0
    return {
        "mouth_closed": np.where(closed, np.maximum(lips - np.maximum(own_lips, 0), 0), np.nan),
        "mouth_open": np.where(opened, lips / wide, np.nan),
        "eyes_closed": np.where(shut, np.maximum(lids - own_lids, 0), np.nan),
        "eyes_open": np.where(awake, lids / np.where(awake, own_lids, 1), np.nan),
    }


def _measured(meshes: Sequence[np.ndarray | None], habit: Habit) -> tuple[np.ndarray, np.ndarray]:
    """Of each frame, how far the lips are apart beyond the closed ones, and the lids over the usual opening."""
    found = np.array([(np.nan, np.nan) if mesh is None else openings(mesh) for mesh in meshes])
    return found[:, 0] - habit.lips, found[:, 1] / habit.lids
