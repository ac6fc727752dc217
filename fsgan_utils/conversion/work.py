"""The work of a conversion under way, part by part on disk, from which it goes on when it was killed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.extraction import FaceDetector, Source
from fsgan_utils.hashing import file_hash
from fsgan_utils.images import write_bytes
from fsgan_utils.landmarks import Looks

MADE_FROM = "made_from.json"
FORM = "10"
"""Number of the form in which work is noted; that of another form is not gone on with."""
STRETCH = ("start", "stop")
FOUND_BY = (*STRETCH, "landmarks", "redetect_every")
"""Settings that decide, with the source and the detector, which faces are found."""

Ingredients = Mapping[str, str]
"""Everything that something depends on, by its name."""


@dataclass(frozen=True)
class Work:
    """A hidden folder beside the result, in it one folder with faces found and one with frames finished.

    Both are named by what they are made from: work done with other settings lies beside them untouched until the
    result is complete. A part of the frames counts from the moment its note is there.

    Attributes:
        folder: the folder.
        faces: in it, where the faces found are noted.
        frames: in it, where the parts are.
        FRAMES_A_PART: frames of the source in one part of what is found or made, less in the last.
    """

    FRAMES_A_PART: ClassVar[int] = 240

    folder: Path
    faces: Path
    frames: Path

    @classmethod
    def open(cls, result: Path, faces: Ingredients, frames: Ingredients) -> Work:
        """Begin, or go on with, the work on a result; parts that are not as they were written are made again.

        Args:
            result: the file or folder that is to be made.
            faces: from `faces_made_from`.
            frames: from `frames_made_from`.
        """
        folder = result.with_name(f".{result.name}.partial")
        work = cls(folder, folder / f"faces_{digest(faces)}", folder / f"frames_{digest(frames)}")
        for place, ingredients in ((work.faces, faces), (work.frames, frames)):
            write_bytes(place / MADE_FROM, json.dumps(dict(ingredients), indent=1).encode())
        notes = work.notes()
        whole = len(list(takewhile(work._is_whole, notes)))
        for number in range(whole, len(notes)):
            work._note(number).unlink()
        return work

    def part(self, number: int, suffix: str) -> Path:
        """The file of a part."""
        return self.frames / f"part_{number:05}{suffix}"

    def close_part(self, number: int, files: Iterable[Path], note: dict[str, Any]) -> None:
        """Make a part count.

        Args:
            number: of the part.
            files: what it consists of, in `frames`.
            note: what is to be remembered of it.
        """
        content = {str(file.relative_to(self.frames)): file_hash(file) for file in files}
        write_bytes(self._note(number), json.dumps({**note, "content": content}).encode())

    def notes(self) -> list[dict[str, Any]]:
        """The notes of the finished parts, from the first on without a gap."""
        notes: list[dict[str, Any]] = []
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            while True:
                notes.append(json.loads(self._note(len(notes)).read_text(encoding="utf-8")))
        return notes

    def differences(self) -> list[str]:
        """For each other folder with finished parts, in words what it was made from that is different now."""
        now = _ingredients(self.frames)
        others = [path.parent for path in sorted(self.folder.glob("frames_*/part_00000.json"))]
        return [_difference(_ingredients(other), now) for other in others if other != self.frames]

    def abandon(self) -> None:
        """Remove what was found and made from these ingredients, and the folder where it holds nothing else."""
        for place in (self.faces, self.frames):
            shutil.rmtree(place)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder)

    def _is_whole(self, note: dict[str, Any]) -> bool:
        files = {self.frames / name: content for name, content in note["content"].items()}
        return all(file.is_file() and file_hash(file) == content for file, content in files.items())

    def _note(self, number: int) -> Path:
        return self.part(number, ".json")


def faces_made_from(source: Source, config: ConvertConfig, detector: FaceDetector, looks: Looks) -> Ingredients:
    """What the faces found depend on.

    Args:
        source: known by the names, sizes and times of change of its files.
        config: the settings.
        detector: finds the faces.
        looks: refine their meshes.
    """
    found_by = {"detector": repr(detector), "look at faces": repr(looks)}
    return {**stretch_of(source, config), **found_by, **_settings(config, FOUND_BY), "form": FORM}


def frames_made_from(faces: Ingredients, config: ConvertConfig, model: str, tracks: str = "") -> Ingredients:
    """What the frames of a result depend on.

    Args:
        faces: from `faces_made_from`.
        config: the settings.
        model: what tells the trained model from others.
        tracks: what tells faces found elsewhere from others; empty for none.
    """
    return {**faces, **_settings(config, vars(config)), "model": model, "tracks": tracks}


def stretch_of(source: Source, config: ConvertConfig) -> Ingredients:
    """What says which frames are looked at."""
    return {"source": repr(source.fingerprint()), **_settings(config, STRETCH)}


def digest(ingredients: Ingredients) -> str:
    """A short name of ingredients: equal ones have equal names."""
    return hashlib.sha256(json.dumps(dict(ingredients), sort_keys=True).encode()).hexdigest()[:12]


def _settings(config: ConvertConfig, names: Iterable[str]) -> Ingredients:
    return {name: repr(getattr(config, name)) for name in names}


def _ingredients(place: Path) -> Ingredients:
    return json.loads((place / MADE_FROM).read_text(encoding="utf-8"))


def _difference(before: Ingredients, now: Ingredients) -> str:
    """What has changed; of sources, models and detectors only that they have."""
    changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    settings = vars(ConvertConfig())
    return ", ".join(f"{name} = {before.get(name)}" if name in settings else f"another {name}" for name in changed)
