"""What earlier runs of an extraction left: whether it is done already, what to keep, what to remove."""

from __future__ import annotations

import glob
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

from fsgan_utils.extraction.folders import unused_name
from fsgan_utils.extraction.result import ALIGNED, Extraction, Summary
from fsgan_utils.extraction.sources import Source

SHOWN_OF_NAME = 40
"""Characters of a source's name that the folder of an unfinished run shows."""


def fingerprint_of(source: Source, settings: object) -> str:
    """What the faces depend on, as a hash: the same source and settings give the same, 64 characters."""
    return hashlib.sha256(repr((source.fingerprint(), settings)).encode()).hexdigest()


def done_before(folder: Path, fingerprint: str) -> Extraction | None:
    """What is in the folder, if it is whole and comes from the same source and settings."""
    summary = Summary.read(folder)
    if summary is None or summary.fingerprint != fingerprint:
        return None
    done = Extraction.read(folder, summary)
    whole = all((folder / part / face.file).exists() for face in done.faces for part in (ALIGNED, "raw_faces"))
    return replace(done, done_before=True) if whole else None


def name_to_keep(folder: Path, source: Source) -> Path | None:
    """What to call the folder that is there, unless it holds faces of the same source or nothing."""
    if not folder.exists() or not any(folder.iterdir()):
        return None
    before = Summary.read(folder)
    if before is None:
        return unused_name(folder.with_name(f"{folder.name}_before"))
    if before.origin.same_as(source.origin()):
        return None
    return unused_name(folder.with_name(f"{folder.name}_{before.stem}"))


def unfinished_folder(root: Path, source: Source, fingerprint: str) -> Path:
    """Where a run on this source with these settings is under way."""
    place = hashlib.sha256(str(source.path).encode()).hexdigest()
    return root / f".faces_{source.stem[:SHOWN_OF_NAME]}_{place[:8]}_{fingerprint[:8]}.partial"


def clear_unfinished(folder: Path) -> None:
    """Remove what unfinished runs on the same source left, whatever their settings."""
    name = folder.name.rsplit("_", 1)[0]
    for left in folder.parent.glob(f"{glob.escape(name)}_????????.partial"):
        shutil.rmtree(left)
