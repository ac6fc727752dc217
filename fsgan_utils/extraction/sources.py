"""Where faces are taken from: a video, or a folder of photographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsgan_utils.extraction.origin import Origin
from fsgan_utils.images import IMAGE_SUFFIXES, list_images, load_image
from fsgan_utils.video import Frame, VideoInfo, probe, read_frames
from fsgan_utils.workspace import resolve

DAMAGE_GAP = 0.5
"""Seconds between two damaged stretches that count as one."""
MOVING = (".gif",)
"""Suffixes of images that are read as videos."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame of a video, or a photograph.

    Attributes:
        image: uint8 RGB (H, W, 3), upright; None where the file cannot be read, or the frame is damaged.
        index: number of the frame in the video, or of the photograph in its folder by name, from 0.
        time: seconds since the video's start; 0 for a photograph.
        file: file name of the photograph; None for a frame.
        problem: why there is no image, in words; None where there is one.
    """

    image: np.ndarray | None
    index: int
    time: float
    file: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Source:
    """A video or photographs, in order.

    Attributes:
        path: the video file, the folder, or the one photograph.
        photographs: the photographs; empty for a video.
        count: frames or photographs in it.
        info: what the video says about itself; None for photographs.
    """

    path: Path
    photographs: tuple[Path, ...]
    count: int
    info: VideoInfo | None = None

    @classmethod
    def open(cls, path: str | Path) -> Source:
        """Look at what is there.

        Args:
            path: a video file, a folder of images in any format that `load_image` reads, or one such image.

        Raises:
            FileNotFoundError: nothing is there, or the folder holds no image.
            ValueError: the file is neither a video nor an image, or damaged.
        """
        place = resolve(path)
        if place.is_dir():
            photographs = tuple(list_images(place))
            if not photographs:
                raise FileNotFoundError(
                    f"the folder {place} holds no image ({', '.join(IMAGE_SUFFIXES)}); give a folder of photographs "
                    "or a video file"
                )
            return cls(place, photographs, len(photographs))
        if place.suffix.lower() in IMAGE_SUFFIXES and place.suffix.lower() not in MOVING:
            load_image(place)
            return cls(place, (place,), 1)
        info = probe(place)
        return cls(info.path, (), info.frames, info)

    @property
    def files(self) -> list[Path]:
        """What is read."""
        return list(self.photographs) or [self.path]

    @property
    def stem(self) -> str:
        """Its name, without the suffix of a file."""
        return self.path.name if self.path.is_dir() else self.path.stem

    def origin(self) -> Origin:
        """What tells it from others of the same name."""
        return Origin.of(self.path, self.files)

    def pictures(self, every: int = 1, first: int = 0) -> Iterator[Picture]:
        """Read it.

        Args:
            every: of a video, take only frames whose index is a multiple of this; of photographs, all are taken.
            first: leave out what has a smaller index.

        Raises:
            ValueError: the video is damaged or ends too early; a photograph that cannot be read is no error.
        """
        if not self.photographs:
            for frame in read_frames(self.path, every=every, first=first):
                yield _undamaged(frame)
            return
        for index, path in enumerate(self.photographs[first:], start=first):
            yield _photograph(path, index)

    def first_image(self) -> np.ndarray:
        """The first frame or readable photograph: uint8 RGB (H, W, 3).

        Raises:
            ValueError: none can be read.
        """
        problems = []
        for picture in self.pictures():
            if picture.image is not None:
                return picture.image
            problems.append(picture.problem)
        raise ValueError(f"none of the {self.count} photographs in {self.path} can be read: {problems[0]}")

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """What tells whether it is still the same: name, size in bytes and time of change of each file."""
        return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in self.files]


def _undamaged(frame: Frame) -> Picture:
    if frame.damaged:
        return Picture(None, frame.index, frame.time, None, f"frame {frame.index} ({frame.time:.2f} s) is damaged")
    return Picture(frame.image, frame.index, frame.time)


def _photograph(path: Path, index: int) -> Picture:
    try:
        return Picture(load_image(path), index, 0.0, path.name)
    except ValueError as error:
        return Picture(None, index, 0.0, path.name, str(error))


def reading_notes(source: Source) -> list[str]:
    """What is to be known of how a source is read, in words."""
    info, notes = source.info, []
    if info is not None and info.field_order:
        notes.append(
            f"the source is interlaced ({'top' if info.field_order == 'tff' else 'bottom'} field first): each of its "
            "pictures holds two moments; it is read deinterlaced, as progressive pictures at the same rate"
        )
    if info is not None and info.recordings > 1:
        notes.append(
            f"the source is joined of {info.recordings} recordings, each with a clock of its own; they are read one "
            "after another"
        )
    return notes


def damaged_seconds(times: Sequence[float] | np.ndarray, rate: float) -> str:
    """Name the stretches of time in which frames are damaged, such as "1.2 to 3.4 s, 7.0 to 7.1 s"; empty for none.

    Args:
        times: of the damaged frames, in seconds, ascending.
        rate: frames a second that are looked at.
    """
    if not len(times):
        return ""
    seconds = np.asarray(times, np.float64)
    stretches = np.split(seconds, np.flatnonzero(np.diff(seconds) > DAMAGE_GAP + 1 / rate) + 1)
    return ", ".join(f"{stretch[0]:.1f} to {stretch[-1] + 1 / rate:.1f} s" for stretch in stretches)
