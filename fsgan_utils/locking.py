"""One run at a time on one result."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class BusyError(RuntimeError):
    """Another run is making the same result."""


@contextmanager
def only_run_on(result: Path) -> Iterator[None]:
    """Make sure that no other run, of this process or another on this machine, makes the same result meanwhile.

    The lock is a file in the system's folder for passing things, for not every disk that results are written to knows
    locks (a mounted cloud drive does not). The system takes it off a run that is killed.

    Args:
        result: the file or folder that is made.

    Raises:
        BusyError: another run is at it.
    """
    name = hashlib.sha256(str(result.resolve()).encode()).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir()) / f"fsgan_utils_{name}.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            f"another run is writing {result}; wait until it has ended, or stop it (in Jupyter, shut its kernel down)"
        ) from error
    try:
        yield
    finally:
        lock.release()
