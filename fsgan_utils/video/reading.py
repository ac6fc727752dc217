"""Videos in: every frame with its exact time and its colours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from fsgan_utils.video.clock import Recording, recordings
from fsgan_utils.video.decoding import VideoError, decoded
from fsgan_utils.video.interlacing import field_order
from fsgan_utils.video.matroska import announced_bytes
from fsgan_utils.video.parts import pixels
from fsgan_utils.workspace import existing_file

UNTAGGED = 2  # FFmpeg's number for "unspecified" in colour tags
MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}
SCALING = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
ROUGH = Interpolation.BILINEAR
RATE_TOLERANCE = 0.1
"""Part by which a file's rate may differ from what its frames and its length say."""
USUAL_RATES = [Fraction(rate) for rate in (24, 25, 30, 50, 60, 120)] + [
    Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120)
]
USUAL_TOLERANCE = 0.005


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says about itself.

    Attributes:
        path: the file.
        width: pixels, as shown (after `rotation`).
        height: pixels, as shown (after `rotation`).
        rate: average frames per second.
        frames: number of frames, as the container states it, or counted where it does not.
        duration: length of the picture in seconds.
        has_audio: whether there is a sound track.
        rotation: degrees counter-clockwise by which the stored picture is turned to be shown.
        codec: name of the picture's codec.
        pixel_format: FFmpeg's name of the stored pixel format.
        time_base: seconds per tick of `Frame.pts`.
        origin: seconds on the file's own clock at which the video begins.
        aspect: width of a pixel over its height.
        matrix: number of the colour matrix in ITU-T H.273 (1: BT.709, 6: BT.601, 2: not stated).
        color_range: 1 limited, 2 full, 0 not stated.
        primaries: number of the primaries in ITU-T H.273.
        transfer: number of the transfer curve in ITU-T H.273.
        field_order: of an interlaced video, which is read deinterlaced, "tff" or "bff"; see
            `fsgan_utils.video.interlacing.field_order`.
        recordings: how many recordings it is joined of, each with a clock of its own; they are read as one.
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    frames: int
    duration: float
    has_audio: bool
    has_subtitles: bool
    rotation: int
    codec: str
    pixel_format: str
    time_base: Fraction
    origin: Fraction
    aspect: Fraction
    matrix: int
    color_range: int
    primaries: int
    transfer: int
    field_order: str | None = None
    recordings: int = 1


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        image: uint8 RGB (H, W, 3), turned upright.
        index: number of the frame in the file, from 0.
        pts: when it is shown, in ticks of `time_base` since the video's start.
        duration: how long it is shown, in ticks; 0 where the file does not say.
        time_base: seconds per tick.
        stored: the picture as the video holds it, but deinterlaced; None where it is none of a video.
        damaged: whether the decoder found errors in it, or in one that it is made from.
    """

    image: np.ndarray
    index: int
    pts: int
    duration: int
    time_base: Fraction
    stored: av.VideoFrame | None = None
    damaged: bool = False

    @property
    def time(self) -> float:
        """Seconds since the video's start."""
        return float(self.pts * self.time_base)


def probe(path: str | Path) -> VideoInfo:
    """Read what a video file says about itself.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, its first frame cannot be decoded, or it is to be shown mirrored.
    """
    file = existing_file(path)
    with _opened(file) as (container, stream):
        frame = next(container.decode(stream), None)
        if frame is None:
            raise VideoError(f"{file} has no frame that can be decoded; it may be cut short: copy it anew")
        _check_not_mirrored(file, frame)
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        joined = [] if stream.frames else joined_recordings(file)
        frames = stream.frames or sum(len(one.times) for one in joined)
        length = _duration(container, stream) if len(joined) < 2 else float(joined[-1].end - min(joined[0].times))
        if length and abs(rate * Fraction(length) - frames) > max(2, RATE_TOLERANCE * frames):
            rate = _measured_rate(_times(joined or joined_recordings(file))) or rate
        turned = frame.rotation % 180 == 90
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        return VideoInfo(
            path=file,
            width=frame.height if turned else frame.width,
            height=frame.width if turned else frame.height,
            rate=rate,
            frames=frames,
            duration=length or float(frames / rate),
            has_audio=bool(container.streams.audio),
            has_subtitles=bool(container.streams.subtitles),
            rotation=frame.rotation % 360,
            codec=stream.codec_context.name,
            pixel_format=frame.format.name,
            time_base=Fraction(stream.time_base or 1),
            origin=_origin(container),
            aspect=1 / aspect if turned else aspect,
            matrix=int(frame.colorspace),
            color_range=int(frame.color_range),
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
            field_order=field_order(file),
            recordings=max(1, len(joined)),
        )


def read_frames(
    path: str | Path,
    start: float | None = None,
    stop: float | None = None,
    every: int = 1,
    first: int = 0,
    rough: bool = False,
) -> Iterator[Frame]:
    """Decode a video, frame by frame.

    Args:
        path: the video.
        start: leave out frames shown before this second.
        stop: end before the first frame shown at or after this second.
        every: yield only frames whose index is a multiple of this.
        first: leave out frames whose index is smaller than this.
        rough: do not interpolate colours between the places where the video holds them; ten times as quick, and good
            enough to find faces by.

    Yields:
        The frames, in the order they are shown.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: `every` is less than 1, or `stop` is not after `start`.
        VideoError: it is not a video, is damaged, or ends before the frames that it announces.
    """
    if every < 1:
        raise ValueError(f"every must be 1 or more. Received: {every}")
    check_range(start, stop)
    return _read_frames(existing_file(path), start, stop, every, first, ROUGH if rough else SCALING)


def check_range(start: float | None, stop: float | None) -> None:
    """Raise ValueError unless `start` and `stop` (seconds, or None) hold a stretch of time."""
    if (start is not None and start < 0) or (stop is not None and stop <= (start or 0)):
        raise ValueError(f"expected 0 <= start < stop, in seconds. Received: start={start}, stop={stop}")


def _read_frames(
    file: Path, start: float | None, stop: float | None, every: int, first: int, scaling: Interpolation
) -> Iterator[Frame]:
    reformatter = VideoReformatter()
    with _opened(file) as (container, stream):
        stream.thread_type = "AUTO"
        time_base = Fraction(stream.time_base or 1)
        pictures = decoded(file, container, stream, _origin(container), field_order(file))
        for index, (stored, pts, duration, damaged) in enumerate(pictures):
            if index == 0:
                _check_not_mirrored(file, stored)
            if stop is not None and pts * time_base >= stop:
                return
            if index >= first and index % every == 0 and (start is None or pts * time_base >= start):
                image = _to_rgb(stored, reformatter, scaling)
                yield Frame(image, index, pts, duration, time_base, stored, damaged)


def _check_not_mirrored(file: Path, frame: av.VideoFrame) -> None:
    """Raise if the stored pictures are to be mirrored, not only turned: the determinant of their matrix tells."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return
    across, down, _, back, up = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if across * up < down * back:
        raise VideoError(
            f"{file} asks to be shown mirrored, which is not supported; write its pictures anew as they are shown "
            "(ffmpeg -i in.mp4 out.mp4 does)"
        )


def _to_rgb(frame: av.VideoFrame, reformatter: VideoReformatter, scaling: Interpolation) -> np.ndarray:
    matrix = matrix_of(int(frame.colorspace), frame.height)
    layout = "rgb24" if scaling == ROUGH else "gbrp"  # FFmpeg interpolates colours more than twice as quickly in planes
    picture = reformatter.reformat(frame, format=layout, src_colorspace=matrix, interpolation=scaling, threads=1)
    if scaling == ROUGH:
        image: np.ndarray = picture.to_ndarray()
    else:
        green, blue, red = map(pixels, picture.planes)
        image = cv2.merge([red, green, blue])
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90))) if frame.rotation else image


def matrix_of(tag: int, height: int) -> Colorspace:
    """The matrix of a tag; what is untagged counts as BT.709 from 720 lines on and as BT.601 below."""
    return MATRICES.get(tag, Colorspace.ITU709 if height >= 720 or tag != UNTAGGED else Colorspace.ITU601)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    if file.stat().st_size == 0:
        raise VideoError(f"{file} is empty (0 bytes); copy or download it anew")
    try:
        with av.open(str(file)) as container:
            _check_length(file, container)
            yield container, _picture_stream(file, container)
    except av.FFmpegError as error:
        raise VideoError(
            f"{file} cannot be read as a video: it is damaged, cut short or something else ({error.strerror}); "
            "play it in a video player to check it, and copy it anew"
        ) from error


def _check_length(file: Path, container: InputContainer) -> None:
    """Raise if a file that says how long it is, is shorter."""
    announced, found = announced_bytes(file) if "matroska" in container.format.name else 0, file.stat().st_size
    if found < announced:
        raise VideoError(f"{file} is cut short: it announces {announced} bytes and has {found}; copy it anew")


def _picture_stream(file: Path, container: InputContainer) -> VideoStream:
    name = container.format.name
    if name.endswith("_pipe") or name in ("image2", "tty"):
        raise VideoError(f"{file} is not a video (it looks like {name}); give a video file such as .mp4, .mov or .mkv")
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            return stream
    raise VideoError(f"{file} has no picture, only {len(container.streams.audio)} sound track(s); give a video file")


def _origin(container: InputContainer) -> Fraction:
    """Seconds on the container's clock at which its first stream begins."""
    return Fraction(max(container.start_time or 0, 0), av.time_base)


def _duration(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration:
        return float(stream.duration * (stream.time_base or 1))
    if "DURATION" in stream.metadata:
        return _tag_seconds(stream.metadata["DURATION"])
    return (container.duration or 0) / av.time_base


def _measured_rate(times: Sequence[Fraction]) -> Fraction | None:
    """Average frames per second by the frames' times: a usual rate, if it is about that; None where none follows."""
    span = max(times) - min(times)
    if not span:
        return None
    measured = (len(times) - 1) / span
    usual = min(USUAL_RATES, key=lambda rate: abs(rate - measured))
    return usual if abs(usual / measured - 1) < USUAL_TOLERANCE else measured.limit_denominator(1001)


def _tag_seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def joined_recordings(file: Path) -> list[Recording]:
    """The recordings that a file is joined of; one, usually."""
    with _opened(file) as (container, stream):
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        return recordings(container.demux(stream), 1 / rate)


def _times(joined: Sequence[Recording]) -> list[Fraction]:
    """When each picture is shown, in seconds on the file's clock, in the order of the file."""
    return [one.shift + time for one in joined for time in one.times]
