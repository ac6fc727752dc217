"""The work of a conversion under way, part by part on disk, from which it goes on when it was killed."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.steps import Generator, draw
from fsgan_utils.extraction import FaceDetector, Source
from fsgan_utils.images import write_bytes

FINGERPRINT = "made_from.txt"
FORM = 2
"""Number of the form in which parts are noted; work of another form is begun anew."""


@dataclass(frozen=True)
class Work:
    """A hidden folder beside the result: faces found, and finished parts, each with a note of what it holds.

    A part counts from the moment its note is there.

    Attributes:
        folder: the folder.
        FRAMES_A_PART: frames of the source in one part of what is found or made, less in the last.
    """

    FRAMES_A_PART: ClassVar[int] = 240

    folder: Path

    @classmethod
    def open(cls, result: Path, fingerprint: str) -> Work:
        """Go on with the work on a result, if it was begun from the same source with the same settings and model.

        Args:
            result: the file or folder that is to be made.
            fingerprint: from `fingerprint`.
        """
        work = cls(result.with_name(f".{result.name}.partial"))
        note = work.folder / FINGERPRINT
        if not note.exists() or note.read_text(encoding="utf-8") != fingerprint:
            work.clear()
            write_bytes(note, fingerprint.encode())
        return work

    def part(self, number: int, suffix: str = "") -> Path:
        """Where the pictures of a part are."""
        return self.folder / f"part_{number:05}{suffix}"

    def close_part(self, number: int, note: dict[str, Any]) -> None:
        """Make a part count."""
        write_bytes(self._note(number), json.dumps(note).encode())

    def notes(self) -> list[dict[str, Any]]:
        """The notes of the finished parts, from the first on without a gap."""
        notes: list[dict[str, Any]] = []
        while self._note(len(notes)).exists():
            notes.append(json.loads(self._note(len(notes)).read_text(encoding="utf-8")))
        return notes

    def invalidate(self) -> None:
        """Let nobody go on with this work: what it holds is being moved away."""
        (self.folder / FINGERPRINT).unlink()

    def clear(self) -> None:
        """Remove everything."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _note(self, number: int) -> Path:
        return self.folder / f"part_{number:05}.json"


def fingerprint(source: Source, config: ConvertConfig, model: Generator, detector: FaceDetector) -> str:
    """What tells whether a result would be the same: source, settings and model.

    Args:
        source: known by the names, sizes and times of change of its files.
        config: the settings.
        model: the trained model; it is known by what it draws of one picture.
        detector: finds the faces.

    Raises:
        ValueError: the model draws something else than it should.
    """
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    drawn = np.round(draw([noise], model, config), 3)
    return repr((FORM, source.fingerprint(), config, hashlib.sha256(drawn.tobytes()).hexdigest(), repr(detector)))
