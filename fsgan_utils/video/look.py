"""What a video takes over from its source beside pictures and sound: colours, shape of the pixels, clock, chapters."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from fsgan_utils.video.encoders import APPLE, PART
from fsgan_utils.video.reading import MATRICES, UNTAGGED, VideoError, VideoInfo, matrix_of

if TYPE_CHECKING:
    from av.container.core import Chapter

TAGS = ("title", "artist", "album", "date", "copyright", "description")
"""What of a video's metadata is taken over: not where it was recorded, nor with what."""


def check_aspect(path: Path, codec: str, like: VideoInfo | None) -> None:
    """Raise VideoError where the shape of the source's pixels would be lost."""
    if like is not None and like.aspect != 1 and codec == "vp9" and path.suffix.lower() not in (*APPLE, PART):
        raise VideoError(
            f"{path} cannot keep the shape of the pixels of {like.path} ({like.aspect} as wide as high), for VP9 has "
            "none and this writer sets none in Matroska; write .mp4, or .mkv with another codec"
        )


def clock(like: VideoInfo, start: float | None) -> Fraction:
    """The source's ticks; or finer ones that hold both them and its frames, where they are coarse (Matroska, AVI).

    What begins in between two frames needs milliseconds at least.
    """
    if like.time_base.numerator == 1 and like.time_base.denominator > 1000:
        return like.time_base
    return Fraction(1, math.lcm(like.time_base.denominator, like.rate.numerator, 1000 if start else 1))


def copy_look(like: VideoInfo, stream: VideoStream, height: int) -> None:
    """Give a stream the colours and the pixel shape of a video; its stored height may be another."""
    context = stream.codec_context
    context.colorspace = _matrix_tag(like, height)
    context.color_range = like.color_range
    context.color_primaries = like.primaries
    context.color_trc = like.transfer
    context.sample_aspect_ratio = 1 / like.aspect if like.rotation % 180 else like.aspect


def _matrix_tag(like: VideoInfo, height: int) -> int:
    """Number of a video's colour matrix; where it states none, what readers guess, unless the height misleads them."""
    if like.matrix != UNTAGGED:
        return like.matrix if like.matrix in MATRICES else 1
    before = matrix_of(UNTAGGED, like.width if like.rotation % 180 else like.height)
    if before == matrix_of(UNTAGGED, height):
        return UNTAGGED
    return next(tag for tag, matrix in MATRICES.items() if matrix == before)


def copy_head(source: Path, output: OutputContainer, start: Fraction, stop: Fraction | None) -> None:
    """Take title and chapters over.

    Args:
        source: the video.
        output: a container of which nothing has been written.
        start: second of the source that becomes time 0.
        stop: second of the source at which the output ends; None for the end.
    """
    with av.open(str(source)) as reader:
        found = {name.lower(): value for name, value in reader.metadata.items()}
        output.metadata.update({name: found[name] for name in TAGS if name in found})
        chapters = [_cut(chapter, start, stop) for chapter in reader.chapters()]
        output.set_chapters([chapter for chapter in chapters if chapter["start"] < chapter["end"]])


def _cut(chapter: Chapter, start: Fraction, stop: Fraction | None) -> Chapter:
    """What of a chapter lies in a stretch of time; where nothing does, it ends before it begins."""
    second = 1 / (chapter["time_base"] or Fraction(1))
    begin = max(chapter["start"] / second, start)
    end = chapter["end"] / second if stop is None else min(chapter["end"] / second, stop)
    return {**chapter, "start": round((begin - start) * second), "end": round((end - start) * second)}
