"""Videos out: each frame at its time, in the source's colours, with the source's sound."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from types import TracebackType
from typing import cast

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream

from fsgan_utils.video.encoders import APPLE, ENCODERS, HOLD_ODD_SIZES, LARGEST_CRF, MUXERS, codec_of
from fsgan_utils.video.look import check_aspect, clock, copy_head, copy_look
from fsgan_utils.video.parts import Part, with_halved_colors, with_parts
from fsgan_utils.video.reading import (
    ROUGH,
    SCALING,
    Frame,
    VideoError,
    VideoInfo,
    check_range,
    matrix_of,
    probe,
    read_frames,
)
from fsgan_utils.video.sound import Encoding, SoundCopy, plan_sound
from fsgan_utils.workspace import resolve

SYNTHETIC_COMMENT = "synthetic: faces in this video were generated (face swap)"
"""What the metadata of a video with generated faces says."""


class VideoWriter:
    """Writes a video; use it in a `with` statement.

    H.264 and HEVC have colours at every second pixel, and players show no other kind: where width or height is odd, the
    last column or row is repeated once.

    The file appears under its name only when the `with` block has ended well. Until then a hidden file beside
    it is written; when the block raises, that is removed and whatever had the name before is still there.

    Args:
        path: the file; its ending decides the container: .mp4, .m4v, .mov, .mkv or .webm.
        like: the video whose rate, clock, colours and size to take over.
        rate: frames per second; needed without `like`.
        size: (width, height) in pixels; needed without `like`.
        audio_from: a file whose sound is copied, without encoding it anew where the format allows; and whose title and
            chapters are.
        start: second of `audio_from`, and of the frames' times, that becomes time 0.
        stop: second of `audio_from` at which its sound ends.
        synthetic: state in the file's metadata that its faces are generated.
        codec: "h264", "hevc" or "vp9"; None for H.264, in .webm for VP9.
        quality: the encoder's constant rate factor, 0 (best) to 51; None for one at which no difference is to be seen.

    Attributes:
        reencoded_sound: names of the sound tracks' codecs that the container cannot hold, so that they are encoded
            anew.
        delay: seconds by which picture and sound begin late, because the sound has a lead-in and the container no time
            before zero; known when the file is finished.

    Raises:
        ValueError: neither `like` nor both `rate` and `size` are given, or the range is empty.
        VideoError: the container is not one of those above, does not hold the codec or the shape of its pixels, or
            can hold the sound in no way; or the file is the source of its own sound.
    """

    def __init__(
        self,
        path: str | Path,
        like: VideoInfo | None = None,
        *,
        rate: Fraction | float | None = None,
        size: tuple[int, int] | None = None,
        audio_from: str | Path | VideoInfo | None = None,
        start: float | None = None,
        stop: float | None = None,
        synthetic: bool = False,
        codec: str | None = None,
        quality: float | None = None,
    ) -> None:
        """Check the settings; nothing is opened yet."""
        if like is None and (rate is None or size is None):
            raise ValueError(f"give `like`, or both `rate` and `size`. Received: rate={rate}, size={size}")
        check_range(start, stop)
        self.path = resolve(path)
        self._like = like
        self._rate = Fraction(rate).limit_denominator(100_000) if rate is not None else like.rate  # type: ignore[union-attr]
        self._size = size or (like.width, like.height)  # type: ignore[union-attr]
        self._audio = audio_from if isinstance(audio_from, VideoInfo | None) else probe(audio_from)
        self._stretch = Fraction(start or 0), None if stop is None else Fraction(stop)
        self._synthetic = synthetic
        self._time_base = 1 / self._rate if like is None or rate is not None else clock(like, start)
        self._codec = codec_of(self.path, codec)
        self._quality = ENCODERS[self._codec].crf if quality is None else quality
        self._turns = round(like.rotation / 90) if like is not None else 0
        self.delay = self._begin = 0.0
        self._temporary = self.path.with_name(f".{self.path.stem}.partial{self.path.suffix}")
        self._reformatter = VideoReformatter()
        self._count = 0
        self._lasts: dict[int, int] = {}
        if not 0 <= self._quality <= LARGEST_CRF:
            raise ValueError(f"quality must be None or from 0 to {LARGEST_CRF}. Received: {quality}")
        if self._audio is not None and self.path.exists() and self._audio.path.samefile(self.path):
            raise VideoError(f"{self.path} would overwrite the video it is made from; choose another name")
        check_aspect(self.path, self._codec, like)
        self._sound_plan = self._plan_sound()
        self.reencoded_sound = [encoding.instead_of for encoding in self._sound_plan.values() if encoding]

    def __enter__(self) -> VideoWriter:
        """Open the hidden file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._container: OutputContainer = av.open(str(self._temporary), "w", options=self._container_options())
        try:
            if self._audio is not None:
                copy_head(self._audio.path, self._container, *self._stretch)
            if self._synthetic:
                self._container.metadata["comment"] = SYNTHETIC_COMMENT
            self._stream = self._add_picture()
            self._sound = self._add_sound()
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, image: np.ndarray, frame: Frame | None = None, changed: Sequence[Part] | None = None) -> None:
        """Append one picture.

        Args:
            image: uint8 RGB (H, W, 3) of the video's size.
            frame: the source's frame that it is made from, whose time and duration it takes; without it
                pictures follow each other at the video's rate.
            changed: the parts in which alone the image differs from the frame's: all else need not be converted, and
                stays as the source holds it. None for everywhere.

        Raises:
            ValueError: the image has another size or dtype than the video.
            VideoError: the encoder or the disk refused it.
        """
        width, height = self._size
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            raise ValueError(f"expected a uint8 image of {height, width, 3}. Received: {image.dtype} {image.shape}")
        if frame is not None and frame.stored is not None and changed is not None and self._holds(frame.stored):
            picture = with_parts(frame.stored, image, changed, self._to_yuv)
        else:
            picture = self._to_yuv(self._padded(np.rot90(image, -self._turns) if self._turns else image))
        picture.time_base = self._time_base
        picture.pts, picture.duration = self._when(frame)
        self._lasts[picture.pts] = picture.duration
        with self._named_errors():
            self._mux(self._stream.encode(picture))
            self._bring_sound_to(picture.pts * self._time_base)
        self._count += 1

    def append(self, part: Path, lasts: Fraction | None = None) -> None:
        """Append the pictures of a part of the video, without decoding them, at the times they have there.

        Args:
            part: a file that ends in `PART`, written by another `VideoWriter` with the same settings.
            lasts: how long its last picture is shown, in seconds; None for as long as usual.

        Raises:
            VideoError: the part is damaged, or the disk refused it.
        """
        with self._named_errors(), av.open(str(part)) as container:
            packets = (packet for packet in container.demux(video=0) if packet.size and packet.pts is not None)
            for packet, following in pairwise(chain(packets, (None,))):
                packet = cast(Packet, packet)
                if following is None and lasts is not None:
                    packet.duration = round(lasts / packet.time_base)
                packet.stream = self._stream
                self._bring_sound_to(cast(int, packet.pts) * packet.time_base)
                self._container.mux(packet)
                self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file and give it its name, or remove it."""
        if kind is None:
            self._finish()
        else:
            self._discard()

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            raise VideoError(f"frame {self._count} of {self.path} could not be written: {error}") from error

    def _mux(self, packets: Sequence[Packet]) -> None:
        """Write what was encoded, for as long as it is to be shown: encoders forget how long the last one is."""
        for packet in packets:
            packet.duration = self._lasts.pop(cast(int, packet.pts), 0) or packet.duration
            self._container.mux(packet)

    def _bring_sound_to(self, time: Fraction) -> None:
        if not self._count:
            self._begin = float(time)
        if self._sound is not None:
            self._sound.advance(time)

    def _finish(self) -> None:
        try:
            if not self._count:
                raise VideoError(f"no frame was written to {self.path}; is the stretch of time beyond the video's end?")
            self._mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.advance(None)
            self._container.close()
        except av.FFmpegError as error:
            self._discard()
            raise VideoError(f"{self.path} could not be finished: {error}") from error
        except VideoError:
            self._discard()
            raise
        self._close_sound()
        self._temporary.replace(self.path)
        if self._sound is not None:
            self.delay = next(read_frames(self.path)).time - self._begin

    def _discard(self) -> None:
        with contextlib.suppress(av.FFmpegError):
            self._container.close()
        self._close_sound()
        self._temporary.unlink(missing_ok=True)

    def _close_sound(self) -> None:
        if getattr(self, "_sound", None) is not None:
            self._sound.close()  # type: ignore[union-attr]

    def _container_options(self) -> dict[str, str]:
        """For MP4 a clock fine enough that a picture or sound that begins late does so exactly."""
        ticks = self._time_base.denominator
        clock = ticks * -(-10_000 // ticks)
        return {"movie_timescale": str(clock)} if self.path.suffix.lower() in APPLE else {}

    def _add_picture(self) -> VideoStream:
        encoder = ENCODERS[self._codec]
        options = {**encoder.options, "crf": f"{self._quality:g}"}
        width, height = self._stored_size
        stream = cast(
            VideoStream,
            self._container.add_stream(encoder.name, rate=self._rate, options=options, width=width, height=height),
        )
        stream.pix_fmt = "yuv420p"
        stream.time_base = self._time_base
        stream.codec_context.time_base = self._time_base
        if self._like is not None:
            copy_look(self._like, stream, height)
        if self._turns:
            stream.set_display_rotation(90 * self._turns)
        if self._codec == "hevc" and self.path.suffix.lower() in APPLE:
            stream.codec_context.codec_tag = "hvc1"
        return stream

    def _add_sound(self) -> SoundCopy | None:
        if self._audio is None or not self._audio.has_audio:
            return None
        return SoundCopy(self._audio.path, self._container, self._sound_plan, self._audio.origin, *self._stretch)

    def _plan_sound(self) -> dict[int, Encoding | None]:
        has_sound = self._audio is not None and self._audio.has_audio
        return plan_sound(self._audio.path, MUXERS[self.path.suffix.lower()]) if self._audio and has_sound else {}

    def _when(self, frame: Frame | None) -> tuple[int, int]:
        if frame is None:
            ticks = 1 / self._rate / self._time_base
            return round(self._count * ticks), round(ticks)
        begin = self._stretch[0]
        shown, lasts = (self._unrounded(ticks, frame.time_base) for ticks in (frame.pts, frame.duration))
        return round((shown - begin) / self._time_base), round(lasts / self._time_base)

    def _unrounded(self, ticks: int, time_base: Fraction) -> Fraction:
        """Seconds; where the source's clock is coarse, a whole number of frames that was rounded to it is restored."""
        seconds = ticks * time_base
        regular = round(seconds * self._rate) / self._rate
        return regular if time_base > self._time_base and abs(regular - seconds) < time_base else seconds

    def _holds(self, stored: av.VideoFrame) -> bool:
        """Whether a picture could be written as it is."""
        context = self._stream.codec_context
        own = (context.pix_fmt, *self._stored_size, int(context.colorspace), int(context.color_range))
        colours = int(stored.colorspace), int(stored.color_range)
        return not self._turns and own == (stored.format.name, stored.width, stored.height, *colours)

    @property
    def _stored_size(self) -> tuple[int, int]:
        """Width and height of the pictures in the file, which may be turned and padded."""
        width, height = self._size if self._turns % 2 == 0 else self._size[::-1]
        return written_size(width, height, self._codec)

    def _padded(self, image: np.ndarray) -> np.ndarray:
        width, height = self._stored_size
        more = ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0))
        return np.pad(image, more, mode="edge") if any(after for _, after in more) else image

    def _to_yuv(self, image: np.ndarray) -> av.VideoFrame:
        context = self._stream.codec_context
        full = context.color_range == ColorRange.JPEG
        halved = ENCODERS[self._codec].colors_left
        layout = "yuv444p" if halved else "yuv420p"
        picture = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"),
            format=layout,
            dst_colorspace=matrix_of(int(context.colorspace), context.height),
            dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            interpolation=ROUGH if halved else SCALING,  # as exact where no colours are halved, and quicker
            threads=1,
        )
        return with_halved_colors(picture) if halved else picture


def written_size(width: int, height: int, codec: str) -> tuple[int, int]:
    """Width and height of what `VideoWriter` writes by a codec, for pictures of some size."""
    return (width, height) if codec in HOLD_ODD_SIZES else (width + width % 2, height + height % 2)
