"""Notes of an extraction under way, from which it goes on when it was killed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fsgan_utils.extraction.records import FaceRecord, parse_records
from fsgan_utils.extraction.result import PREVIEWS
from fsgan_utils.images import write_bytes

RECORDS, PROGRESS, FACES, LOOKS = "found.jsonl", "progress.json", "faces", "looks"


@dataclass
class Journal:
    """A folder with the faces saved so far, and two files that say how far that is.

    `looks` holds what repetitions are found by. `found.jsonl` grows by the records of each part; then `progress.json`
    is replaced, and with that the part counts. What a killed run wrote after it is cleared away by `open`.

    Attributes:
        folder: the folder.
        records: the faces found so far.
        next_picture: index of the first frame or photograph that is not done.
        pictures: how many were looked at.
        unreadable: photographs that could not be read, and why.
        tracker: state of the `FaceTracker`; None before the first part.
    """

    folder: Path
    records: list[FaceRecord] = field(default_factory=list)
    next_picture: int = 0
    pictures: int = 0
    unreadable: list[str] = field(default_factory=list)
    tracker: dict[str, Any] | None = None
    _length: int = 0

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """Begin a journal, or go on with the one that is there."""
        journal = cls(folder)
        if (folder / PROGRESS).exists() and (folder / LOOKS).exists():
            journal._read()
        for needed in (journal.faces, folder / LOOKS):
            needed.mkdir(parents=True, exist_ok=True)
        journal._clear_what_does_not_count()
        return journal

    @property
    def faces(self) -> Path:
        """The folder that becomes the result."""
        return self.folder / FACES

    def keep_look(self, file: str, look: np.ndarray) -> None:
        """Keep how a face looks, uint8 (S, S), beside its images; it counts when they do."""
        (self.folder / LOOKS / file).write_bytes(look.tobytes())

    def looks(self, files: Sequence[str]) -> list[np.ndarray]:
        """How some faces look, uint8 (S·S,) each, as it was kept."""
        return [np.fromfile(self.folder / LOOKS / file, np.uint8) for file in files]

    def add(
        self,
        records: list[FaceRecord],
        next_picture: int,
        pictures: int,
        unreadable: list[str],
        tracker: dict[str, Any],
    ) -> None:
        """Note a part whose images are on disk; from here on it counts."""
        text = "".join(record.as_line() for record in records).encode()
        with (self.folder / RECORDS).open("ab") as file:
            file.write(text)
        self.records += records
        self.unreadable += unreadable
        self.pictures += pictures
        self.next_picture, self.tracker, self._length = next_picture, tracker, self._length + len(text)
        progress = {
            "length": self._length,
            "next_picture": self.next_picture,
            "pictures": self.pictures,
            "unreadable": self.unreadable,
            "tracker": self.tracker,
        }
        write_bytes(self.folder / PROGRESS, json.dumps(progress).encode())

    def _read(self) -> None:
        progress = json.loads((self.folder / PROGRESS).read_text(encoding="utf-8"))
        self._length, self.next_picture, self.pictures = (progress[k] for k in ("length", "next_picture", "pictures"))
        self.unreadable, self.tracker = progress["unreadable"], progress["tracker"]
        if self._length:
            with (self.folder / RECORDS).open("rb") as file:
                self.records = parse_records(file.read(self._length).decode(), self.folder / RECORDS)

    def _clear_what_does_not_count(self) -> None:
        with (self.folder / RECORDS).open("ab") as file:
            file.truncate(self._length)
        counted = {Path(record.file).stem for record in self.records}
        for path in [found for found in self.faces.rglob("*") if found.is_file()]:
            if path.parent.name != PREVIEWS and (path.parent == self.faces or path.stem not in counted):
                path.unlink()
