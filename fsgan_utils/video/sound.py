"""The sound of one video carried into another, packet by packet."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from fsgan_utils.video.clock import Recording
from fsgan_utils.video.reading import VideoError, joined_recordings

TRIED_PACKETS = 20
"""So many packets of a track are written to see whether a container holds it: some refuse a codec only at the end."""
RESTARTED = Fraction(1, 10)
"""Seconds by which the time of a track has to jump back for another recording to begin there."""


@dataclass(frozen=True)
class Encoding:
    """How a sound track is encoded anew.

    Attributes:
        instead_of: name of the track's own codec.
        codec: name of the encoder.
        rate: samples a second.
        layout: FFmpeg's name of which channels there are.
    """

    instead_of: str
    codec: str
    rate: int
    layout: str


def plan_sound(source: Path, container: str) -> dict[int, Encoding | None]:
    """Find out how each sound track of a file comes into a container.

    Args:
        source: the file.
        container: FFmpeg's name of the format.

    Returns:
        By the track's index in the file: None where its packets can be copied, or how it has to be encoded.

    Raises:
        VideoError: a track can neither be copied nor encoded.
    """
    with av.open(str(source)) as reader:
        tracks = [track.index for track in reader.streams.audio]
    return {
        index: None if _can_copy(source, index, container) else _encoding(source, index, container) for index in tracks
    }


class SoundCopy:
    """Copies every sound track of a file into a container that is being written.

    The compressed packets are moved as they are. Only a codec that the new container cannot hold (PCM in
    WebM, say) is encoded anew, with the container's own default codec.

    Args:
        source: the file with the sound.
        output: the container; its video stream has been added, its first packet has not been written.
        plan: from `plan_sound`.
        origin: time in `source`, in seconds, that becomes time 0.
        start: where to begin, in seconds after `origin`; becomes time 0 of the output. 0 keeps the lead-in.
        stop: where to end, in seconds after `origin`; None for the end of the file.
    """

    def __init__(
        self,
        source: Path,
        output: OutputContainer,
        plan: Mapping[int, Encoding | None],
        origin: Fraction,
        start: Fraction,
        stop: Fraction | None,
    ) -> None:
        """Open the source and add its sound tracks to the output."""
        self._output = output
        self._shift = origin + start
        self._first = self._shift if start else None
        self._stop = None if stop is None else origin + stop
        self._source = source
        self._input: InputContainer = av.open(str(source))
        tracks = self._input.streams.audio
        self._tracks = {track.index: _add_track(output, track, plan[track.index]) for track in tracks}
        self._encodes = {index for index, encoding in plan.items() if encoding is not None}
        self._packets = self._wanted_packets(tracks)
        self._waiting = next(self._packets, None)

    def advance(self, time: Fraction | None) -> None:
        """Write every packet that begins before `time` (seconds of the output; None: all that are left)."""
        while self._waiting is not None and (time is None or _begin(self._waiting) - self._shift < time):
            self._write(self._waiting)
            self._waiting = next(self._packets, None)
        if time is None:
            self._flush()

    def close(self) -> None:
        """Let go of the source."""
        self._input.close()

    def _wanted_packets(self, tracks: tuple[AudioStream, ...]) -> Iterator[Packet]:
        if not tracks:
            return
        for packet in self._running(tracks):
            begin = _begin(packet)
            if (self._first is None or begin >= self._first) and (self._stop is None or begin < self._stop):
                yield packet

    def _running(self, tracks: tuple[AudioStream, ...]) -> Iterator[Packet]:
        """The packets; where the clock starts again, their times go on as the pictures' do, and none lies twice."""
        ends, joints = dict.fromkeys((track.index for track in tracks), Fraction(-1)), Counter[int]()
        for packet in self._input.demux(*tracks):
            if packet.pts is None or packet.size == 0:
                continue
            index, shift = packet.stream.index, self._shifts(joints[packet.stream.index])
            if _begin(packet) + shift < ends[index] - RESTARTED and self._shifts(joints[index] + 1) != shift:
                joints[index] += 1
                shift = self._shifts(joints[index])
            ticks = round(shift / packet.time_base)
            packet.pts += ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
            lasts = (packet.duration or 0) * packet.time_base
            if joints[index] and _begin(packet) + lasts / 2 < ends[index]:
                continue
            ends[index] = _begin(packet) + lasts
            yield packet

    def _shifts(self, joint: int) -> Fraction:
        """What is added to the times after so many joints."""
        if joint == 0:
            return Fraction(0)
        return self._joined[min(joint, len(self._joined) - 1)].shift

    @cached_property
    def _joined(self) -> list[Recording]:
        return joined_recordings(self._source)

    def _write(self, packet: Packet) -> None:
        index = packet.stream.index
        track, shift = self._tracks[index], round(self._shift / packet.time_base)
        if index in self._encodes:
            for frame in packet.decode():
                frame.pts = None if frame.pts is None else frame.pts - shift
                self._output.mux(track.encode(cast(AudioFrame, frame)))
            return
        packet.pts = cast(int, packet.pts) - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = track
        self._output.mux(packet)

    def _flush(self) -> None:
        for index in self._encodes:
            self._output.mux(self._tracks[index].encode(None))


def _add_track(output: OutputContainer, track: AudioStream, encoding: Encoding | None) -> AudioStream:
    """Add a sound track to the output."""
    if encoding is None:
        copy = cast(AudioStream, output.add_stream_from_template(track))
        if _known_layout(track) != track.layout.name:
            copy.codec_context.layout = _known_layout(track)  # type: ignore[assignment]
    else:
        copy = cast(AudioStream, output.add_stream(encoding.codec, rate=encoding.rate))
        copy.layout = encoding.layout
    copy.metadata.update(track.metadata)
    return copy


def _can_copy(source: Path, index: int, container: str) -> bool:
    """Try it: write the beginning of a track into a container in memory."""
    try:
        with av.open(str(source)) as reader, av.open(io.BytesIO(), "w", format=container) as writer:
            track = reader.streams[index]
            copy = _add_track(writer, cast(AudioStream, track), None)
            for packet in islice((p for p in reader.demux(track) if p.size and p.pts is not None), TRIED_PACKETS):
                packet.stream = copy
                writer.mux(packet)
    except (ValueError, av.FFmpegError):
        return False
    return True


def _encoding(source: Path, index: int, container: str) -> Encoding:
    """The container's own codec, with the track's rate and channels where it takes them."""
    with av.open(str(source)) as reader, av.open(io.BytesIO(), "w", format=container) as writer:
        track, name = cast(AudioStream, reader.streams[index]), writer.default_audio_codec
        codec = av.Codec("libopus" if name == "opus" else name, "w")
        rates = codec.audio_rates or [track.rate]
        rate = track.rate if track.rate in rates else 48_000
        for layout in (_known_layout(track), f"{track.channels}c", "stereo"):
            if _opens(codec, rate, layout):
                return Encoding(track.codec_context.name, codec.name, rate, layout)
        raise VideoError(
            f"the sound of {source} ({track.codec_context.name}, {track.rate} Hz, {track.layout.name}) fits into no "
            f"codec of the output; write another format, such as .mkv"
        )


def _known_layout(track: AudioStream) -> str:
    """The name of a track's channels; of those that are only counted, the usual ones of that number."""
    return f"{track.channels}c" if "channels" in track.layout.name else track.layout.name


def _opens(codec: av.Codec, rate: int, layout: str) -> bool:
    context = cast(AudioCodecContext, codec.create("audio"))
    context.sample_rate, context.layout, context.format = rate, layout, (codec.audio_formats or [])[0]  # type: ignore[assignment]
    try:
        context.open()
    except av.FFmpegError:
        return False
    return True


def _begin(packet: Packet) -> Fraction:
    return cast(int, packet.pts) * packet.time_base
