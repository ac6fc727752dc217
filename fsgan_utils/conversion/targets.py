"""What a conversion writes: a video, or a folder of pictures; part by part, then joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from PIL import ExifTags, Image

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.steps import Swapped
from fsgan_utils.conversion.work import Work
from fsgan_utils.extraction import Source
from fsgan_utils.extraction.folders import put_in_place
from fsgan_utils.images import IMAGE_SUFFIXES, write_image
from fsgan_utils.video import (
    PART,
    VIDEO_SUFFIXES,
    Frame,
    Part,
    VideoError,
    VideoInfo,
    VideoWriter,
    codec_of,
    written_size,
)
from fsgan_utils.workspace import resolve

PANELS = {"result": 1, "pair": 2, "triple": 3, "patch": 1}
HDR = (16, 18)
"""Transfer curves of high dynamic range in ITU-T H.273: PQ and HLG."""
NOTICED = 0.005
"""Seconds of delay from which it is spoken of: Matroska's clock counts milliseconds."""
PICTURES = "pictures"
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints")
"""What browsing leaves in a folder."""
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
"""Endings of the pictures that can be written."""
SOFTWARE = "fsgan_utils"
SYNTHETIC_PICTURE = "synthetic: faces in this picture were generated (face swap)"
"""What the metadata of a picture with generated faces says."""
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
        """Open a part; its files are whole when the block has ended."""

    def files(self, work: Work, number: int, indices: Iterable[int]) -> list[Path]:
        """The files of a part, which holds the frames of these indices."""

    def join(self, work: Work, notes: Sequence[dict[str, Any]]) -> list[str]:
        """Make the result of all parts, of which these are the notes; return what the user should know of it."""


def open_target(output: str | Path, source: Source, config: ConvertConfig) -> Target:
    """Decide what is written.

    Args:
        output: of a video, a video's name or a folder for pictures; of photographs, a folder, or of a single one the
            name of a picture. Of a link, what it leads to is written.
        source: the video or the photographs.
        config: `layout`, `codec` and `quality` count.

    Raises:
        VideoError: the output has an ending that does not fit, is the source or holds it, or is a folder with
            something else in it; or a layout that only pictures can have is asked for a video.
    """
    path = resolve(output)
    path = path.resolve() if path.is_symlink() else path
    _check_not_source(path, source)
    picture, video = path.suffix.lower() in IMAGE_SUFFIXES, path.suffix.lower() in VIDEO_SUFFIXES
    if source.info is None and (picture or video) and not path.is_dir():
        return _single_picture(path, source, config)
    if source.info is None or not path.suffix or path.is_dir():
        return PictureTarget(path, _picture_names(source, config), synthetic=config.synthetic)
    if picture:
        raise VideoError(f"{path} would be one picture, and {source.path} is a video; name a video or a folder")
    if config.layout == "patch":
        raise VideoError(
            f"{path} cannot be a video, for layout 'patch' has transparent pictures; name a folder instead"
        )
    return VideoTarget(path, source.info, config)


def _check_not_source(path: Path, source: Source) -> None:
    exists, place = path.exists(), path.resolve()
    for file in source.files:
        if exists and path.samefile(file):
            raise VideoError(f"{path} is what is to be converted; give the output another name")
        if place == file.resolve().parent:
            raise VideoError(f"{path} holds what is to be converted; give the output another folder")


def _single_picture(path: Path, source: Source, config: ConvertConfig) -> PictureTarget:
    if len(source.photographs) > 1:
        raise VideoError(f"{source.path} holds {source.count} photographs; name a folder instead of {path}")
    if config.layout == "patch" and path.suffix.lower() != ".png":
        raise VideoError(f"{path} cannot be transparent, as layout 'patch' is; let its name end in .png")
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise VideoError(f"{path} cannot be written: its name must end in one of {', '.join(PICTURE_SUFFIXES)}")
    return PictureTarget(path, [path.name], single=True, synthetic=config.synthetic)


@dataclass(frozen=True)
class VideoTarget:
    """A video.

    Attributes:
        path: the file.
        info: the source.
        config: the settings.

    Raises:
        VideoError: the container is unknown, or cannot hold the codec, the sound or the shape of the pixels.
    """

    path: Path
    info: VideoInfo
    config: ConvertConfig

    def __post_init__(self) -> None:
        """Check, before anything is done, that picture and sound can be written."""
        self._writer(self.path, self.info)

    @contextmanager
    def part(self, work: Work, number: int) -> Iterator[PartWriter]:
        """Open a part; its files are whole when the block has ended."""
        with self._writer(work.part(number, PART)) as writer:
            yield writer

    def files(self, work: Work, number: int, indices: Iterable[int]) -> list[Path]:
        """The file of a part."""
        return [work.part(number, PART)]

    def join(self, work: Work, notes: Sequence[dict[str, Any]]) -> list[str]:
        """Make the video of all parts, with the source's sound."""
        with self._writer(self.path, audio_from=self.info, synthetic=self.config.synthetic) as writer:
            for number, note in enumerate(notes):
                writer.append(work.part(number, PART), Fraction(note["lasts"]) or None)
        remarks = [
            f"the sound was encoded anew, for {self.path.suffix} cannot hold {codec}"
            for codec in writer.reencoded_sound
        ]
        if writer.delay > NOTICED:
            remarks.append(
                f"picture and sound begin {1000 * writer.delay:.0f} ms late, for the sound has a lead-in and "
                f"{self.path.suffix} no time before zero"
            )
        return remarks + self._evened() + _simplified(self.info)

    def _evened(self) -> list[str]:
        """That the result is larger by a row or a column, where it is."""
        size = self.info.width * PANELS[self.config.layout], self.info.height
        written = written_size(*size, codec_of(self.path, self.config.codec))
        if written == size:
            return []
        return [
            f"the result is {written[0]} × {written[1]} pixels, not {size[0]} × {size[1]}: players show H.264 and HEVC "
            "of even sizes only, so the last row or column is there twice; .webm keeps odd sizes"
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


def _simplified(info: VideoInfo) -> list[str]:
    """What of the source the result does not hold."""
    pixels = av.VideoFormat(info.pixel_format, info.width, info.height)
    bits, notes = pixels.components[0].bits, []
    if bits > 8:
        notes.append(f"the source has {bits} bits a colour, the result 8")
    finer = pixels.chroma_width() == info.width or pixels.chroma_height() == info.height
    if len(pixels.components) > 2 and finer:
        notes.append(
            f"the source has finer colours ({info.pixel_format}) than the result, which has them every 2 pixels"
        )
    if info.has_subtitles:
        notes.append("the source's subtitles are not taken over")
    if info.transfer in HDR:
        notes.append("the source is HDR, and faces are drawn without: compare their brightness by eye")
    return notes


@dataclass(frozen=True)
class PictureTarget:
    """A folder of pictures, or a single one.

    Attributes:
        path: the folder, or the picture.
        names: of each frame of the source the name of its picture; empty for `frame_{n}.png`.
        single: whether `path` is the picture.
        synthetic: state in the pictures' metadata that their faces are generated.

    Raises:
        VideoError: the folder holds something else.
    """

    path: Path
    names: Sequence[str]
    single: bool = False
    synthetic: bool = True

    def __post_init__(self) -> None:
        """Check that nothing is lost when the folder is replaced: only pictures that a conversion put there may be."""
        if self.single:
            return
        if self.path.is_file():
            raise VideoError(f"{self.path} is a file; name a folder, or a video ({', '.join(VIDEO_SUFFIXES)})")
        for path in sorted(self.path.iterdir()) if self.path.is_dir() else ():
            if path.name not in LITTER and not _is_ours(path):
                raise VideoError(f"the folder {self.path} holds {path.name}, which would be lost; name another folder")

    @contextmanager
    def part(self, work: Work, number: int) -> Iterator[PartWriter]:
        """Open a part; its files are whole when the block has ended."""
        yield _Pictures(self, work)

    def files(self, work: Work, number: int, indices: Iterable[int]) -> list[Path]:
        """The pictures of a part."""
        return [self.picture(work, index) for index in indices]

    def picture(self, work: Work, index: int) -> Path:
        """Where the picture of a frame is, until all are there."""
        return work.frames / PICTURES / (self.names[index] if self.names else f"frame_{index:06}.png")

    def join(self, work: Work, notes: Sequence[dict[str, Any]]) -> list[str]:
        """Put the pictures of all parts where they belong."""
        complete = work.frames / PICTURES
        if self.single:
            (complete / self.path.name).replace(self.path)
        else:
            put_in_place(complete, self.path)
        return []


@dataclass(frozen=True)
class _Pictures:
    target: PictureTarget
    work: Work

    def write(self, image: np.ndarray, frame: Frame, changed: Sequence[Part] | None = None) -> None:
        description = SYNTHETIC_PICTURE if self.target.synthetic else ""
        tags: dict[int, str] = {ExifTags.Base.Software: SOFTWARE, ExifTags.Base.ImageDescription: description}
        write_image(self.target.picture(self.work, frame.index), image, tags)


def _is_ours(path: Path) -> bool:
    """Whether a file is a picture that a conversion wrote."""
    try:
        with Image.open(path) as picture:
            return picture.getexif().get(ExifTags.Base.Software) == SOFTWARE
    except OSError:
        return False


def _picture_names(source: Source, config: ConvertConfig) -> list[str]:
    """Photographs keep their names, and their format where it can be written and holds the layout."""
    names = []
    for path in source.photographs:
        kept = config.layout != "patch" and path.suffix.lower() in PICTURE_SUFFIXES
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
        opacity = np.rint(255 * swapped.mask).astype(np.uint8)
        return np.dstack([_unmixed(source, swapped.image, opacity), opacity])
    panels: Sequence[np.ndarray] = [source, swapped.image]
    if layout == "triple":
        mask = np.clip(255 * swapped.mask[..., None] + BACKDROP * source, 0, 255).astype(np.uint8)
        panels = [*panels, mask]
    return np.concatenate(panels, axis=1)


def _unmixed(source: np.ndarray, result: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """What has to be laid over the source, with an opacity of 0 to 255, to give the result: uint8 (H, W, 3)."""
    step = (result.astype(np.float32) - source) * (255 / np.maximum(opacity, 1)[..., None])
    return np.rint(np.clip(source + step, 0, 255)).astype(np.uint8)
