"""`faces.jsonl`: what is known of every saved face, one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fsgan_utils.faces import Alignment, Face
from fsgan_utils.video import Frame

FILE_NAME = "faces.jsonl"


@dataclass(frozen=True)
class FaceRecord:
    """One line of `faces.jsonl`.

    Attributes:
        file: name of the face's image in `raw_faces` and `aligned_faces`; the mask has the same stem.
        video: file name of the video.
        frame: number of the frame in the video, from 0.
        time: seconds since the video's start.
        box: x0, y0, x1, y1 in pixels of the frame.
        landmarks: five points (x, y) in pixels of the frame, ordered as `Face.landmarks`.
        score: the detector's confidence, 0 to 1.
        matrix: 2×3, maps frame (x, y, 1) to aligned crop (x, y).
        size: side of the aligned crop in pixels.
    """

    file: str
    video: str
    frame: int
    time: float
    box: list[float]
    landmarks: list[list[float]]
    score: float
    matrix: list[list[float]]
    size: int

    @classmethod
    def of(cls, file: str, video: Path, frame: Frame, face: Face, alignment: Alignment) -> FaceRecord:
        """Gather what is known of a face that was found."""
        return cls(
            file=file,
            video=video.name,
            frame=frame.index,
            time=frame.time,
            box=face.box.tolist(),
            landmarks=face.landmarks.tolist(),
            score=face.score,
            matrix=alignment.matrix.tolist(),
            size=alignment.size,
        )


def write_records(folder: Path, records: list[FaceRecord]) -> None:
    """Write `faces.jsonl` into a folder."""
    lines = [json.dumps(asdict(record)) for record in records]
    (folder / FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_records(folder: Path) -> list[FaceRecord]:
    """Read `faces.jsonl` out of a folder.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a line is not what `write_records` writes.
    """
    file = folder / FILE_NAME
    if not file.exists():
        raise FileNotFoundError(f"there is no {file}; run notebook 1 on a video first")
    records = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            records.append(FaceRecord(**json.loads(line)))
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(f"line {number} of {file} is damaged ({error}); run notebook 1 again") from error
    return records
