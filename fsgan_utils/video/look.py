"""What a video takes over from its source: colours, shape of the pixels, clock."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

from av.video.stream import VideoStream

from fsgan_utils.video.encoders import APPLE, PART
from fsgan_utils.video.reading import MATRICES, UNTAGGED, VideoError, VideoInfo, matrix_of


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
