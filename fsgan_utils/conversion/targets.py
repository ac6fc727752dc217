"""What a conversion writes: a video, or a folder of pictures; part by part, then joined."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.steps import Swapped
from fsgan_utils.conversion.work import Work
from fsgan_utils.extraction import Source
from fsgan_utils.extraction.folders import put_in_place
from fsgan_utils.images import IMAGE_SUFFIXES, write_image
from fsgan_utils.video import PART, VIDEO_SUFFIXES, Frame, Part, VideoError, VideoInfo, VideoWriter, codec_of
from fsgan_utils.workspace import resolve

PANELS = {"result": 1, "pair": 2, "triple": 3, "patch": 1}
BACKDROP = 0.15
"""How bright the source shines through beside the mask, as in v2.2."""


class PartWriter(Protocol):
    """What a part is written with."""

    def write(self, image: np.ndarray, frame: Frame, changed: Sequence[Part] | None = None) -> None:
        """Append one picture, made from a frame of the source; `changed` as for `VideoWriter.write`."""


class Target(Protocol):
    """Where the result goes."""

    @property
    def path(self) -> Path:
        """The file or folder."""

    def part(self, work: Work, number: int) -> AbstractContextManager[PartWriter]:
        """Open a part; it is whole when the block has ended."""

    def join(self, work: Work, count: int) -> list[str]:
        """Make the result of all parts; return what the user should know of it."""


def open_target(output: str | Path, source: Source, config: ConvertConfig) -> Target:
    """Decide what is written.

    Args:
        output: of a video, a video's name or a folder for pictures; of photographs, a folder, or of a single one the
            name of a picture.
        source: the video or the photographs.
        config: `layout`, `codec` and `quality` count.

    Raises:
        VideoError: the output has another ending, is the source, or is a folder that holds something else; or a layout
            that only pictures can have is asked for a video.
    """
    path = resolve(output)
    if path.resolve() == source.path.resolve():
        raise VideoError(f"{path} is what is to be converted; give the output another name")
    if source.photographs and path.suffix.lower() in IMAGE_SUFFIXES:
        if len(source.photographs) > 1:
            raise VideoError(f"{source.path} holds {source.count} photographs; name a folder instead of {path}")
        return PictureTarget(path, [path.name], single=True)
    if source.info is None or not path.suffix or path.is_dir():
        return PictureTarget(path, _picture_names(source, config))
    if config.layout == "patch":
        raise VideoError(
            f"{path} cannot be a video, for layout 'patch' has transparent pictures; name a folder instead"
        )
    codec_of(path, config.codec)
    return VideoTarget(path, source.info, config)


@dataclass(frozen=True)
class VideoTarget:
    """A video.

    Attributes:
        path: the file.
        info: the source.
        config: the settings.
    """

    path: Path
    info: VideoInfo
    config: ConvertConfig

    @contextmanager
    def part(self, work: Work, number: int) -> Iterator[PartWriter]:
        """Open a part; it is whole when the block has ended."""
        with self._writer(work.part(number, PART)) as writer:
            yield writer

    def join(self, work: Work, count: int) -> list[str]:
        """Make the video of all parts, with the source's sound."""
        with self._writer(self.path, audio_from=self.info, synthetic=self.config.synthetic) as writer:
            for number in range(count):
                writer.append(work.part(number, PART))
        return [
            f"the sound was encoded anew, for {self.path.suffix} cannot hold {codec}"
            for codec in writer.reencoded_sound
        ]

    def _writer(self, path: Path, audio_from: VideoInfo | None = None, synthetic: bool = False) -> VideoWriter:
        config = self.config
        return VideoWriter(
            path,
            self.info,
            size=(self.info.width * PANELS[config.layout], self.info.height),
            audio_from=audio_from,
            start=config.start,
            stop=config.stop,
            synthetic=synthetic,
            codec=codec_of(self.path, config.codec),
            quality=config.quality,
        )


@dataclass(frozen=True)
class PictureTarget:
    """A folder of pictures, or a single one.

    Attributes:
        path: the folder, or the picture.
        names: of each frame of the source the name of its picture; empty for `frame_{n}.png`.
        single: whether `path` is the picture.

    Raises:
        VideoError: the folder holds something else.
    """

    path: Path
    names: Sequence[str]
    single: bool = False

    def __post_init__(self) -> None:
        """Check that nothing is lost when the folder is replaced."""
        if self.single:
            return
        if self.path.is_file():
            raise VideoError(f"{self.path} is a file; name a folder, or a video ({', '.join(VIDEO_SUFFIXES)})")
        for path in _content(self.path):
            if path.name not in self.names and not (path.match("frame_*.png") and not self.names):
                raise VideoError(f"the folder {self.path} holds {path.name}, which would be lost; name another folder")

    @contextmanager
    def part(self, work: Work, number: int) -> Iterator[PartWriter]:
        """Open a part; it is whole when the block has ended."""
        folder = work.part(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield _Pictures(folder, self.names)

    def join(self, work: Work, count: int) -> list[str]:
        """Put the pictures of all parts into the folder."""
        complete = work.folder / "pictures"
        complete.mkdir(exist_ok=True)
        for number in range(count):
            for picture in _content(work.part(number)):
                picture.rename(complete / picture.name)
        work.invalidate()
        if self.single:
            (complete / self.path.name).replace(self.path)
        else:
            put_in_place(complete, self.path)
        return []


@dataclass(frozen=True)
class _Pictures:
    folder: Path
    names: Sequence[str]

    def write(self, image: np.ndarray, frame: Frame, changed: Sequence[Part] | None = None) -> None:
        name = self.names[frame.index] if self.names else f"frame_{frame.index:06}.png"
        write_image(self.folder / name, image)


def _picture_names(source: Source, config: ConvertConfig) -> list[str]:
    """Photographs keep their names, and their format where it can be written and holds the layout."""
    names = []
    for path in source.photographs:
        kept = config.layout != "patch" and path.suffix.lower() in (".png", ".jpg", ".jpeg")
        names.append(path.name if kept else f"{path.name}.png")
    return names


def lay_out(source: np.ndarray, swapped: Swapped, layout: str) -> np.ndarray:
    """Lay source, result and mask side by side as a layout says.

    Args:
        source: uint8 RGB (H, W, 3).
        swapped: the result.
        layout: "result", "pair", "triple" or "patch".

    Returns:
        uint8 RGB (H, W · panels, 3); of "patch" RGBA (H, W, 4).
    """
    if layout == "result":
        return swapped.image
    if layout == "patch":
        return np.dstack([swapped.image, np.rint(255 * swapped.mask).astype(np.uint8)])
    panels: Sequence[np.ndarray] = [source, swapped.image]
    if layout == "triple":
        mask = np.clip(255 * swapped.mask[..., None] + BACKDROP * source, 0, 255).astype(np.uint8)
        panels = [*panels, mask]
    return np.concatenate(panels, axis=1)


def _content(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
