"""First pass of a conversion: follow every face through the video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from prefetch_generator import BackgroundGenerator
from tqdm.auto import tqdm

from fsgan_utils.conversion.bridging import bridge
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.frames import expected_frames, source_frames
from fsgan_utils.conversion.swap import build_detector
from fsgan_utils.conversion.tracks import FaceTracks, Notes
from fsgan_utils.conversion.work import Work, digest, stretch_of
from fsgan_utils.extraction import FaceDetector, FaceTracker, Sighting, Source
from fsgan_utils.landmarks import CLOSE_LOOKS, QUICK_LOOKS, Looks
from fsgan_utils.video import Frame

FRAMES_AHEAD = 16


def looks_at(source: Source, guided: bool) -> Looks:
    """How each face is looked at again, for a more exact mesh, see `FaceMesh.refine`.

    A guided model draws by it; for others it hardly makes a difference in a video, whose faces are steadied.
    """
    if source.photographs:
        return CLOSE_LOOKS
    return QUICK_LOOKS if guided else ()


def follow_faces(
    source: Source,
    config: ConvertConfig,
    detector: FaceDetector | None = None,
    folder: Path | None = None,
    guided: bool = True,
) -> FaceTracks:
    """Follow every face through a video; photographs have nothing to do with each other.

    A face that is missed for a few frames counts as followed (`bridge`).

    Args:
        source: the video or the photographs.
        config: the stretch of time, what aligns the faces, and how often the detector looks.
        detector: finds the faces; None for the one that the settings describe.
        folder: where to note what has been found; what a killed run noted there is taken over, as far as it is whole.
            None for nowhere.
        guided: whether a guided model is to draw the faces, see `looks_at`.

    Raises:
        VideoError: the video is damaged.
    """
    tracker = FaceTracker(detector or build_detector(config), config.landmarks, config.redetect_every)
    notes = Notes(folder)
    if notes.tracker is not None:
        tracker.restore(notes.tracker)
    frames = BackgroundGenerator(source_frames(source, config, notes.last_frame or 0, rough=True), FRAMES_AHEAD)
    before = None if notes.last_frame is None else next(frames).image
    followed = BackgroundGenerator(_followed(frames, tracker, bool(source.photographs)), FRAMES_AHEAD)
    total = expected_frames(source, config)
    looks = looks_at(source, guided)
    for frame, sightings, shot, state in tqdm(followed, "following faces", total, initial=notes.frames, unit="frame"):
        notes.add(frame, [tracker.refined(one, looks) for one in sightings], shot, before)
        before = frame.image
        if state is not None:
            notes.write(state)
    size = (0, 0) if source.info is None else (source.info.width, source.info.height)
    return bridge(notes.all(digest(stretch_of(source, config)), size))


def _followed(
    frames: Iterable[Frame], tracker: FaceTracker, photographs: bool
) -> Iterator[tuple[Frame, list[Sighting], int, dict[str, Any] | None]]:
    """The faces of each frame, the number of its shot, and where a part is full, the tracker's state after it."""
    for number, frame in enumerate(frames, start=1):
        if photographs:
            tracker.reset()
        sightings, _ = tracker.update(frame.image)
        yield frame, sightings, tracker.shot, None if number % Work.FRAMES_A_PART else tracker.state()
