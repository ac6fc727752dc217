"""Whose faces are swapped, and who is in a video at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.rules import face_sizes, reasons_against
from fsgan_utils.conversion.tracks import FaceTracks
from fsgan_utils.embedding import Embedder, MobileNetEmbedder
from fsgan_utils.extraction.people import find_people
from fsgan_utils.images import contact_sheet, spread


def identify(tracks: FaceTracks, embedder: Embedder | None = None) -> dict[int, int | None]:
    """Tell which tracks show the same person.

    Args:
        tracks: from `follow_faces`.
        embedder: compares faces; None stands for `MobileNetEmbedder()`.

    Returns:
        The person of every track, 0 for the one who is seen most; None where it cannot be told.
    """
    numbers = [int(number) for number in np.unique(tracks.track)]
    if len(numbers) < 2:
        return dict.fromkeys(numbers, 0)
    owners = tracks.sample_track.tolist()
    found = find_people(
        lambda positions: [tracks.sample(position) for position in positions], owners, embedder or MobileNetEmbedder()
    )
    people: dict[int, int | None] = dict.fromkeys(numbers)
    for number in numbers:
        votes = Counter(found[(tracks.sample_track == number) & (found >= 0)].tolist())
        people[number] = votes.most_common(1)[0][0] if votes else None
    return people


def people_sheet(tracks: FaceTracks, people: dict[int, int | None], each: int = 8) -> np.ndarray:
    """Draw who is in a video: a row for each person, with the number that `ConvertConfig.identity` takes.

    Args:
        tracks: from `follow_faces`.
        people: from `identify`.
        each: faces in a row.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        ValueError: there is no face.
    """
    if not len(tracks):
        raise ValueError("there is no face to draw; look with a smaller min_face or a lower threshold")
    rows = {}
    for person in sorted(set(people.values()), key=lambda person: (person is None, person)):
        numbers = [number for number, found in people.items() if found == person]
        name = "unclear" if person is None else f"identity {person}"
        samples = np.flatnonzero(np.isin(tracks.sample_track, numbers))
        title = f"{name}: {np.isin(tracks.track, numbers).sum()} faces, tracks {', '.join(map(str, numbers))}"
        rows[title] = [tracks.sample(samples[place]) for place in spread(len(samples), each)]
    return contact_sheet(rows)


def choose(
    tracks: FaceTracks, config: ConvertConfig, embedder: Embedder | None = None
) -> tuple[np.ndarray, Counter[str]]:
    """Decide which faces are swapped.

    Args:
        tracks: from `follow_faces`.
        config: whom to swap, and how large and sure a face must be.
        embedder: compares faces where a person is asked for; None stands for `MobileNetEmbedder()`.

    Returns:
        bool (N,), whether each face is swapped; and how many are left alone for which reason.

    Raises:
        ValueError: there is no such track or person.
    """
    sizes = face_sizes(tracks.box)
    reasons = reasons_against(sizes, tracks.score, config)
    reasons["somebody else"] = ~_wanted(tracks, config, embedder)
    chosen, counts = np.ones(len(tracks), bool), Counter[str]()
    for reason, applies in reasons.items():
        counts[reason] += int((chosen & applies).sum())
        chosen &= ~applies
    if config.faces == "largest":
        largest = _largest(tracks, chosen, sizes)
        counts["not the largest face"] += int((chosen & ~largest).sum())
        chosen = largest
    return chosen, +counts


def _wanted(tracks: FaceTracks, config: ConvertConfig, embedder: Embedder | None) -> np.ndarray:
    wanted = np.ones(len(tracks), bool)
    if config.track is not None:
        wanted &= _of(tracks, "track", config.track, {int(number): int(number) for number in np.unique(tracks.track)})
    if config.identity is not None:
        wanted &= _of(tracks, "person", config.identity, identify(tracks, embedder))
    return wanted


def _of(tracks: FaceTracks, kind: str, asked: int, numbers: Mapping[int, int | None]) -> np.ndarray:
    """The faces of the tracks that have the number asked for."""
    own = [track for track, number in numbers.items() if number == asked]
    if not own:
        there = sorted({number for number in numbers.values() if number is not None})
        raise ValueError(f"there is no {kind} {asked} in this video; there are {', '.join(map(str, there)) or 'none'}")
    return np.isin(tracks.track, own)


def _largest(tracks: FaceTracks, chosen: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """In each frame, the face of the track that is largest in the mean: so that two alike in size do not alternate."""
    mean = np.zeros(len(tracks))
    for rows in tracks.rows_by_track.values():
        mean[rows] = sizes[rows].mean()
    best: dict[int, int] = {}
    for row in np.flatnonzero(chosen).tolist():
        frame = int(tracks.frame[row])
        if frame not in best or mean[row] > mean[best[frame]]:
            best[frame] = row
    largest = np.zeros(len(tracks), bool)
    largest[list(best.values())] = True
    return largest
