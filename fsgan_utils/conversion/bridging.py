"""Bridge the holes in a track: a face that is missed for a frame or so although it is still there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fsgan_utils.extraction.tracking import SAME_LOOK, SAME_PLACE
from fsgan_utils.faces import box_overlaps
from fsgan_utils.video.cuts import correlation

if TYPE_CHECKING:
    from fsgan_utils.conversion.tracks import FaceTracks

LONGEST_HOLE = 1 / 8
"""Seconds for which a face may be missed and still count as followed."""


def bridge(tracks: FaceTracks) -> FaceTracks:
    """Join tracks where one face was missed for at most `LONGEST_HOLE` seconds, and lay it into those frames.

    A track goes on in another of the same shot that begins where it ended, and looks alike; unless there are two that
    could. In between everything is interpolated in a straight line, and marked as `FaceTracks.bridged`.

    Args:
        tracks: as they were followed.
    """
    at = np.searchsorted(tracks.index, tracks.frame)
    joined = _unambiguous([pair for pair in _pairs(tracks, at) if _goes_on(tracks, *pair)])
    if not joined:
        return tracks
    names = _names(tracks, joined)
    added = [row for end, start in joined for row in _between(tracks, at, end, start)]
    rows: dict[str, Any] = {
        name: np.concatenate([getattr(tracks, name), [row[name] for row in added]]) for name in added[0]
    }
    rows["bridged"] = np.concatenate([tracks.bridged, np.ones(len(added), bool)])
    order = np.argsort(rows["frame"], kind="stable")
    rows = {name: values[order].astype(getattr(tracks, name).dtype) for name, values in rows.items()}
    rows["track"] = _renamed(rows["track"], names)
    filled = {row["frame"] for row in added} - set(tracks.frame.tolist())
    return replace(
        tracks, faceless=tracks.faceless - len(filled), sample_track=_renamed(tracks.sample_track, names), **rows
    )


def _pairs(tracks: FaceTracks, at: np.ndarray) -> Iterator[tuple[int, int]]:
    """The last row of a track and the first of another that begins after a short hole, for all such."""
    longest = max(1, round(LONGEST_HOLE * tracks.rate))
    begun: dict[int, list[int]] = {}
    for rows in tracks.rows_by_track.values():
        begun.setdefault(int(at[rows[0]]), []).append(int(rows[0]))
    for rows in tracks.rows_by_track.values():
        end = int(rows[-1])
        for missed in range(1, longest + 1):
            yield from ((end, start) for start in begun.get(int(at[end]) + missed + 1, []))


def _goes_on(tracks: FaceTracks, end: int, start: int) -> bool:
    """Whether two rows show one face: in one shot, at about one place where nobody is meanwhile, and looking alike."""
    shots = tracks.shot[np.searchsorted(tracks.index, tracks.frame[[end, start]])]
    if shots[0] != shots[1] or box_overlaps(tracks.box[end], tracks.box[start])[0, 0] < SAME_PLACE:
        return False
    between = (tracks.frame > tracks.frame[end]) & (tracks.frame < tracks.frame[start])
    if (box_overlaps(tracks.box[end], tracks.box[between]) >= SAME_PLACE).any():
        return False
    looks = tracks.look[[end, start]].astype(np.float64)
    return bool(looks.any(axis=(1, 2)).all()) and correlation(*looks) >= SAME_LOOK


def _unambiguous(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ends, starts = Counter(end for end, _ in pairs), Counter(start for _, start in pairs)
    return sorted((end, start) for end, start in pairs if ends[end] == starts[start] == 1)


def _names(tracks: FaceTracks, joined: list[tuple[int, int]]) -> dict[int, int]:
    """The new number of every track that goes on another; those that end first come first."""
    names: dict[int, int] = {}
    for end, start in joined:
        before = int(tracks.track[end])
        names[int(tracks.track[start])] = names.get(before, before)
    return names


def _renamed(numbers: np.ndarray, names: dict[int, int]) -> np.ndarray:
    return np.array([names.get(number, number) for number in numbers.tolist()], np.int64)


def _between(tracks: FaceTracks, at: np.ndarray, end: int, start: int) -> Iterator[dict[str, Any]]:
    """The rows of a hole: places and points on a straight line, the smaller score, the look before."""
    for frame in tracks.index[at[end] + 1 : at[start]].tolist():
        share = (frame - tracks.frame[end]) / (tracks.frame[start] - tracks.frame[end])
        places = {
            name: (1 - share) * getattr(tracks, name)[end] + share * getattr(tracks, name)[start]
            for name in ("box", "landmarks", "mesh")
        }
        score = tracks.score[[end, start]].min()
        looks = {"look": tracks.look[end], "change": np.nan}
        yield {"frame": frame, "track": tracks.track[end], "score": score, **looks, **places}
