"""First pass of a conversion: follow every face through the video."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np
from prefetch_generator import BackgroundGenerator
from tqdm.auto import tqdm

from fsgan_utils.conversion.bridging import bridge
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.frames import expected_frames, source_frames
from fsgan_utils.conversion.swap import build_detector
from fsgan_utils.conversion.work import Work, digest, stretch_of
from fsgan_utils.extraction import FaceDetector, FaceTracker, Sighting, Source
from fsgan_utils.extraction.tracking import LOOK_SIDE
from fsgan_utils.landmarks import CLOSE_LOOKS, QUICK_LOOKS, REFINED_POINTS, Looks
from fsgan_utils.video import Frame

SAMPLE_EVERY = 24
"""Of a track, every so many frames the aligned face is kept, to tell whose track it is."""
FRAMES_AHEAD = 16
JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False)
class FaceTracks:
    """The faces of a video; row i of each array of N is one face in one frame, in the order of the frames.

    Attributes:
        stretch: what tells the source and the stretch of time from others.
        index: int64 (F,), indices in the file of the frames that were looked at.
        time: float64 (F,), when each of them is shown, in seconds.
        shot: int64 (F,), number of the shot that each of them belongs to.
        faceless: how many of them show no face.
        frame: int64 (N,), index of the frame in the file.
        track: int64 (N,), number of the face's track. A track holds one person and lies within one shot.
        box: float32 (N, 4), x0, y0, x1, y1 in pixels.
        landmarks: float32 (N, 5, 2), as `Face.landmarks`.
        score: float32 (N,), 0 to 1.
        mesh: float32 (N, 470, 3), as `FaceMesh.refine` gives them, in pixels; NaN where FaceMesh saw no face, and the
            irises where no closer look was taken.
        look: uint8 (N, 24, 24), the aligned face, grey and small; zeros where it could not be aligned.
        bridged: bool (N,), whether the face was missed there, and laid in between where it was seen (`bridge`).
        sample_track: int64 (M,), the track of each sample.
        samples: M aligned faces, uint8 RGB (256, 256, 3) as JPEG.
    """

    stretch: str
    index: np.ndarray
    time: np.ndarray
    shot: np.ndarray
    faceless: int
    frame: np.ndarray
    track: np.ndarray
    box: np.ndarray
    landmarks: np.ndarray
    score: np.ndarray
    mesh: np.ndarray
    look: np.ndarray
    bridged: np.ndarray
    sample_track: np.ndarray
    samples: tuple[bytes, ...]

    def __len__(self) -> int:
        """Number of faces, over all frames."""
        return len(self.frame)

    @property
    def frames(self) -> int:
        """How many frames were looked at."""
        return len(self.index)

    @property
    def rate(self) -> float:
        """Frames a second, by the usual time from one to the next, whatever the file says; 1 of photographs."""
        usual = float(np.median(np.diff(self.time))) if self.frames > 1 else 0.0
        return 1 / usual if usual > 0 else 1.0

    @property
    def digest(self) -> str:
        """What tells these faces from others."""
        arrays = (self.index, self.frame, self.track, self.landmarks, self.mesh)
        return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()

    @property
    def rows_by_track(self) -> dict[int, np.ndarray]:
        """The rows of each track, in the order of the frames."""
        return {int(number): np.flatnonzero(self.track == number) for number in np.unique(self.track)}

    def sample(self, position: int) -> np.ndarray:
        """One of the samples: uint8 RGB (256, 256, 3)."""
        decoded = cv2.imdecode(np.frombuffer(self.samples[position], np.uint8), cv2.IMREAD_COLOR_RGB)
        return np.asarray(decoded, np.uint8)


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
    notes = _Notes(folder)
    if notes.tracker is not None:
        tracker.restore(notes.tracker)
    frames = BackgroundGenerator(source_frames(source, config, notes.next_frame, rough=True), FRAMES_AHEAD)
    followed = BackgroundGenerator(_followed(frames, tracker, bool(source.photographs)), FRAMES_AHEAD)
    total = expected_frames(source, config)
    looks = looks_at(source, guided)
    for frame, sightings, shot, state in tqdm(followed, "following faces", total, initial=notes.frames, unit="frame"):
        notes.add(frame, [tracker.refined(one, looks) for one in sightings], shot)
        if state is not None:
            notes.write(state)
    return bridge(notes.all(digest(stretch_of(source, config))))


def _followed(
    frames: Iterable[Frame], tracker: FaceTracker, photographs: bool
) -> Iterator[tuple[Frame, list[Sighting], int, dict[str, Any] | None]]:
    """The faces of each frame, the number of its shot, and where a part is full, the tracker's state after it."""
    for number, frame in enumerate(frames, start=1):
        if photographs:
            tracker.reset()
        sightings, _ = tracker.update(frame.image)
        yield frame, sightings, tracker.shot, None if number % Work.FRAMES_A_PART else tracker.state()


@dataclass
class _Part:
    """Faces of `Work.FRAMES_A_PART` frames, or of the last ones."""

    index: list[int] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    shot: list[int] = field(default_factory=list)
    faceless: int = 0
    rows: list[tuple] = field(default_factory=list)
    samples: list[tuple[int, bytes]] = field(default_factory=list)


class _Notes:
    """What has been found so far, in memory and part by part on disk."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._parts: list[dict[str, Any]] = list(_read_parts(folder)) if folder else []
        self._open = _Part()
        self._seen: dict[int, int] = {}
        for part in self._parts:
            for track in part["track"].tolist():
                self._seen[track] = self._seen.get(track, -1) + 1

    @property
    def next_frame(self) -> int:
        """Index of the first frame that has not been looked at."""
        return int(self._parts[-1]["index"][-1]) + 1 if self._parts else 0

    @property
    def frames(self) -> int:
        """How many frames have been looked at."""
        return sum(len(part["index"]) for part in self._parts)

    @property
    def tracker(self) -> dict[str, Any] | None:
        """State of the tracker after the last part; None before the first."""
        return json.loads(str(self._parts[-1]["tracker"])) if self._parts else None

    def add(self, frame: Frame, sightings: list[Sighting], shot: int) -> None:
        """Note the faces of the next frame, and the number of its shot."""
        self._open.index.append(frame.index)
        self._open.time.append(frame.time)
        self._open.shot.append(shot)
        self._open.faceless += not sightings
        for sighting in sightings:
            self._open.rows.append(_row(frame.index, sighting))
            track = sighting.face.track or 0
            seen = self._seen[track] = self._seen.get(track, -1) + 1
            if seen % SAMPLE_EVERY == 0 and sighting.crop is not None:
                self._open.samples.append((track, _as_jpeg(sighting.crop)))

    def write(self, tracker: dict[str, Any]) -> None:
        """Close a part."""
        part = self._closed() | {"tracker": json.dumps(tracker)}
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = _part(self._folder, len(self._parts))
            unfinished = path.with_name(f".{path.name}")
            np.savez(unfinished, **part)
            unfinished.replace(path)
        self._parts.append(part)
        self._open = _Part()

    def all(self, stretch: str) -> FaceTracks:
        """Everything found in a stretch of a source."""
        parts = [*self._parts, self._closed()]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in _ARRAYS}
        sizes = joined.pop("sample_sizes")
        jpegs = joined.pop("jpegs").tobytes()
        ends = np.cumsum(sizes)
        samples = tuple(jpegs[end - size : end] for end, size in zip(ends, sizes, strict=True))
        faceless = sum(int(part["faceless"]) for part in parts)
        bridged = np.zeros(len(joined["frame"]), bool)
        return FaceTracks(stretch=stretch, faceless=faceless, bridged=bridged, **joined, samples=samples)

    def _closed(self) -> dict[str, Any]:
        columns: list[Any] = list(zip(*self._open.rows, strict=True)) or [()] * len(ROW)
        tracks, jpegs = [track for track, _ in self._open.samples], [jpeg for _, jpeg in self._open.samples]
        return {
            name: np.array(column, dtype).reshape(-1, *shape)
            for column, (name, (dtype, shape)) in zip(columns, ROW.items(), strict=True)
        } | {
            "index": np.array(self._open.index, np.int64),
            "time": np.array(self._open.time, np.float64),
            "shot": np.array(self._open.shot, np.int64),
            "faceless": self._open.faceless,
            "sample_track": np.array(tracks, np.int64),
            "sample_sizes": np.array([len(jpeg) for jpeg in jpegs], np.int64),
            "jpegs": np.frombuffer(b"".join(jpegs), np.uint8),
        }


ROW: dict[str, tuple[type, tuple[int, ...]]] = {
    "frame": (np.int64, ()),
    "track": (np.int64, ()),
    "box": (np.float32, (4,)),
    "landmarks": (np.float32, (5, 2)),
    "score": (np.float32, ()),
    "mesh": (np.float32, (REFINED_POINTS, 3)),
    "look": (np.uint8, (LOOK_SIDE, LOOK_SIDE)),
}
"""What is noted of each face: its dtype and shape."""
_ARRAYS = (*ROW, "index", "time", "shot", "sample_track", "sample_sizes", "jpegs")


def _row(index: int, sighting: Sighting) -> tuple:
    face = sighting.face
    mesh = np.full((REFINED_POINTS, 3), np.nan)
    if sighting.mesh is not None:
        mesh[: len(sighting.mesh)] = sighting.mesh
    look = np.zeros((LOOK_SIDE, LOOK_SIDE)) if sighting.look is None else sighting.look
    return index, face.track or 0, face.box, face.landmarks, face.score, mesh, look


def _part(folder: Path, number: int) -> Path:
    return folder / f"faces_{number:05}.npz"


def _read_parts(folder: Path) -> Iterator[dict[str, Any]]:
    """The parts from the first on, up to one that is not there or not whole (its archive's checksums tell)."""
    for number in count():
        try:
            with _part(folder, number).open("rb") as file, np.load(file) as part:
                yield dict(part)
        except (FileNotFoundError, ValueError, EOFError, BadZipFile):
            return


def _as_jpeg(crop: np.ndarray) -> bytes:
    _, encoded = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
