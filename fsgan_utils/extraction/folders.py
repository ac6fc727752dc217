"""Replacing a folder as a whole: while a new one is being filled, the old one stays untouched."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADVICE = {
    errno.ENOSPC: "the disk is full; make room and run again",
    errno.EDQUOT: "your share of the disk is used up; make room and run again",
    errno.EACCES: "it may not be written to; change its permissions or choose another workspace",
    errno.EPERM: "it may not be written to; change its permissions or choose another workspace",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ENOTDIR: "a file stands where a folder should be; rename it or choose another workspace",
    errno.EEXIST: "a file stands where a folder should be; rename it or choose another workspace",
    errno.EROFS: "its disk can only be read; choose a workspace on another one",
}


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Fill a new folder beside the old one, and put it in place when it is complete.

    What an interrupted run left behind is cleared away by the next one.

    Args:
        folder: the folder to replace or make.

    Yields:
        An empty folder to fill. If the block raises, it is removed and the old folder stays.

    Raises:
        OSError: the folder cannot be written; the message says what to do.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    with writing_to(folder):
        restore_replaced(folder)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            put_in_place(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def put_in_place(complete: Path, folder: Path, keep_as: Path | None = None) -> None:
    """Rename a complete folder to the place of another.

    Args:
        complete: the new folder, on the same disk.
        folder: its place.
        keep_as: what to rename the old folder to, instead of removing it.
    """
    replaced = _replaced(folder)
    if folder.exists():
        folder.rename(keep_as or replaced)
    complete.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def restore_replaced(folder: Path) -> None:
    """Undo the first half of a `put_in_place` that was killed between its two renamings."""
    replaced = _replaced(folder)
    if replaced.exists() and not folder.exists():
        replaced.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def unused_name(folder: Path) -> Path:
    """The folder's own path, or one with a number after it, such that nothing is there yet."""
    candidate, number = folder, 2
    while candidate.exists():
        candidate = folder.with_name(f"{folder.name}_{number}")
        number += 1
    return candidate


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say what to do when a folder cannot be written.

    Raises:
        OSError: of the same number as the one that occurred, with advice.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in ADVICE:
            raise
        place = error.filename or folder
        raise OSError(error.errno, f"{os.strerror(error.errno)}: {place}: {ADVICE[error.errno]}") from error


def _replaced(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")
