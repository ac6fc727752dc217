"""Between the two passes of a conversion: which faces are swapped, and where exactly each lies in its frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fsgan_utils.conversion.choosing import choose
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.placing import PlacedFace, aim, lacks_mesh
from fsgan_utils.conversion.smoothing import steadied
from fsgan_utils.conversion.stability import acceleration
from fsgan_utils.conversion.steps import Generator
from fsgan_utils.conversion.tracks import FaceTracks

FEATURES_CUTOFF = 6.0
"""Movements of the features within a face that take longer than 1 / 6 second are kept, quicker ones calmed."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What the second pass does.

    Attributes:
        faces: by the frame's index, the faces that are swapped in it.
        left_alone: how many faces are not swapped, by the reason.
        bridged: how many of the faces were missed in their frame, and lie between where they were seen.
        source_jitter: mean acceleration of the landmarks as they were found, in pixels a frame².
        jitter: the same of the swapped faces, which lie where the steadied landmarks say.
    """

    faces: Mapping[int, list[PlacedFace]]
    left_alone: Counter[str]
    bridged: int
    source_jitter: float
    jitter: float


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
    faces: dict[int, list[PlacedFace]] = {}
    found, steady, bridged = [], [], 0
    for rows in tracks.rows_by_track.values():
        rows = rows[chosen[rows]]
        if not len(rows):
            continue
        aimed = [_aim(tracks, row, model, config) for row in rows.tolist()]
        landmarks = np.array([points for points, _ in aimed])
        paths = steadied(
            landmarks,
            tracks.frame[rows],
            config.smoothing,
            rate,
            config.cutoff,
            config.kalman_noise,
            config.moving_average,
            seen := ~tracks.bridged[rows],
        )
        found.append(acceleration(landmarks[seen], tracks.frame[rows[seen]]))
        steady.append(acceleration(paths[seen], tracks.frame[rows[seen]]))
        placed: dict[int, PlacedFace] = {}
        for row, path, (_, features) in zip(rows.tolist(), paths, aimed, strict=True):
            face = _placed(tracks, row, path, features, model, config)
            if isinstance(face, str):
                left_alone[face] += 1
            else:
                placed[row] = face
                bridged += int(tracks.bridged[row])
        for row, face in _calmed(placed, tracks, config, rate).items():
            faces.setdefault(int(tracks.frame[row]), []).append(face)
    return Plan(faces, left_alone, bridged, _mean(found), _mean(steady))


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
    rows = [row for row, face in placed.items() if face.features is not None]
    if config.smoothing != "two_pass" or not rows:
        return placed
    times, seen = tracks.frame[rows], ~tracks.bridged[rows]
    points = np.array([np.stack([placed[row].features, placed[row].mesh]) for row in rows])  # type: ignore[list-item]
    calm = steadied(points.reshape(len(rows), -1, 2), times, "two_pass", rate, FEATURES_CUTOFF, seen=seen)
    paths = zip(rows, calm.reshape(points.shape), strict=True)
    return placed | {row: replace(placed[row], features=drawn, mesh=own) for row, (drawn, own) in paths}


def _mesh(tracks: FaceTracks, row: int) -> np.ndarray | None:
    found = tracks.mesh[row][~np.isnan(tracks.mesh[row, :, 0])]
    return found if len(found) else None


def _mean(parts: list[np.ndarray]) -> float:
    joined = np.concatenate(parts) if parts else np.zeros(0)
    return float(joined.mean()) if len(joined) else 0.0
