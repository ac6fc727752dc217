"""`faces.jsonl`: what is known of every face that was found, one JSON object a line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "faces.jsonl"


@dataclass(frozen=True)
class FaceRecord:
    """One line of `faces.jsonl`.

    Attributes:
        file: name of the face's image in `raw_faces` and `aligned_faces`, or in `rejected_faces`; the mask has the
            same stem.
        source: file name of the video, or name of the folder of photographs.
        photograph: file name of the photograph; None for a frame of a video.
        frame: number of the frame in the video, or of the photograph in its folder, from 0.
        time: seconds since the video's start; 0 for a photograph.
        box: x0, y0, x1, y1 in pixels of the frame.
        landmarks: five points (x, y) in pixels of the frame, ordered as `Face.landmarks`.
        landmarks_from: what gave them, "facemesh" or "mtcnn"; they align the face.
        score: how sure that is of the face, 0 to 1.
        matrix: 2×3, maps frame (x, y, 1) to aligned crop (x, y); None for a face that was not aligned.
        size: side of the aligned crop in pixels.
        track: number of the stretch of frames through which the face was followed without a doubt.
        identity: number of the person, 0 for the one most often seen; None for a rejected face.
        blur: 0 sharp to 1 blurred; as yaw, pitch and roll None for a face that was not measured.
        yaw: degrees, positive towards the image's right.
        pitch: degrees, positive upwards.
        roll: degrees, positive leaning towards the image's right.
        rejected: why the face is not kept, in words; None for one that is.
        edges: how wide the face's edges are in four directions; see `edge_widths`.
        crop: how the aligned crop was cut, "half" or "full".
    """

    file: str
    source: str
    photograph: str | None
    frame: int
    time: float
    box: list[float]
    landmarks: list[list[float]]
    landmarks_from: str
    score: float
    matrix: list[list[float]] | None
    size: int
    track: int | None = None
    identity: int | None = None
    blur: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    rejected: str | None = None
    crop: str = "half"
    edges: list[float] | None = None

    def as_line(self) -> str:
        """The record as JSON, with the line's end."""
        return json.dumps(asdict(self)) + "\n"


def write_records(folder: Path, records: list[FaceRecord]) -> None:
    """Write `faces.jsonl` into a folder."""
    (folder / FILE_NAME).write_text("".join(record.as_line() for record in records), encoding="utf-8")


def read_records(folder: Path) -> list[FaceRecord]:
    """Read `faces.jsonl` out of a folder.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a line is not what `write_records` writes.
    """
    file = folder / FILE_NAME
    if not file.exists():
        raise FileNotFoundError(f"there is no {file}; run notebook 1 on a video first")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is damaged ({error}); run notebook 1 again") from error
    return parse_records(text, file)


def faces_by_person(records: Iterable[FaceRecord]) -> dict[int, int]:
    """Number of faces by identity, of records that were not rejected."""
    return dict(sorted(Counter(record.identity or 0 for record in records).items()))


def parse_records(text: str, file: Path) -> list[FaceRecord]:
    """Read records, one a line, that came out of a file.

    Raises:
        ValueError: a line is not what `FaceRecord.as_line` gives.
    """
    records = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            records.append(FaceRecord(**json.loads(line)))
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(f"line {number} of {file} is damaged ({error}); run notebook 1 again") from error
    return records
