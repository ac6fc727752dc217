"""The frames of what is converted: a video's, or photographs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.extraction import Source
from fsgan_utils.video import Frame, VideoError, read_frames


def source_frames(source: Source, config: ConvertConfig, first: int = 0, rough: bool = False) -> Iterator[Frame]:
    """Read what is converted.

    Args:
        source: a video or photographs; photographs that cannot be read are left out.
        config: `start` and `stop` count for a video.
        first: leave out what has a smaller index.
        rough: as for `read_frames`.

    Yields:
        The frames; of photographs each stands for itself, without a time.

    Raises:
        VideoError: the video is damaged, or its frames are not all of one size.
    """
    if source.info is not None:
        shown = source.info.height, source.info.width, 3
        for frame in read_frames(source.path, config.start, config.stop, first=first, rough=rough):
            if frame.image.shape != shown:
                raise VideoError(
                    f"frame {frame.index} of {source.path} ({frame.time:.2f} s) is {_size(frame.image.shape)}, those "
                    f"before {_size(shown)}; convert each stretch of one size for itself, with start and stop"
                )
            yield frame
        return
    for picture in source.pictures(first=first):
        if picture.image is not None:
            yield Frame(picture.image, picture.index, 0, 0, Fraction(1))


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"


def expected_frames(source: Source, config: ConvertConfig) -> int:
    """About how many frames there are to convert."""
    info = source.info
    if info is None:
        return source.count
    begin, end = config.start or 0, min(config.stop or info.duration, info.duration)
    return max(0, round(info.frames * (end - begin) / info.duration)) if info.duration else info.frames
