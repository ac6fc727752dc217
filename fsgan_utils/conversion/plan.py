"""Between the two passes of a conversion: which faces are swapped, and where exactly each lies in its frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fsgan_utils.conversion.choosing import choose
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.fading import faded, lost_seconds, stretches
from fsgan_utils.conversion.generator import Generator
from fsgan_utils.conversion.graduation import graduated, noise_of
from fsgan_utils.conversion.placing import PlacedFace, aim, lacks_mesh
from fsgan_utils.conversion.repeats import Moments
from fsgan_utils.conversion.smoothing import steadied
from fsgan_utils.conversion.stability import acceleration
from fsgan_utils.conversion.tracks import FaceTracks
from fsgan_utils.guides import MESH_BROWS, MESH_FACE_EDGE
from fsgan_utils.landmarks import IRISES, MESH_EYELIDS, MESH_INNER_LIPS, MESH_LIPS, MESH_POINTS

FEATURES_CUTOFF = 6.0
"""Movements of the features within a face that take longer than 1 / 6 second are kept; of quicker ones, what is larger
than the noise."""
FEATURES_WITHIN = 1.0
"""How far the features may lie from where they were seen, see `graduated`."""
_MOVING = [*MESH_EYELIDS, *MESH_BROWS, np.union1d(MESH_LIPS, MESH_INNER_LIPS), MESH_FACE_EDGE[9:28]]
PARTS_WITHOUT_IRISES = [*_MOVING, np.setdiff1d(np.arange(MESH_POINTS), np.concatenate(_MOVING))]
"""The points of a mesh that move together: the lids and the brow of either eye, the lips, the jaw, and the rest."""
PARTS = [*PARTS_WITHOUT_IRISES, *np.array(IRISES)[:, None]]
"""The same of a refined mesh."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What the second pass does.

    Attributes:
        faces: by the frame's index, the faces that are swapped in it.
        left_alone: how many faces are not swapped, by the reason.
        bridged: how many of the faces were missed in their frame, and lie between where they were seen.
        source_jitter: mean acceleration of the landmarks as they were found, in pixels a frame².
        jitter: the same of the swapped faces, which lie where the steadied landmarks say.
        lost: beginnings and ends, in seconds of the source, of the times in which a swapped face was lost.
    """

    faces: Mapping[int, list[PlacedFace]]
    left_alone: Counter[str]
    bridged: int
    source_jitter: float
    jitter: float
    lost: list[tuple[float, float]]


def plan_swaps(tracks: FaceTracks, model: Generator, config: ConvertConfig, rate: float) -> Plan:
    """Choose the faces, steady each along its track and place what the network is to see.

    Args:
        tracks: from `follow_faces`.
        model: the trained model; it knows the crop it was trained on.
        config: the settings.
        rate: frames per second.

    Raises:
        ValueError: the settings name a track or a person that is not there.
    """
    chosen, left_alone = choose(tracks, config)
    placed: dict[int, PlacedFace] = {}
    found, steady = [], []
    for rows in tracks.rows_by_track.values():
        rows = rows[chosen[rows]]
        if not len(rows):
            continue
        aimed = [_aim(tracks, row, model, config) for row in rows.tolist()]
        landmarks = np.array([points for points, _ in aimed])
        paths = _steadied(landmarks, tracks, rows, config, rate)
        seen = ~tracks.bridged[rows]
        found.append(acceleration(landmarks[seen], tracks.frame[rows[seen]]))
        steady.append(acceleration(paths[seen], tracks.frame[rows[seen]]))
        own: dict[int, PlacedFace] = {}
        for row, path, (_, features) in zip(rows.tolist(), paths, aimed, strict=True):
            face = _placed(tracks, row, path, features, model, config)
            if isinstance(face, str):
                left_alone[face] += 1
            else:
                own[row] = face
        placed |= _calmed(own, tracks, config, rate)
    runs = stretches(placed, tracks)
    faces: dict[int, list[PlacedFace]] = {}
    for row, face in faded(placed, runs, tracks).items():
        faces.setdefault(int(tracks.frame[row]), []).append(face)
    bridged = int(tracks.bridged[list(placed)].sum())
    return Plan(faces, left_alone, bridged, _mean(found), _mean(steady), lost_seconds(runs, tracks))


def _steadied(
    landmarks: np.ndarray, tracks: FaceTracks, rows: np.ndarray, config: ConvertConfig, rate: float
) -> np.ndarray:
    """The steadied landmarks (N, 5, 2) of a track's rows; frames that show one moment have the same."""
    if config.smoothing == "none":
        return landmarks
    moments = Moments.of_rows(tracks, rows, rate)
    filters = {"kalman_noise": config.kalman_noise, "moving_average": config.moving_average}
    points, method = moments.mean(landmarks), config.smoothing
    return steadied(points, moments.times, method, rate, config.cutoff, **filters, seen=moments.seen)[moments.of]


def _aim(tracks: FaceTracks, row: int, model: Generator, config: ConvertConfig) -> tuple[np.ndarray, np.ndarray | None]:
    return aim(tracks.landmarks[row], _mesh(tracks, row), model, config)


def _placed(
    tracks: FaceTracks,
    row: int,
    landmarks: np.ndarray,
    features: np.ndarray | None,
    model: Generator,
    config: ConvertConfig,
) -> PlacedFace | str:
    """The face of a row, or why it cannot be swapped."""
    mesh = _mesh(tracks, row)
    if lacks_mesh(mesh, model, config):
        return "FaceMesh sees no face there"
    return PlacedFace.of(landmarks, mesh, features, model, config, int(tracks.track[row])) or "cannot be aligned"


def _calmed(
    placed: dict[int, PlacedFace], tracks: FaceTracks, config: ConvertConfig, rate: float
) -> dict[int, PlacedFace]:
    """The faces of a track by their rows, without FaceMesh's trembling in what they are drawn and laid by."""
    rows = np.array([row for row, face in placed.items() if face.mesh is not None])
    if config.smoothing == "none" or not len(rows):
        return placed
    moments = Moments.of_rows(tracks, rows, rate)
    kinds = [kind for kind in ("mesh", "features") if getattr(placed[rows[0]], kind) is not None]
    drawn = [np.stack([getattr(placed[row], kind) for kind in kinds]) for row in rows.tolist()]
    points = moments.mean(np.array(drawn))
    if config.smoothing == "two_pass":
        for part in PARTS if points.shape[2] > MESH_POINTS else PARTS_WITHOUT_IRISES:
            own = points[:, :, part].reshape(len(points), -1, 2)
            noise, seen = noise_of(own[moments.seen]), moments.seen
            calm = graduated(own, moments.times, FEATURES_CUTOFF / rate, noise, seen, FEATURES_WITHIN)
            points[:, :, part] = calm.reshape(len(points), len(kinds), -1, 2)
    paths = zip(rows.tolist(), points[moments.of], strict=True)
    return placed | {row: replace(placed[row], **dict(zip(kinds, path, strict=True))) for row, path in paths}


def _mesh(tracks: FaceTracks, row: int) -> np.ndarray | None:
    found = tracks.mesh[row][~np.isnan(tracks.mesh[row, :, 0])]
    return found if len(found) else None


def _mean(parts: list[np.ndarray]) -> float:
    joined = np.concatenate(parts) if parts else np.zeros(0)
    return float(joined.mean()) if len(joined) else 0.0
