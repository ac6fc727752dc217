"""A face that is lost while its shot goes on fades out before, and in again after it has come back.

It fades in frames in which it is seen: where it is not, its place is a guess, and what covers it would be painted over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from fsgan_utils.conversion.blending import smooth_step
from fsgan_utils.conversion.placing import PlacedFace
from fsgan_utils.conversion.tracks import FaceTracks
from fsgan_utils.extraction.tracking import SAME_PLACE
from fsgan_utils.faces import box_overlaps

FADE = 0.2
"""Seconds in which a face fades: long enough to be no jump, and short, for the face below shows meanwhile."""
BEFORE = 3
"""Over so many frames it is measured how fast a face moved before it was lost."""
LEAVES = 0.8
"""Part of a face's box that is in the picture, below which the face is going out of it."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """A face in frames in a row of one shot, in all of which it is swapped.

    Attributes:
        rows: its rows in the tracks.
        positions: of these rows, the places of their frames among all frames.
    """

    rows: list[int]
    positions: list[int]


def stretches(placed: Iterable[int], tracks: FaceTracks) -> list[Stretch]:
    """Tell in which frames in a row each face is swapped, in the order of their beginnings.

    Args:
        placed: the rows of the swapped faces in the tracks.
        tracks: from `follow_faces`.
    """
    found: list[Stretch] = []
    positions = np.searchsorted(tracks.index, tracks.frame)
    last: dict[int, Stretch] = {}
    for row in sorted(placed):
        position, track = int(positions[row]), int(tracks.track[row])
        if track not in last or last[track].positions[-1] != position - 1:
            last[track] = Stretch([], [])
            found.append(last[track])
        last[track].rows.append(row)
        last[track].positions.append(position)
    return found


def faded(placed: Mapping[int, PlacedFace], found: list[Stretch], tracks: FaceTracks) -> dict[int, PlacedFace]:
    """Let every face fade before it is lost and after it appears, where its shot goes on.

    Where a track goes over into another, for two faces came too near to each other, nothing is lost.

    Args:
        placed: faces by their rows in the tracks.
        found: from `stretches`.
        tracks: from `follow_faces`.

    Returns:
        The faces by their rows, those that fade with an opacity below 1.
    """
    result = dict(placed)
    there: dict[int, list[int]] = {}
    for stretch in found:
        for row, position in zip(stretch.rows, stretch.positions, strict=True):
            there.setdefault(position, []).append(row)
    for stretch in found:
        for rows, way in ((stretch.rows[::-1], 1), (stretch.rows, -1)):
            position = stretch.positions[-1 if way == 1 else 0]
            if _goes_on(rows[0], position, position + way, there, tracks):
                continue
            count = _frames(tracks.rate)
            for away, row in enumerate(rows[:count], start=1):
                opacity = float(smooth_step(np.array(away / (count + 1))))
                result[row] = replace(result[row], opacity=min(opacity, result[row].opacity))
    return result


def lost_seconds(found: list[Stretch], tracks: FaceTracks) -> list[tuple[float, float]]:
    """In which seconds of the source a swapped face was lost: until one appears in its shot, or the shot ends.

    One that has left the picture is not lost, nor one that was there for a moment only.

    Args:
        found: from `stretches`.
        tracks: from `follow_faces`.

    Returns:
        Beginnings and ends, in order; none overlaps another.
    """
    lost: list[tuple[float, float]] = []
    times = np.append(tracks.time, tracks.time[-1:] + 1 / tracks.rate)
    beginning = deque(sorted(found, key=lambda one: one.positions[0]))
    for stretch in sorted(found, key=lambda one: one.positions[-1]):
        gone = stretch.positions[-1] + 1
        shot_ends = int(np.searchsorted(tracks.shot, tracks.shot[gone - 1], "right"))
        while beginning and beginning[0].positions[0] < gone:
            beginning.popleft()
        back = _next(beginning, tracks, tracks.box[stretch.rows[-1]], shot_ends)
        if back is not None:
            beginning.remove(back)
        there = shot_ends if back is None else back.positions[0]
        if gone < there and len(stretch.rows) >= _frames(tracks.rate) and not _leaves(stretch, tracks):
            lost.append((float(times[gone]), float(times[there])))
    return _merged(lost)


def _goes_on(row: int, position: int, onwards: int, there: Mapping[int, list[int]], tracks: FaceTracks) -> bool:
    """Whether a face is not lost in the frame at `onwards`: the shot ends there, or a swapped face is in its place."""
    if not 0 <= onwards < tracks.frames or tracks.shot[onwards] != tracks.shot[position]:
        return True
    return bool((box_overlaps(tracks.box[row], tracks.box[there.get(onwards, [])]) >= SAME_PLACE).any())


def _next(beginning: Iterable[Stretch], tracks: FaceTracks, box: np.ndarray, before: int) -> Stretch | None:
    """The next stretch to begin, before a position; of several in one frame, the one nearest to a box."""
    first: list[Stretch] = []
    for one in beginning:
        if one.positions[0] >= before or (first and one.positions[0] > first[0].positions[0]):
            break
        first.append(one)
    return max(first, key=lambda one: float(box_overlaps(tracks.box[one.rows[0]], box)[0, 0]), default=None)


def _frames(rate: float) -> int:
    return max(1, round(FADE * rate))


def _leaves(stretch: Stretch, tracks: FaceTracks) -> bool:
    """Whether a face goes out of the picture: so little of it is in there, or would be if it moved on as before."""
    boxes = tracks.box[stretch.rows[-BEFORE:]].astype(np.float64)
    box = 2 * boxes[-1] - boxes[0]
    inside = np.clip(box, 0, np.tile(tracks.size, 2))
    return bool(np.prod(inside[2:] - inside[:2]) < LEAVES * np.prod(box[2:] - box[:2]))


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for begin, stop in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((begin, stop))
    return merged
