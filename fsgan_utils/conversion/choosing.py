"""Whose faces are swapped, and who is in a video at all."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.rules import face_sizes, reasons_against
from fsgan_utils.conversion.tracks import FaceTracks
from fsgan_utils.embedding import Embedder, compared_part, usual_embedder
from fsgan_utils.extraction.people import find_people, seen_together
from fsgan_utils.extraction.result import perhaps
from fsgan_utils.images import contact_sheet, spread


class Identified(dict[int, int | None]):
    """The person of every track, 0 for the one who is seen most; None where it cannot be told.

    Attributes:
        alike: where two people may be one, see `People.alike`: their numbers, and how alike they are.
    """

    def __init__(self, people: Mapping[int, int | None], alike: Iterable[tuple[int, int, float]] = ()) -> None:
        """See the class."""
        super().__init__(people)
        self.alike = tuple(alike)


def identify(tracks: FaceTracks, embedder: Embedder | None = None) -> Identified:
    """Tell which tracks show the same person. Two that are seen in one frame never do.

    Args:
        tracks: from `follow_faces`.
        embedder: compares faces; None stands for `usual_embedder()`.
    """
    numbers = [int(number) for number in np.unique(tracks.track)]
    if len(numbers) < 2:
        return Identified(dict.fromkeys(numbers, 0))
    seen = ~tracks.bridged
    found = find_people(
        lambda positions: [compared_part(tracks.sample(position), "full") for position in positions],
        tracks.sample_track.tolist(),
        embedder or usual_embedder(),
        together=seen_together(tracks.frame[seen].tolist(), tracks.track[seen].tolist(), tracks.box[seen]),
    )
    people: dict[int, int | None] = dict.fromkeys(numbers)
    for number in numbers:
        votes = Counter(found.person[(tracks.sample_track == number) & (found.person >= 0)].tolist())
        people[number] = votes.most_common(1)[0][0] if votes else None
    return Identified(people, [(*pair, likeness) for pair, likeness in found.alike.items()])


def people_sheet(tracks: FaceTracks, people: Mapping[int, int | None], each: int = 8) -> np.ndarray:
    """Draw who is in a video: a row for each person, with the number that `ConvertConfig.identity` takes.

    Args:
        tracks: from `follow_faces`.
        people: from `identify`; where two of them may be one person, their rows say so.
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
        doubt = "" if person is None else perhaps(person, getattr(people, "alike", ()))
        title = f"{name}: {np.isin(tracks.track, numbers).sum()} faces{doubt}, tracks {', '.join(map(str, numbers))}"
        rows[title] = [tracks.sample(samples[place]) for place in spread(len(samples), each)]
    return contact_sheet(rows)


def choose(
    tracks: FaceTracks, config: ConvertConfig, embedder: Embedder | None = None
) -> tuple[np.ndarray, Counter[str]]:
    """Decide which faces are swapped.

    Args:
        tracks: from `follow_faces`.
        config: whom to swap, and how large and sure a face must be.
        embedder: compares faces where a person is asked for; None stands for `usual_embedder()`.

    Returns:
        bool (N,), whether each face is swapped; and how many are left alone for which reason. A person who may be the
        one asked for, but is not clearly, is left alone; a warning says where the one asked for may be two.

    Raises:
        ValueError: there is no such track or person.
    """
    sizes = face_sizes(tracks.box)
    reasons = reasons_against(sizes, tracks.score, config)
    reasons |= _others(tracks, config, embedder)
    chosen, counts = np.ones(len(tracks), bool), Counter[str]()
    for reason, applies in reasons.items():
        counts[reason] += int((chosen & applies).sum())
        chosen &= ~applies
    if config.faces == "largest":
        largest = _largest(tracks, chosen, sizes)
        counts["not the largest face"] += int((chosen & ~largest).sum())
        chosen = largest
    return chosen, +counts


def _others(tracks: FaceTracks, config: ConvertConfig, embedder: Embedder | None) -> dict[str, np.ndarray]:
    """By the reason, bool (N,), the faces that are not of the track or the person asked for."""
    others: dict[str, np.ndarray] = {}
    if config.identity is not None:
        asked = config.identity if isinstance(config.identity, tuple) else (config.identity,)
        people = identify(tracks, embedder)
        for one, other, likeness in people.alike:
            if one == other and one in asked:
                doubt = f"person {one} may be two people (likeness {likeness:.2f}); see the sheet of people"
                warnings.warn(f"{doubt}, and take one by its track", stacklevel=2)
        doubtful = [one + other - own for one, other, _ in people.alike for own in asked if own in (one, other)]
        for person in sorted({*doubtful} - {*asked}):
            reason = f"perhaps the person asked for; if they are, take identity={(*asked, person)}"
            others[reason] = _of(tracks, "person", (person,), people)
        unclear = [track for track, person in people.items() if person is None]
        others[f"not clearly one of the people (tracks {', '.join(map(str, unclear))})"] = np.isin(
            tracks.track, unclear
        )
        others["somebody else"] = ~_of(tracks, "person", asked, people)
    if config.track is not None:
        numbers = {int(number): int(number) for number in np.unique(tracks.track)}
        not_it = ~_of(tracks, "track", (config.track,), numbers)
        others["somebody else"] = others.get("somebody else", False) | not_it
    return others


def _of(tracks: FaceTracks, kind: str, asked: Collection[int], numbers: Mapping[int, int | None]) -> np.ndarray:
    """The faces of the tracks that have the numbers asked for."""
    there = sorted({number for number in numbers.values() if number is not None})
    for number in asked:
        if number not in there:
            raise ValueError(f"there is no {kind} {number} in this video; {_listed(kind, there)}")
    return np.isin(tracks.track, [track for track, number in numbers.items() if number in asked])


def _listed(kind: str, numbers: list[int]) -> str:
    if not numbers:
        return "no face was found in it. Look with a smaller min_face or a lower threshold"
    return f"there is only {kind} {numbers[0]}" if len(numbers) == 1 else f"there are {', '.join(map(str, numbers))}"


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
