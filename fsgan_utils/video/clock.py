"""Clocks that start again in the middle of a file: they are made to run on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from av.packet import Packet

STEPS_BACK, SECONDS_BACK = 2, Fraction(1, 10)
"""By so many usual distances of two frames, and so many seconds, time has to jump back for another recording to begin
there."""


@dataclass
class RunningClock:
    """Gives frames, in the order they are shown, times that only grow.

    Recordings that were joined as they were, such as those of camcorders and downloads of live streams, each begin
    at a time of their own. A frame that lies before the last one by less than that is put just after it.

    Attributes:
        usual: ticks between two frames.
        jump: ticks by which time has to jump back for another recording to begin.
        shift: ticks that are added at present.
    """

    usual: int
    jump: int
    shift: int = 0
    _end: int | None = None
    _last: int | None = None

    @classmethod
    def of(cls, usual: Fraction, time_base: Fraction) -> RunningClock:
        """The clock of frames that usually follow each other after so many seconds."""
        return cls(max(1, round(usual / time_base)), round(_jump(usual) / time_base))

    def time(self, ticks: int, duration: int) -> int:
        """When a frame is shown, by this clock.

        Args:
            ticks: when it is by the file.
            duration: how long it is shown, in ticks; 0 where the file does not say.
        """
        shown = ticks + self.shift
        if self._last is not None and self._end is not None and shown <= self._last:
            if shown <= self._last - self.jump:
                self.shift += self._end - shown
                shown = self._end
            else:
                shown = self._last + 1
        self._last, self._end = shown, shown + (duration or self.usual)
        return shown


@dataclass
class Recording:
    """One of the recordings that a file is joined of.

    Attributes:
        shift: seconds that are added to its times, so that it goes on where the one before it ended.
        times: when its pictures are shown, in seconds by the file, in the order of the file.
        lasts: for how long the last of them is.
    """

    shift: Fraction
    times: list[Fraction]
    lasts: Fraction

    @property
    def end(self) -> Fraction:
        """Second at which it ends, by the running clock."""
        return self.shift + max(self.times) + self.lasts


def recordings(packets: Iterable[Packet], usual: Fraction) -> list[Recording]:
    """Find where the clock of a video's packets starts again.

    Args:
        packets: of the video, in the order of the file.
        usual: seconds between two frames.

    Returns:
        One recording for an ordinary file; none for one without pictures.
    """
    found: list[Recording] = []
    before = None
    for packet in packets:
        ticks = packet.dts if packet.pts is None else packet.pts
        if not packet.size or ticks is None:
            continue
        lasts = (packet.duration or 0) * packet.time_base or usual
        decoded = None if packet.dts is None else packet.dts * packet.time_base
        if not found or (before is not None and decoded is not None and decoded <= before - _jump(usual)):
            found.append(Recording(Fraction(0), [], lasts))
        found[-1].lasts = lasts
        found[-1].times.append(ticks * packet.time_base)
        before = decoded
    for one, following in pairwise(found):
        following.shift = one.end - min(following.times)
    return found


def _jump(usual: Fraction) -> Fraction:
    return max(STEPS_BACK * usual, SECONDS_BACK)
