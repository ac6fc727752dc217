"""How long a Matroska or WebM file says that it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

NAME_LENGTH = 4
"""Bytes of the names of a file's two outermost elements, its head and the segment with everything else."""


def announced_bytes(file: Path) -> int:
    """Where the file ends by what its segment says, in bytes; 0 if it does not say, as of a recording that broke off.

    Reference:
        RFC 8794, "Extensible Binary Meta Language", sections 4 and 6.
    """
    with file.open("rb") as content:
        content.seek(NAME_LENGTH)
        content.seek(_element_size(content) or 0, os.SEEK_CUR)
        content.seek(NAME_LENGTH, os.SEEK_CUR)
        size = _element_size(content)
        return 0 if size is None else content.tell() + size


def _element_size(content: BinaryIO) -> int | None:
    """Read how many bytes an element has: the first byte's leading zeros tell how long that number is."""
    first = int.from_bytes(content.read(1))
    length = 9 - first.bit_length()
    number = int.from_bytes(bytes([first & (0xFF >> length)]) + content.read(length - 1))
    unknown = (1 << 7 * length) - 1
    return None if number == unknown else number
