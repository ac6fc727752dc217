"""What can be said of faces only when all are there: which repeat each other, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fsgan_utils.embedding import Embedder, compared_part
from fsgan_utils.extraction.journal import Journal
from fsgan_utils.extraction.people import find_people, seen_together
from fsgan_utils.extraction.quality import Selection, comparable, find_duplicates
from fsgan_utils.extraction.records import FaceRecord
from fsgan_utils.extraction.result import ALIGNED, REJECTED
from fsgan_utils.extraction.sharpness import FEWEST, SHARP_PART, find_blurred
from fsgan_utils.images import load_image

BESIDE = ("raw_faces", "binary_masks_eyes")


def sort_faces(
    journal: Journal, selection: Selection, embedder: Embedder
) -> tuple[list[FaceRecord], dict[tuple[int, int], float]]:
    """Reject blurred faces and repetitions, tell the people apart, and move what is rejected.

    It works from the files alone and may be killed and called again.

    Args:
        journal: of an extraction that has found all faces.
        selection: says which faces repeat others.
        embedder: tells people apart.

    Returns:
        The records, with identities and further reasons for rejection; and which people may be one, see `People.alike`.
    """
    records = _without_repetitions(journal, _without_blurred(journal.records, selection), selection)
    records, alike = _with_identities(journal, records, embedder)
    for record in records:
        if record.rejected is not None:
            _set_aside(journal.faces, record)
    return records, alike


def softness_notes(records: Sequence[FaceRecord], selection: Selection) -> list[str]:
    """What is to be known of a source that is soft throughout, in words."""
    blurs = [record.blur for record in records if record.rejected is None and record.blur is not None]
    sharpest = float(np.quantile(blurs, SHARP_PART)) if blurs else 0.0
    if selection.max_blur is None or len(blurs) < FEWEST or sharpest <= selection.max_blur:
        return []
    return [
        f"the source is soft throughout: even its sharper faces measure {sharpest:.2f} (max_blur = "
        f"{selection.max_blur:.2f}); they are kept where it shows none sharper, and the result will be no sharper"
    ]


def _without_blurred(records: list[FaceRecord], selection: Selection) -> list[FaceRecord]:
    kept = [position for position in _kept(records) if records[position].edges]
    if not kept:
        return records
    blurs = np.array([records[position].blur for position in kept])
    found = find_blurred(
        blurs,
        np.array([records[position].edges for position in kept]),
        np.array([_size(records[position]) for position in kept]),
        np.array([(records[position].yaw, records[position].pitch) for position in kept], np.float64),
        selection.max_blur,
    )
    result = list(records)
    for position, value in zip(np.array(kept)[found], blurs[found], strict=True):
        reason = f"blurred ({value:.2f}, at most {selection.max_blur:.2f})"
        result[position] = replace(records[position], rejected=reason)
    return result


def _size(record: FaceRecord) -> float:
    return max(1.0, min(record.box[2] - record.box[0], record.box[3] - record.box[1]))


def _without_repetitions(journal: Journal, records: list[FaceRecord], selection: Selection) -> list[FaceRecord]:
    kept = _kept(records)
    if selection.max_similarity is None or not kept:
        return records
    repeated = find_duplicates(_thumbnails(journal, records, kept), selection.max_similarity)
    result = list(records)
    for position, first in zip(kept, repeated, strict=True):
        if first >= 0:
            reason = f"repeats an earlier face ({records[kept[first]].file})"
            result[position] = replace(records[position], rejected=reason)
    return result


def _with_identities(
    journal: Journal, records: list[FaceRecord], embedder: Embedder
) -> tuple[list[FaceRecord], dict[tuple[int, int], float]]:
    kept = _kept(records)
    if not kept:
        return records, {}

    def crops(positions: Sequence[int]) -> list[np.ndarray]:
        return [_crop(journal.faces, records[kept[position]]) for position in positions]

    followed = [record for record in records if record.track is not None]
    together = seen_together(
        [record.frame for record in followed],
        [record.track or 0 for record in followed],
        np.array([record.box for record in followed]),
    )
    tracks = [records[position].track or 0 for position in kept]
    people = find_people(crops, tracks, embedder, _thumbnails(journal, records, kept), together)
    result = list(records)
    for position, person in zip(kept, people.person, strict=True):
        given = {"identity": int(person)} if person >= 0 else {"rejected": "not clearly one of the people found"}
        result[position] = replace(records[position], **given)
    return result, people.alike


def _thumbnails(journal: Journal, records: list[FaceRecord], positions: list[int]) -> np.ndarray:
    return np.stack([comparable(look) for look in journal.looks([records[position].file for position in positions])])


def _kept(records: list[FaceRecord]) -> list[int]:
    return [position for position, record in enumerate(records) if record.rejected is None]


def _crop(folder: Path, record: FaceRecord) -> np.ndarray:
    """What is compared of a face, wherever a killed run may have moved its file."""
    moved = folder / REJECTED / record.file
    return compared_part(load_image(moved if moved.exists() else folder / ALIGNED / record.file), record.crop)


def _set_aside(folder: Path, record: FaceRecord) -> None:
    aligned = folder / ALIGNED / record.file
    if aligned.exists():
        (folder / REJECTED).mkdir(exist_ok=True)
        aligned.rename(folder / REJECTED / record.file)
    for name in BESIDE:
        for file in (folder / name).glob(f"{Path(record.file).stem}.*"):
            file.unlink()
