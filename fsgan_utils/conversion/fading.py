"""A face that is lost while its shot goes on fades out, and in again where it comes back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from fsgan_utils.conversion.blending import smooth_step
from fsgan_utils.conversion.placing import PlacedFace
from fsgan_utils.conversion.tracks import FaceTracks
from fsgan_utils.extraction.tracking import MOVES_ON, SAME_PLACE
from fsgan_utils.faces import Alignment, box_overlaps

FADE = 0.2
"""Seconds in which a face fades: long enough to be no jump, and short, for its place is a guess."""
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
        faces: the placed faces.
    """

    rows: list[int]
    positions: list[int]
    faces: list[PlacedFace]


@dataclass(frozen=True, eq=False)
class Fading:
    """A face where it has not been seen.

    Attributes:
        position: place of its frame among all frames.
        box: float64 (4,), about where it is, in pixels.
        face: the face, its opacity below 1.
    """

    position: int
    box: np.ndarray
    face: PlacedFace


def stretches(placed: Mapping[int, PlacedFace], tracks: FaceTracks) -> list[Stretch]:
    """Tell in which frames in a row each face is swapped, in the order of their beginnings.

    Args:
        placed: faces by their rows in the tracks.
        tracks: from `follow_faces`.
    """
    found: list[Stretch] = []
    positions = np.searchsorted(tracks.index, tracks.frame)
    last: dict[int, Stretch] = {}
    for row in sorted(placed):
        position, track = int(positions[row]), int(tracks.track[row])
        if track not in last or last[track].positions[-1] != position - 1:
            last[track] = Stretch([], [], [])
            found.append(last[track])
        last[track].rows.append(row)
        last[track].positions.append(position)
        last[track].faces.append(placed[row])
    return found


def fadings(found: list[Stretch], tracks: FaceTracks, rate: float) -> list[Fading]:
    """Let every face fade where it is lost or appears and its shot goes on, in frames in which it has not been seen.

    It moves on a little as it moved before. Where another face stands there, there is nothing to fade; where one fades
    out and the other in, each has the frames that are nearer to it.

    Args:
        found: from `stretches`.
        tracks: from `follow_faces`.
        rate: frames per second.
    """
    result: dict[int, list[Fading]] = {}
    swapped = {(position, stretch.faces[0].track) for stretch in found for position in stretch.positions}
    for stretch in found:
        for way in (1, -1):
            for fading in _beyond(stretch, tracks, rate, way):
                if (fading.position, fading.face.track) in swapped:
                    break
                there = result.setdefault(fading.position, [])
                rivals = [other for other in there if _overlap(other.box, fading.box) >= SAME_PLACE]
                if all(other.face.opacity < fading.face.opacity for other in rivals):
                    result[fading.position] = [*(other for other in there if other not in rivals), fading]
    return [fading for _, there in sorted(result.items()) for fading in there]


def lost_seconds(found: list[Stretch], tracks: FaceTracks, rate: float) -> list[tuple[float, float]]:
    """In which seconds of the source a swapped face was lost: until one appears in its shot, or the shot ends.

    One that has left the picture is not lost, nor one that was there for a moment only.

    Args:
        found: from `stretches`.
        tracks: from `follow_faces`.
        rate: frames per second.

    Returns:
        Beginnings and ends, in order; none overlaps another.
    """
    lost: list[tuple[float, float]] = []
    times = np.append(tracks.time, tracks.time[-1:] + 1 / rate)
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
        if gone < there and len(stretch.rows) >= _frames(rate) and not _leaves(stretch, tracks):
            lost.append((float(times[gone]), float(times[there])))
    return _merged(lost)


def _next(beginning: Iterable[Stretch], tracks: FaceTracks, box: np.ndarray, before: int) -> Stretch | None:
    """The next stretch to begin, before a position; of several in one frame, the one nearest to a box."""
    first: list[Stretch] = []
    for one in beginning:
        if one.positions[0] >= before or (first and one.positions[0] > first[0].positions[0]):
            break
        first.append(one)
    return max(first, key=lambda one: _overlap(tracks.box[one.rows[0]], box), default=None)


def _beyond(stretch: Stretch, tracks: FaceTracks, rate: float, way: int) -> Iterator[Fading]:
    """The face after the end of a stretch, or with `way` −1 before its beginning."""
    side = -1 if way == 1 else 0
    start, face, row = stretch.positions[side], stretch.faces[side], stretch.rows[side]
    step, moved = _motion(stretch, way), np.zeros(2)
    count = min(_frames(rate), len(stretch.rows))
    for away in range(1, count + 1):
        position = start + way * away
        if not 0 <= position < tracks.frames or tracks.shot[position] != tracks.shot[start]:
            return
        step = MOVES_ON * step
        moved = moved + step
        box = tracks.box[row] + np.tile(moved, 2)
        there = slice(*np.searchsorted(tracks.frame, tracks.index[position] + [0, 1]))
        others = tracks.box[there][tracks.track[there] != tracks.track[row]]
        if (box_overlaps(box, others) >= SAME_PLACE).any():
            return
        opacity = float(smooth_step(np.array(1 - away / (count + 1))))
        yield Fading(position, box, replace(face, alignment=_shifted(face.alignment, moved), opacity=opacity))


def _frames(rate: float) -> int:
    return max(1, round(FADE * rate))


def _motion(stretch: Stretch, way: int) -> np.ndarray:
    """How far the face moved from frame to frame at the end of a stretch, outwards: float64 (2,), in pixels."""
    faces = stretch.faces[-BEFORE:] if way == 1 else stretch.faces[:BEFORE][::-1]
    if len(faces) < 2:
        return np.zeros(2)
    first, last = (face.alignment.undo(np.full((1, 2), face.alignment.size / 2))[0] for face in (faces[0], faces[-1]))
    return (last - first) / (len(faces) - 1)


def _shifted(alignment: Alignment, moved: np.ndarray) -> Alignment:
    """The alignment of a face that has moved on by so many pixels of the picture."""
    back = alignment.matrix[:, :2] @ moved
    return Alignment(alignment.matrix - np.column_stack([np.zeros((2, 2)), back]), alignment.size)


def _leaves(stretch: Stretch, tracks: FaceTracks) -> bool:
    """Whether a face goes out of the picture: so little of it is in there, or would be if it moved on."""
    box = tracks.box[stretch.rows[-1]] + np.tile(BEFORE * _motion(stretch, 1), 2)
    inside = np.clip(box, 0, np.tile(tracks.size, 2))
    return bool((inside[2:] - inside[:2]).prod() < LEAVES * (box[2:] - box[:2]).prod())


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float(box_overlaps(first, second)[0, 0])


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for begin, stop in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((begin, stop))
    return merged
