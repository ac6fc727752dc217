"""Whether faces come from the same source as others: names alone do not tell, phones give every clip the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fsgan_utils.images import write_bytes

COMPARED_BYTES = 1 << 16
"""Bytes at the start of each file by which contents are compared, beside its name and its size."""


@dataclass(frozen=True)
class Origin:
    """Where faces came from.

    Attributes:
        path: of the video, the folder or the photograph.
        contents: a hash of what is there; a copy at another place has the same.
    """

    path: str
    contents: str

    @classmethod
    def of(cls, path: Path, files: Sequence[Path]) -> Origin:
        """Look at a source and the files in it."""
        digest = hashlib.sha256()
        for file in files:
            with file.open("rb") as opened:
                digest.update(repr((file.name, file.stat().st_size)).encode() + opened.read(COMPARED_BYTES))
        return cls(str(path), digest.hexdigest())

    def same_as(self, other: Origin) -> bool:
        """Whether it is the same source, changed at its place or moved unchanged."""
        return self.path == other.path or self.contents == other.contents


@dataclass(frozen=True)
class Names:
    """Which source's images have which name at their start, in a folder fed by several; kept in a file beside it."""

    file: Path

    def of(self, origin: Origin, wanted: str) -> str:
        """The name of a source's images: the one they have had, or the wanted one unless another source has it."""
        known = self._read()
        for name, other in known.items():
            if origin.same_as(other):
                return name
        name, number = wanted, 2
        while name in known:
            name, number = f"{wanted}_{number}", number + 1
        return name

    def keep(self, origin: Origin, name: str) -> None:
        """Note that a source's images have this name."""
        known = {**self._read(), name: origin}
        text = json.dumps({name: asdict(one) for name, one in known.items()}, indent=1)
        write_bytes(self.file, (text + "\n").encode())

    def _read(self) -> dict[str, Origin]:
        if not self.file.exists():
            return {}
        try:
            known = json.loads(self.file.read_text(encoding="utf-8"))
            return {name: Origin(**one) for name, one in known.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{self.file} is damaged ({error}); it says which images come from which source. Remove it if all "
                "sources have different names"
            ) from error
