"""Swap the faces of a whole video, in two passes: follow every face, then draw, steady, blend and write."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from prefetch_generator import BackgroundGenerator
from tqdm.auto import tqdm

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.following import follow_faces, looks_at
from fsgan_utils.conversion.frames import source_frames
from fsgan_utils.conversion.generator import Generator, proportions_of
from fsgan_utils.conversion.plan import Plan, plan_swaps
from fsgan_utils.conversion.steps import draw
from fsgan_utils.conversion.stream import SwappedFrame, swapped_frames, window_radius
from fsgan_utils.conversion.summary import ConversionSummary, summarise
from fsgan_utils.conversion.swap import build_detector
from fsgan_utils.conversion.targets import PartWriter, Target, lay_out, open_target
from fsgan_utils.conversion.tracks import FaceTracks
from fsgan_utils.conversion.whose import doubts_of_plan
from fsgan_utils.conversion.work import Work, digest, faces_made_from, frames_made_from, stretch_of
from fsgan_utils.extraction import FaceDetector, Source
from fsgan_utils.extraction.folders import writing_to
from fsgan_utils.extraction.sources import damaged_seconds, reading_notes
from fsgan_utils.locking import only_run_on
from fsgan_utils.video import VideoError

WORKERS = 2
"""Threads that fit colours and lay faces into frames, beside those that decode, cut out, draw and encode."""
WAITING = 16
"""Frames that may wait to be encoded."""


def convert_video(
    source: str | Path,
    output: str | Path,
    model: Generator,
    config: ConvertConfig | None = None,
    detector: FaceDetector | None = None,
    tracks: FaceTracks | None = None,
) -> ConversionSummary:
    """Swap the faces of a video and write the result, with the same frames, times, colours and sound.

    The output appears when it is complete; until then what is done lies in a hidden folder beside it. A run that was
    interrupted goes on from there when it is called again with the same source, settings and model, and gives the same
    frames as one that was not; with other settings, the faces that were found are taken over where they would be found
    again. When anything fails, what had the output's name before is still there.

    Args:
        source: the video; or a folder of photographs, or one photograph, each of which is swapped for itself.
        output: the video to write: .mp4, .m4v, .mov, .mkv or .webm; or a folder, for PNG pictures. Of photographs the
            folder, or of a single one the picture.
        model: the trained model.
        config: the settings.
        detector: one made before, to save loading it again.
        tracks: what `follow_faces` gave for the same source and settings, to save doing it again.

    Returns:
        Counts of what was done. Where nothing was swapped, the video is written as it is, with a warning. Where the
        faces to swap do not look like the person replaced, a warning says so before the second pass, and a note after.

    Raises:
        FileNotFoundError: there is no such source.
        ValueError: the settings name a track or a person that is not there, the tracks are of another source, or the
            model is damaged.
        BusyError: another run is writing the same output.
        VideoError: the source is not a whole video, or the output cannot be written (it is the source, say).
        OSError: the output's folder cannot be written (a full disk, say); what is done is kept for the next run.
    """
    begin = time.perf_counter()
    opened = Source.open(source)
    config = _without_time(config or ConvertConfig()) if opened.photographs else config or ConvertConfig()
    detector = detector or build_detector(config)
    target = open_target(output, opened, config)
    drawn_by = _known_by(model, config)
    if tracks is not None and tracks.stretch != digest(stretch_of(opened, config)):
        raise ValueError(f"the tracks are those of another source than {opened.path}, or of another start or stop")
    guided = proportions_of(model) is not None
    found_in = faces_made_from(opened, config, detector, looks_at(opened, guided))
    made_from = frames_made_from(found_in, config, drawn_by, "" if tracks is None else tracks.digest)
    with only_run_on(target.path), writing_to(target.path):
        work = Work.open(target.path, found_in, made_from)
        for difference in work.differences():
            warnings.warn(
                f"frames made before with {difference} are kept until this run ends; to go on from them, stop it and "
                "take that again",
                stacklevel=2,
            )
        tracks = _follow(opened, config, detector, work, guided) if tracks is None else tracks
        plan = plan_swaps(tracks, model, config, tracks.rate)
        doubts = doubts_of_plan(tracks, plan, model, config)
        for doubt in doubts:
            warnings.warn(doubt, stacklevel=2)
        done = len(work.notes())
        resumed = min(done * Work.FRAMES_A_PART, tracks.frames)
        _SecondPass(opened, model, config, target, work).run(tracks, plan, done)
        parts = work.notes()
        damage = damaged_seconds(tracks.time[tracks.damaged], tracks.rate)
        found = [*doubts, *_left_out(opened, tracks), *reading_notes(opened), *_damage_notes(damage)]
        notes = [*found, *target.join(work, parts)]
        work.clear()
    if damage:
        warnings.warn(f"{opened.path} is damaged at {damage}; look at what became of it there", stacklevel=2)
    summary = summarise(target.path, tracks, plan, parts, resumed, time.perf_counter() - begin, notes)
    if not summary.swapped_faces:
        warnings.warn(f"no face was swapped in {opened.path}; {_advice(summary, config)}", stacklevel=2)
    return summary


def _without_time(config: ConvertConfig) -> ConvertConfig:
    """The settings for photographs, of which none comes before another."""
    return replace(config, smoothing="none", steady_colors=0.0)


def _known_by(model: Generator, config: ConvertConfig) -> str:
    """Let a model draw once, before anything is written, and tell it from others; a damaged one raises ValueError."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    drawn = draw([noise], model, config)
    fingerprint = getattr(model, "fingerprint", None)
    return fingerprint() if fingerprint else hashlib.sha256(np.round(drawn, 3).tobytes()).hexdigest()


def _left_out(source: Source, tracks: FaceTracks) -> list[str]:
    """Which photographs could not be read, in words."""
    missing = sorted({*range(len(source.photographs))} - set(tracks.index.tolist()))
    return [f"{source.photographs[index].name} could not be read and is left out" for index in missing]


def _damage_notes(damage: str) -> list[str]:
    return (
        [f"the source is damaged at {damage}; what could be decoded was converted, look at it there"] if damage else []
    )


def _follow(source: Source, config: ConvertConfig, detector: FaceDetector, work: Work, guided: bool) -> FaceTracks:
    """First pass; of a source that turns out not to be whole, or empty, nothing is kept."""
    try:
        tracks = follow_faces(source, config, detector, work.faces, guided)
        if not tracks.frames:
            raise VideoError(
                f"{source.path} has no frame to convert; is the stretch of time beyond the video's end, or can none of "
                "the photographs be read?"
            )
    except VideoError:
        work.abandon()
        raise
    return tracks


class _Written(NamedTuple):
    """Of a frame that was written: the colours of what changed, and for how many seconds it is shown."""

    tints: list[list[float]]
    lasts: Fraction


@dataclass(frozen=True)
class _SecondPass:
    """Draws, steadies, blends and writes, part by part."""

    source: Source
    model: Generator
    config: ConvertConfig
    target: Target
    work: Work

    def run(self, tracks: FaceTracks, plan: Plan, first: int) -> None:
        """Write the parts from the one of number `first` on."""
        missing = range(first, -(-tracks.frames // Work.FRAMES_A_PART))
        if not missing:
            return
        start = first * Work.FRAMES_A_PART
        with (
            ThreadPoolExecutor(WORKERS) as workers,
            tqdm(desc="swapping", total=tracks.frames, initial=start, unit="frame") as progress,
        ):
            swapped = self._from(start, tracks, plan, workers)
            for number in missing:
                part = islice(swapped, Work.FRAMES_A_PART)
                note = self._write_part(number, part, progress)
                indices = tracks.index[number * Work.FRAMES_A_PART : (number + 1) * Work.FRAMES_A_PART]
                self.work.close_part(number, self.target.files(self.work, number, indices.tolist()), note)

    def _from(
        self, start: int, tracks: FaceTracks, plan: Plan, workers: ThreadPoolExecutor
    ) -> Iterator[Future[SwappedFrame]]:
        """The swapped frames from the one at `start` on, which has seen those before it in the usual batches."""
        seen_before = max(0, start - window_radius(self.config)) // self.config.batch * self.config.batch
        frames = source_frames(self.source, self.config, int(tracks.index[seen_before]))
        ahead = BackgroundGenerator(frames, 2 * self.config.batch)
        swapped = swapped_frames(ahead, plan.faces, self.model, self.config, workers)
        return islice(swapped, start - seen_before, None)

    def _write_part(self, number: int, promised: Iterable[Future[SwappedFrame]], progress: tqdm) -> dict[str, Any]:
        """Encode frames while the next are being drawn; return the part's note."""
        tints: list[list[float]] = []
        lasts = Fraction(0)
        waiting: deque[Future[_Written]] = deque()
        with self.target.part(self.work, number) as writer, ThreadPoolExecutor(1) as encoder:
            for one in promised:
                waiting.append(encoder.submit(self._write, writer, one))
                if len(waiting) > WAITING:
                    tints += waiting.popleft().result().tints
                progress.update()
            for written in waiting:
                tints += written.result().tints
                lasts = written.result().lasts
        return {"tints": tints, "lasts": str(lasts)}

    def _write(self, writer: PartWriter, promised: Future[SwappedFrame]) -> _Written:
        done = promised.result()
        image = lay_out(done.frame.image, done.swapped, self.config.layout)
        changed = [region.slices for region in done.swapped.changed] if image is done.swapped.image else None
        writer.write(image, done.frame, changed)
        tints = [[done.frame.index, *tint] for tint in done.tints]
        return _Written(tints, done.frame.duration * done.frame.time_base)


def _advice(summary: ConversionSummary, config: ConvertConfig) -> str:
    if summary.left_alone:
        return f"faces were left alone: {', '.join(f'{count} {why}' for why, count in summary.left_alone.items())}"
    return f"try a smaller min_face (now {config.min_face}) or a lower threshold (now {config.threshold})"
