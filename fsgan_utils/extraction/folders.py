"""Replacing a folder as a whole: while a new one is being filled, the old one stays untouched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced_folder(folder: Path, keep_as: Path | None = None) -> Iterator[Path]:
    """Fill a new folder beside the old one, and put it in place when it is complete.

    What an interrupted run left behind is cleared away by the next one.

    Args:
        folder: the folder to replace or make.
        keep_as: what to rename the old folder to, instead of removing it.

    Yields:
        An empty folder to fill. If the block raises, it is removed and the old folder stays.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    replaced = folder.with_name(f".{folder.name}.replaced")
    if replaced.exists() and not folder.exists():
        replaced.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if folder.exists():
            folder.rename(keep_as or replaced)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(replaced, ignore_errors=True)


def unused_name(folder: Path) -> Path:
    """The folder's own path, or one with a number after it, such that nothing is there yet."""
    candidate, number = folder, 2
    while candidate.exists():
        candidate = folder.with_name(f"{folder.name}_{number}")
        number += 1
    return candidate
