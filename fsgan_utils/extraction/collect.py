"""Put extracted faces where the training looks for them: faceA and faceB."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fsgan_utils.extraction.folders import writing_to
from fsgan_utils.extraction.origin import Names
from fsgan_utils.extraction.records import faces_by_person, read_records
from fsgan_utils.extraction.result import ALIGNED, Summary
from fsgan_utils.settings import one_of
from fsgan_utils.workspace import Workspace


@dataclass(frozen=True)
class Collected:
    """What `copy_to` did.

    Attributes:
        folder: faceA or faceB.
        identity: whose faces were copied: a number, or several of one person.
        chosen: whether the identity was asked for; otherwise it is the one with most faces.
        people: number of faces by identity, in the extraction.
        copied: the images written, in the order of the video.
        removed: images of an earlier extraction of the same source, which these replace.
        missing: faces that were taken out of the extraction's folder since, and are not copied.
        renamed: whether the source's own name stood for another source already.
        alike: where two people may be one, as `Summary.alike`.
    """

    folder: Path
    identity: int | tuple[int, ...]
    chosen: bool
    people: dict[int, int]
    copied: list[Path]
    removed: list[Path]
    missing: list[str]
    renamed: bool
    alike: Sequence[tuple[int, int, float]] = ()

    def __str__(self) -> str:
        """A line or two for the screen."""
        taken = self.identity if isinstance(self.identity, tuple) else (self.identity,)
        whose = " and ".join(map(str, taken))
        lines = [f"copied {len(self.copied)} faces of person {whose} to {self.folder}"]
        others = {identity: count for identity, count in self.people.items() if identity not in taken}
        if others:
            left = ", ".join(f"person {identity}: {count}" for identity, count in others.items())
            lines.append(f"left out other people ({left})")
            if not self.chosen:
                lines.append("this is the person with most faces; set identity to choose another")
            lines += [f"{left}; see the contact sheet" for left in self._doubts(taken)]
        if self.removed:
            lines.append(f"removed {len(self.removed)} images of an earlier extraction of the same source")
        if self.missing:
            lines.append(f"taken out of the folder by hand, and not copied: {len(self.missing)}")
        if self.renamed:
            lines.append(f"another source has the same name; these images are called {self.copied[0].name} and so on")
        return "\n".join(lines)

    def _doubts(self, taken: tuple[int, ...]) -> list[str]:
        """Who was left out though it may be the person whose faces were copied, in words."""
        pairs = [(one, other) for one, other, _ in self.alike if (one in taken) != (other in taken)]
        return [f"person {max(pair, key=lambda person: person not in taken)} may be the same person" for pair in pairs]


def copy_to(side: str, workspace: Workspace, identity: int | Sequence[int] | None = None) -> Collected:
    """Copy one person's aligned faces to faceA or faceB.

    They are called `{source}_frame{n}face{k}`, so that several videos and folders feed one side; a second source of
    the same name gets a number. Faces that were taken out of `faces/aligned_faces` by hand stay out. If copying fails,
    the folder stays as it is.

    Args:
        side: "A" or "B".
        workspace: where `faces/` is, as `extract_faces` left it.
        identity: number of the person, or several where one person was given more than one; None takes the person
            with most faces.

    Raises:
        FileNotFoundError: no faces have been extracted yet.
        ValueError: the side is neither, there is no such person or nothing of them, or the extraction is damaged.
        OSError: the folder cannot be written.
    """
    folder = workspace.face_folder(side)
    records = [record for record in read_records(workspace.faces) if record.rejected is None]
    people = faces_by_person(records)
    summary = Summary.read(workspace.faces)
    if not people or summary is None:
        raise ValueError(f"{workspace.faces} holds no complete extraction; run notebook 1 again")
    chosen = max(people, key=lambda number: people[number]) if identity is None else identity
    person = chosen if isinstance(chosen, int) else tuple(chosen)
    wanted = (person,) if isinstance(person, int) else person
    for number in wanted:
        one_of("identity", number, people)
    own = [record.file for record in records if record.identity in wanted]
    there = [file for file in own if (workspace.faces / ALIGNED / file).exists()]
    if not there:
        raise ValueError(f"all {len(own)} faces of person {person} were taken out of {workspace.faces / ALIGNED}")
    names = Names(workspace.face_sources(side))
    name = names.of(summary.origin, summary.stem)
    with writing_to(folder):
        copied = _copied(workspace.faces / ALIGNED, folder, {f"{name}_{file}": file for file in there})
        names.keep(summary.origin, name)
        removed = _remove_older(folder, name, set(copied))
    missing = [file for file in own if file not in set(there)]
    renamed, alike = name != summary.stem, summary.alike
    return Collected(folder, person, identity is not None, people, copied, removed, missing, renamed, alike)


def _copied(source: Path, folder: Path, files: dict[str, str]) -> list[Path]:
    """Copy files under new names, given first, into a folder: none is put in place before all are on its disk."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        for name, file in files.items():
            (partial / name).write_bytes((source / file).read_bytes())
        folder.mkdir(exist_ok=True)
        return [(partial / name).replace(folder / name) for name in files]
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_older(folder: Path, source: str, current: set[Path]) -> list[Path]:
    named_so = re.compile(re.escape(source) + r"_frame\d+face\d+\.(png|jpg)")
    older = [path for path in sorted(folder.iterdir()) if named_so.fullmatch(path.name) and path not in current]
    for path in older:
        path.unlink()
    return older
