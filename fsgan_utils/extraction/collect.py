"""Put extracted faces where the training looks for them: faceA and faceB."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fsgan_utils.extraction.records import FaceRecord, read_records
from fsgan_utils.images import write_bytes
from fsgan_utils.workspace import Workspace

WHICH_FACES = ("largest", "all")


@dataclass(frozen=True)
class Collected:
    """What `copy_to` did.

    Attributes:
        folder: faceA or faceB.
        copied: the images written, in the order of the video.
        removed: images of an earlier extraction of the same clip, which these replace.
        left_out: faces that were not copied because their frame shows a larger one.
    """

    folder: Path
    copied: list[Path]
    removed: list[Path]
    left_out: int

    def __str__(self) -> str:
        """A line or two for the screen."""
        lines = [f"copied {len(self.copied)} faces to {self.folder}"]
        if self.left_out:
            lines.append(f"left out {self.left_out} smaller faces of frames that show several")
        if self.removed:
            lines.append(f"removed {len(self.removed)} images of an earlier extraction of the same clip")
        return "\n".join(lines)


def copy_to(side: str, workspace: Workspace, which: str = "largest") -> Collected:
    """Copy the aligned faces to faceA or faceB as `{clip}_frame{n}face{k}`, so that several clips feed one side.

    Args:
        side: "A" or "B".
        workspace: where `faces/` is, as `extract_faces` left it.
        which: "largest" takes one face a frame, "all" takes every face (they should be of one person).

    Raises:
        FileNotFoundError: no faces have been extracted yet.
        ValueError: a setting is not one of those above.
    """
    if which not in WHICH_FACES:
        raise ValueError(f"which must be one of {', '.join(WHICH_FACES)}. Received: {which!r}")
    folder = workspace.face_folder(side)
    records = read_records(workspace.faces)
    chosen = records if which == "all" else _first_of_each_frame(records)
    clip = Path(records[0].video).stem
    copied = []
    for record in chosen:
        target = folder / f"{clip}_{record.file}"
        write_bytes(target, (workspace.faces / "aligned_faces" / record.file).read_bytes())
        copied.append(target)
    removed = _remove_older(folder, clip, set(copied))
    return Collected(folder, copied, removed, len(records) - len(chosen))


def _first_of_each_frame(records: list[FaceRecord]) -> list[FaceRecord]:
    first: dict[int, FaceRecord] = {}
    for record in records:
        first.setdefault(record.frame, record)
    return list(first.values())


def _remove_older(folder: Path, clip: str, current: set[Path]) -> list[Path]:
    named_so = re.compile(re.escape(clip) + r"_frame\d+face\d+\.(png|jpg)")
    older = [path for path in sorted(folder.iterdir()) if named_so.fullmatch(path.name) and path not in current]
    for path in older:
        path.unlink()
    return older
