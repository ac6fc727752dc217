"""What a conversion did, in numbers and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsgan_utils.conversion.plan import Plan
from fsgan_utils.conversion.stability import acceleration
from fsgan_utils.conversion.tracks import FaceTracks


@dataclass(frozen=True)
class ConversionSummary:
    """What a conversion did.

    Attributes:
        output: the video, or the folder of pictures, it wrote.
        frames: frames, or photographs, read and written.
        swapped_frames: those with at least one swapped face.
        faceless_frames: those in which no face was found.
        swapped_faces: faces swapped, over all frames.
        left_alone: faces that stay as they were, over all frames, by the reason.
        source_jitter: mean acceleration of the faces' five points where they were found, in pixels a frame².
        jitter: the same of the swapped faces, divided by it; small is steady. None where there is none to measure.
        flicker: mean acceleration of the mean colour of the swapped regions, divided by that of the same regions of
            the source; 1 is as steady as the source. None where there is none to measure.
        seconds: how long it took.
        bridged_faces: swapped faces that were missed in their frame, but seen shortly before and after it.
        lost: beginnings and ends, in seconds of the source, of the times in which a swapped face was lost though its
            shot went on, behind a hand say; it fades out before and in after.
        resumed_frames: frames that an earlier run, which was interrupted, had done.
        notes: what else there is to know.
    """

    output: Path
    frames: int
    swapped_frames: int
    faceless_frames: int
    swapped_faces: int
    left_alone: Mapping[str, int]
    source_jitter: float
    jitter: float | None
    flicker: float | None
    seconds: float
    bridged_faces: int = 0
    lost: Sequence[tuple[float, float]] = ()
    resumed_frames: int = 0
    notes: Sequence[str] = ()

    @property
    def left_alone_faces(self) -> int:
        """Faces that stay as they were, over all frames."""
        return sum(self.left_alone.values())

    @property
    def frames_per_second(self) -> float:
        """Frames converted per second, without those of an earlier run."""
        return (self.frames - self.resumed_frames) / self.seconds

    def __str__(self) -> str:
        """A few lines for the screen."""
        lines = [
            f"{self.output}: {self.frames} frames in {self.seconds:.1f} s, {self.frames_per_second:.1f} a second",
            f"frames with a swapped face: {self.swapped_frames}, without a face: {self.faceless_frames}",
            f"faces swapped: {self.swapped_faces}, left alone: {self.left_alone_faces}",
            *(f"  {count} {reason}" for reason, count in self.left_alone.items()),
        ]
        if self.bridged_faces:
            lines.append(f"faces missed for a moment, and swapped all the same: {self.bridged_faces}")
        if self.lost:
            spans = ", ".join(f"{_clock(begin)}–{_clock(stop)}" for begin, stop in self.lost)
            lines.append(f"a swapped face was lost, and faded out and in: {spans}")
        if self.jitter is not None:
            lines.append(f"jitter: {self.jitter:.2f} of what was found ({self.source_jitter:.2f} pixels a frame²)")
        if self.flicker is not None:
            lines.append(f"flicker: {self.flicker:.2f} of the source's")
        if self.resumed_frames:
            lines.append(f"{self.resumed_frames} frames were there from a run that was interrupted")
        return "\n".join([*lines, *self.notes])


def summarise(
    output: Path,
    tracks: FaceTracks,
    plan: Plan,
    parts: Sequence[dict[str, Any]],
    resumed_frames: int,
    seconds: float,
    notes: Sequence[str],
) -> ConversionSummary:
    """Add up what the passes noted.

    Args:
        output: what was written.
        tracks: from the first pass.
        plan: what was to be swapped.
        parts: the notes of all parts: "tints", as `SwappedFrame.tints` with the frame's index before.
        resumed_frames: how many frames an earlier run had done.
        seconds: how long it took.
        notes: what else there is to know.
    """
    tints = np.array([row for part in parts for row in part["tints"]], np.float64).reshape(-1, 8)
    return ConversionSummary(
        output=output,
        frames=tracks.frames,
        swapped_frames=len(plan.faces),
        faceless_frames=tracks.faceless,
        swapped_faces=sum(len(faces) for faces in plan.faces.values()),
        left_alone=dict(plan.left_alone),
        source_jitter=plan.source_jitter,
        jitter=plan.jitter / plan.source_jitter if plan.source_jitter else None,
        flicker=_flicker(tints),
        seconds=seconds,
        bridged_faces=plan.bridged,
        lost=tuple(plan.lost),
        resumed_frames=resumed_frames,
        notes=tuple(notes),
    )


def _clock(seconds: float) -> str:
    """A time as it is told: 3.24 is 0:03.2, 3725 is 1:02:05.0."""
    tenths = round(10 * seconds)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:{minutes:02}' if hours else minutes}:{rest / 10:04.1f}"


def _flicker(tints: np.ndarray) -> float | None:
    """Ratio of the acceleration of the mean colours, result to source; rows are frame, track, result and source."""
    result, source = [], []
    for track in np.unique(tints[:, 1]):
        own = tints[tints[:, 1] == track]
        frames = own[:, 0].astype(int)
        result.append(acceleration(own[:, 2:5], frames))
        source.append(acceleration(own[:, 5:8], frames))
    before = float(np.concatenate(source).sum()) if source else 0.0
    return float(np.concatenate(result).sum()) / before if before else None
