"""The faces of a video, as they were followed, in memory and part by part on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np

from fsgan_utils.conversion.repeats import picture_change
from fsgan_utils.conversion.shots import SIDE, continued, surroundings
from fsgan_utils.extraction import Sighting
from fsgan_utils.extraction.tracking import LOOK_SIDE
from fsgan_utils.landmarks import REFINED_POINTS
from fsgan_utils.video import Frame

SAMPLE_EVERY, FIRST_SAMPLES = 24, 6
"""Of a track, every so many frames the aligned face is kept, to tell whose track it is; and of its first ones, every so
many, for in one frame a face may be turned or blurred."""
JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False)
class FaceTracks:
    """The faces of a video; row i of each array of N is one face in one frame, in the order of the frames.

    Attributes:
        stretch: what tells the source and the stretch of time from others.
        index: int64 (F,), indices in the file of the frames that were looked at.
        time: float64 (F,), when each of them is shown, in seconds.
        shot: int64 (F,), number of the shot that each of them belongs to.
        damaged: bool (F,), whether the decoder found errors there.
        faceless: how many of them show no face.
        frame: int64 (N,), index of the frame in the file.
        track: int64 (N,), number of the face's track. A track holds one person and lies within one shot.
        box: float32 (N, 4), x0, y0, x1, y1 in pixels.
        landmarks: float32 (N, 5, 2), as `Face.landmarks`.
        score: float32 (N,), 0 to 1.
        mesh: float32 (N, 470, 3), as `FaceMesh.refine` gives them, in pixels; NaN where FaceMesh saw no face, and the
            irises where no closer look was taken.
        look: uint8 (N, 24, 24), the aligned face, grey and small; zeros where it could not be aligned.
        change: float32 (N,), `picture_change` since the frame before; NaN where there is none.
        bridged: bool (N,), whether the face was missed there, and laid in between where it was seen (`bridge`).
        sample_track: int64 (M,), the track of each sample.
        samples: M faces in "full" crops, uint8 RGB (256, 256, 3) as JPEG.
        size: width and height of the frames in pixels; zeros where each has its own.
    """

    stretch: str
    index: np.ndarray
    time: np.ndarray
    shot: np.ndarray
    damaged: np.ndarray
    faceless: int
    frame: np.ndarray
    track: np.ndarray
    box: np.ndarray
    landmarks: np.ndarray
    score: np.ndarray
    mesh: np.ndarray
    look: np.ndarray
    change: np.ndarray
    bridged: np.ndarray
    sample_track: np.ndarray
    samples: tuple[bytes, ...]
    size: tuple[int, int]

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


@dataclass
class _Part:
    """Faces of `Work.FRAMES_A_PART` frames, or of the last ones."""

    index: list[int] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    shot: list[int] = field(default_factory=list)
    around: list[np.ndarray] = field(default_factory=list)
    damaged: list[bool] = field(default_factory=list)
    faceless: int = 0
    rows: list[tuple] = field(default_factory=list)
    samples: list[tuple[int, bytes]] = field(default_factory=list)


class Notes:
    """What has been found so far.

    Args:
        folder: where the parts are; those that a killed run wrote there are taken over, as far as they are whole. None
            for nowhere.
    """

    def __init__(self, folder: Path | None) -> None:
        """Read what is there."""
        self._folder = folder
        self._parts: list[dict[str, Any]] = list(_read_parts(folder)) if folder else []
        self._open = _Part()
        self._seen: dict[int, int] = {}
        for part in self._parts:
            for track in part["track"].tolist():
                self._seen[track] = self._seen.get(track, -1) + 1

    @property
    def last_frame(self) -> int | None:
        """Index of the last frame that has been looked at."""
        return int(self._parts[-1]["index"][-1]) if self._parts else None

    @property
    def frames(self) -> int:
        """How many frames have been looked at."""
        return sum(len(part["index"]) for part in self._parts)

    @property
    def tracker(self) -> dict[str, Any] | None:
        """State of the tracker after the last part; None before the first."""
        return json.loads(str(self._parts[-1]["tracker"])) if self._parts else None

    def add(self, frame: Frame, sightings: list[Sighting], shot: int, before: np.ndarray | None) -> None:
        """Note the faces of the next frame, the number of its shot, and how they changed since the picture before."""
        self._open.index.append(frame.index)
        self._open.time.append(frame.time)
        self._open.shot.append(shot)
        self._open.around.append(surroundings(frame.image))
        self._open.damaged.append(frame.damaged)
        self._open.faceless += not sightings
        for sighting in sightings:
            box = sighting.face.box
            change = np.nan if before is None else picture_change(before, frame.image, box)
            self._open.rows.append(_row(frame.index, sighting, change))
            track = sighting.face.track or 0
            seen = self._seen[track] = self._seen.get(track, -1) + 1
            due = seen % (FIRST_SAMPLES if seen < SAMPLE_EVERY else SAMPLE_EVERY) == 0
            if due and sighting.alignment is not None:
                self._open.samples.append((track, _as_jpeg(sighting.portrait)))

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

    def all(self, stretch: str, size: tuple[int, int]) -> FaceTracks:
        """Everything found in a stretch of a source, whose frames have this width and height."""
        parts = [*self._parts, self._closed()]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in _ARRAYS}
        around, (starts, stops) = joined.pop("around"), np.searchsorted(joined["frame"], joined["index"] + [[0], [1]])
        if size != (0, 0):
            boxes = [joined["box"][start:stop] for start, stop in zip(starts, stops, strict=True)]
            joined["shot"] = continued(joined["shot"], around, boxes, size)
        sizes = joined.pop("sample_sizes")
        jpegs = joined.pop("jpegs").tobytes()
        ends = np.cumsum(sizes)
        samples = tuple(jpegs[end - size : end] for end, size in zip(ends, sizes, strict=True))
        faceless = sum(int(part["faceless"]) for part in parts)
        bridged = np.zeros(len(joined["frame"]), bool)
        return FaceTracks(stretch=stretch, faceless=faceless, bridged=bridged, **joined, samples=samples, size=size)

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
            "around": np.array(self._open.around, np.uint8).reshape(-1, SIDE, SIDE),
            "damaged": np.array(self._open.damaged, bool),
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
    "change": (np.float32, ()),
}
"""What is noted of each face: its dtype and shape."""
_ARRAYS = (*ROW, "index", "time", "shot", "around", "damaged", "sample_track", "sample_sizes", "jpegs")


def _row(index: int, sighting: Sighting, change: float) -> tuple:
    face = sighting.face
    mesh = np.full((REFINED_POINTS, 3), np.nan)
    if sighting.mesh is not None:
        mesh[: len(sighting.mesh)] = sighting.mesh
    look = np.zeros((LOOK_SIDE, LOOK_SIDE)) if sighting.look is None else sighting.look
    return index, face.track or 0, face.box, face.landmarks, face.score, mesh, look, change


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
