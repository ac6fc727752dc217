"""The pictures of a video, decoded: whole ones, each with its time, and what is known to be damaged."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream

from fsgan_utils.video.clock import RunningClock
from fsgan_utils.video.interlacing import deinterlaced

_DISCARDED = 2  # flag of an index entry that an edit list leaves out


class VideoError(ValueError):
    """A file cannot be read as a video, or a video cannot be written as asked."""


class Decoded(NamedTuple):
    """A picture as the video holds it.

    Attributes:
        stored: the picture; its own time does not count.
        pts: when it is shown, in ticks of the stream since the beginning.
        duration: for how long, in ticks; 0 where that is not known.
        damaged: whether the decoder found errors in it, or in one that it is made from.
    """

    stored: av.VideoFrame
    pts: int
    duration: int
    damaged: bool


def decoded(
    file: Path, container: InputContainer, stream: VideoStream, origin: Fraction, order: str | None
) -> Iterator[Decoded]:
    """Decode a video to the end.

    Args:
        file: its name, for errors.
        container: the open file.
        stream: of its pictures.
        origin: second of the file's clock that becomes time 0.
        order: which field comes first in an interlaced video; see `field_order`.

    Yields:
        The pictures, in the order they are shown. Each is shown until the next one is, and the last until the file
        says that the picture ends.

    Raises:
        VideoError: it ends before the frames that it announces, or none can be decoded.
    """
    time_base = Fraction(stream.time_base or 1)
    rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
    clock, begin = RunningClock.of(1 / rate, time_base), round(origin / time_base)
    end = ((stream.start_time or 0) + stream.duration - begin) if stream.duration else 0
    waiting: Decoded | None = None
    for index, (frame, pts, duration, damaged) in enumerate(_whole(_judged(file, container, stream), order)):
        ticks = round(index / rate / time_base) if pts is None else pts - begin
        shown = Decoded(frame, clock.time(ticks, duration), duration, damaged)
        if waiting is not None:
            yield waiting._replace(duration=shown.pts - waiting.pts)
        waiting = shown
    if waiting is None:
        raise VideoError(f"{file} has no frame that can be decoded; it may be cut short: copy it anew")
    yield waiting._replace(duration=end - waiting.pts) if end > waiting.pts and not clock.shift else waiting


class _Shown(NamedTuple):
    """A picture, when and for how long it is shown in ticks of the file, and whether it is damaged."""

    frame: av.VideoFrame
    pts: int | None
    duration: int
    damaged: bool


def _whole(pictures: Iterator[_Shown], order: str | None) -> Iterator[_Shown]:
    """Deinterlace pictures, if they need it."""
    if order is None:
        yield from pictures
        return
    passed: list[_Shown] = []

    def fields() -> Iterator[av.VideoFrame]:
        for picture in pictures:
            passed.append(picture)
            yield picture.frame

    for frame in deinterlaced(fields(), order):
        yield passed.pop(0)._replace(frame=frame)


def _judged(file: Path, container: InputContainer, stream: VideoStream) -> Iterator[_Shown]:
    """Decode every packet, and tell which pictures are damaged: from one with an error to the next key frame.

    Those that are made from the pictures before and after them (B-frames) wait for the latter, for they are damaged
    too where it is.
    """
    spoiled, between = False, list[_Shown]()
    for frame, error in _frames(file, container, stream):
        spoiled = error or (spoiled and not frame.key_frame)
        if error:
            between = [earlier._replace(damaged=True) for earlier in between]
        shown = _Shown(frame, frame.pts, frame.duration or 0, spoiled)
        if frame.pict_type == PictureType.B:
            between.append(shown)
            continue
        yield from between
        yield shown
        between = []
    yield from between


def _frames(file: Path, container: InputContainer, stream: VideoStream) -> Iterator[tuple[av.VideoFrame, bool]]:
    """Decode to the end, each frame with whether there was an error in it or before it."""
    packets, lost = 0, False
    for packet in container.demux(stream):
        packets += packet.size > 0
        lost = lost or (packet.is_corrupt and packet.size > 0)
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            lost = True
            continue
        for frame in frames:
            yield frame, lost or frame.is_corrupt
            lost = False
    announced = _announced_packets(container, stream)
    if packets < announced:
        raise VideoError(
            f"{file} is cut short or damaged: it announces {announced} frames and {packets} could be read; copy it anew"
        )


def _announced_packets(container: InputContainer, stream: VideoStream) -> int:
    if "mp4" in container.format.name:
        return sum(not entry.flags & _DISCARDED for entry in stream.index_entries)
    return stream.frames
