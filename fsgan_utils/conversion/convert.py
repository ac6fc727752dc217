"""Swap the faces of a whole video."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from prefetch_generator import BackgroundGenerator
from tqdm.auto import tqdm

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.smoothing import FaceSmoother
from fsgan_utils.conversion.swap import Generator, Swapped, build_detector, swap_faces
from fsgan_utils.extraction import FaceDetector, Sighting
from fsgan_utils.faces import Face
from fsgan_utils.video import Frame, VideoError, VideoInfo, VideoWriter, is_cut, probe, read_frames, signature
from fsgan_utils.workspace import existing_file, resolve

PANELS = {"result": 1, "pair": 2, "triple": 3}
BACKDROP = 0.15
"""How bright the source shines through beside the mask, as in v2.2."""


@dataclass(frozen=True)
class ConversionSummary:
    """What a conversion did.

    Attributes:
        output: the video it wrote.
        frames: frames read and written.
        swapped_frames: frames with at least one swapped face.
        faceless_frames: frames in which no face was found.
        swapped_faces: faces swapped, over all frames.
        left_alone_faces: faces that could not be aligned and stay as they were.
        seconds: how long it took.
    """

    output: Path
    frames: int
    swapped_frames: int
    faceless_frames: int
    swapped_faces: int
    left_alone_faces: int
    seconds: float

    @property
    def frames_per_second(self) -> float:
        """Frames converted per second."""
        return self.frames / self.seconds


def convert_video(
    source: str | Path,
    output: str | Path,
    model: Generator,
    config: ConvertConfig | None = None,
    detector: FaceDetector | None = None,
) -> ConversionSummary:
    """Swap every face of a video and write the result, with the same frames, times and sound.

    The output appears when it is complete; when anything fails, a file that had its name is still there.

    Args:
        source: the video.
        output: the file to write: .mp4, .m4v, .mov, .mkv or .webm.
        model: the trained model.
        config: the settings; v2.2's by default.
        detector: one made before, to save loading it again.

    Returns:
        Counts of what was done. Where no face was found at all, the video is written as it is, with a warning.

    Raises:
        FileNotFoundError: there is no such source.
        VideoError: the source is not a whole video, or the output cannot be written (it is the source, say).
    """
    config = config or ConvertConfig()
    begin = time.perf_counter()
    if resolve(output).resolve() == existing_file(source).resolve():
        raise VideoError(f"{resolve(output)} is the video to convert; give the output another name")
    info = probe(source)
    size = (info.width * PANELS[config.layout], info.height)
    writer = VideoWriter(
        output, info, size=size, audio_from=source, start=config.start, stop=config.stop, synthetic=config.synthetic
    )
    counts: Counter[str] = Counter()
    with writer:
        for frame, swapped in _swapped_frames(info, model, config, detector or build_detector(config)):
            writer.write(_lay_out(frame.image, swapped, config.layout), frame)
            _count(counts, swapped)
    if not counts["swapped_faces"]:
        warnings.warn(f"no face was swapped in {info.path}; {_advice(config)}", stacklevel=2)
    return ConversionSummary(
        writer.path,
        counts["frames"],
        counts["swapped_frames"],
        counts["faceless_frames"],
        counts["swapped_faces"],
        counts["left_alone_faces"],
        time.perf_counter() - begin,
    )


def _swapped_frames(
    info: VideoInfo, model: Generator, config: ConvertConfig, detector: FaceDetector
) -> Iterator[tuple[Frame, Swapped]]:
    """Read, detect, steady and swap, a batch of frames at a time, while the next frames are being decoded."""
    smoother = FaceSmoother(config.smoothing, config.kalman_noise, config.moving_average)
    last: np.ndarray | None = None
    with tqdm(total=_expected_frames(info, config), unit="frame", desc="converting") as progress:
        batches = _batches(read_frames(info.path, config.start, config.stop), config.batch)
        for batch in BackgroundGenerator(batches, max_prefetch=2):
            images = [frame.image for frame in batch]
            signatures = [signature(image) for image in images]
            steady = _steady(detector.detect(images), signatures, last, smoother)
            sightings = [[Sighting(face, None, None, None) for face in group] for group in steady]
            yield from zip(batch, swap_faces(images, sightings, model, config), strict=True)
            last = signatures[-1]
            progress.update(len(batch))


def _steady(
    found: Sequence[Sequence[Face]], signatures: Sequence[np.ndarray], last: np.ndarray | None, smoother: FaceSmoother
) -> list[list[Face]]:
    result = []
    for faces, current in zip(found, signatures, strict=True):
        if last is not None and is_cut(last, current):
            smoother.reset()
        result.append(smoother.update(faces))
        last = current
    return result


def _lay_out(source: np.ndarray, swapped: Swapped, layout: str) -> np.ndarray:
    if layout == "result":
        return swapped.image
    panels = [source, swapped.image]
    if layout == "triple":
        panels.append(np.clip(255 * swapped.mask[..., None] + BACKDROP * source, 0, 255).astype(np.uint8))
    return np.concatenate(panels, axis=1)


def _count(counts: Counter[str], swapped: Swapped) -> None:
    counts["frames"] += 1
    counts["swapped_frames"] += swapped.swapped > 0
    counts["faceless_frames"] += swapped.swapped + swapped.left_alone == 0
    counts["swapped_faces"] += swapped.swapped
    counts["left_alone_faces"] += swapped.left_alone


def _batches(frames: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    frames = iter(frames)
    while batch := list(islice(frames, size)):
        yield batch


def _expected_frames(info: VideoInfo, config: ConvertConfig) -> int:
    begin, end = config.start or 0, min(config.stop or info.duration, info.duration)
    return max(0, round(info.frames * (end - begin) / info.duration)) if info.duration else info.frames


def _advice(config: ConvertConfig) -> str:
    return f"try a smaller min_face (now {config.min_face}) or a lower threshold (now {config.threshold})"
