"""The sound of one video carried into another, packet by packet."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet


class SoundCopy:
    """Copies every sound track of a file into a container that is being written.

    The compressed packets are moved as they are. Only a codec that the new container cannot hold (PCM in
    WebM, say) is encoded anew, with the container's own default codec.

    Args:
        source: the file with the sound.
        output: the container; its video stream has been added, its first packet has not been written.
        origin: time in `source`, in seconds, that becomes time 0.
        start: where to begin, in seconds after `origin`; becomes time 0 of the output.
        stop: where to end, in seconds after `origin`; None for the end of the file.

    Attributes:
        reencoded: names of the codecs that had to be encoded anew.
    """

    def __init__(
        self, source: Path, output: OutputContainer, origin: Fraction, start: Fraction | None, stop: Fraction | None
    ) -> None:
        """Open the source and add its sound tracks to the output."""
        self._output = output
        self._shift = origin + (start or 0)
        self._first = None if start is None else self._shift
        self._stop = None if stop is None else origin + stop
        self._input: InputContainer = av.open(str(source))
        tracks = self._input.streams.audio
        self._tracks = {track.index: _add_track(output, track) for track in tracks}
        self.reencoded = [track.codec_context.name for track in tracks if self._tracks[track.index][1]]
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
        for packet in self._input.demux(*tracks):
            if packet.pts is None or packet.size == 0:
                continue
            begin = _begin(packet)
            if (self._first is None or begin >= self._first) and (self._stop is None or begin < self._stop):
                yield packet

    def _write(self, packet: Packet) -> None:
        track, encodes = self._tracks[packet.stream.index]
        shift = round(self._shift / packet.time_base)
        if encodes:
            for frame in packet.decode():
                frame.pts = None if frame.pts is None else frame.pts - shift
                self._output.mux(track.encode(cast(AudioFrame, frame)))
            return
        packet.pts = cast(int, packet.pts) - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = track
        self._output.mux(packet)

    def _flush(self) -> None:
        for track, encodes in self._tracks.values():
            if encodes:
                self._output.mux(track.encode(None))


def _add_track(output: OutputContainer, track: AudioStream) -> tuple[AudioStream, bool]:
    """Add a sound track to the output; whether its sound has to be encoded anew."""
    try:
        copy = cast(AudioStream, output.add_stream_from_template(track))
        encodes = False
    except ValueError:
        copy = cast(AudioStream, output.add_stream(output.default_audio_codec, rate=_sample_rate(output, track)))
        copy.layout = track.layout
        encodes = True
    copy.metadata.update(track.metadata)
    return copy, encodes


def _sample_rate(output: OutputContainer, track: AudioStream) -> int:
    return 48000 if "opus" in output.default_audio_codec else track.rate


def _begin(packet: Packet) -> Fraction:
    return cast(int, packet.pts) * packet.time_base
