"""Take the faces out of a video: find, align, save."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from prefetch_generator import BackgroundGenerator
from tqdm.auto import tqdm

from fsgan_utils.extraction.eye_boxes import eye_box_mask
from fsgan_utils.extraction.folders import replaced_folder, unused_name
from fsgan_utils.extraction.mtcnn import FaceDetector
from fsgan_utils.extraction.records import FILE_NAME, FaceRecord, read_records, write_records
from fsgan_utils.faces import Alignment, Face
from fsgan_utils.images import write_image
from fsgan_utils.video import Frame, VideoInfo, probe, read_frames
from fsgan_utils.workspace import Workspace

SAVE_FORMATS = ("png", "jpg")
CROP_SIZE = 256
FRAMES_AT_ONCE = 16
PREVIEWS = 6


class NoFaceError(ValueError):
    """No face was found where at least one is needed."""


@dataclass(frozen=True)
class Skipped:
    """A face that was found but not saved.

    Attributes:
        frame: number of the frame in the video, from 0.
        reason: why, in words.
    """

    frame: int
    reason: str


@dataclass
class Extraction:
    """What `extract_faces` did.

    Attributes:
        video: the video.
        folder: where the faces are.
        frames_read: frames of the video that were looked at.
        frames_with_faces: those in which at least one face was saved.
        faces: one record per saved face, as in `faces.jsonl`.
        skipped: faces that were found and not saved.
        kept_folder: where the faces of the video before went, or None.
        previews: a few of the frames, uint8 RGB, with boxes and points drawn.
    """

    video: Path
    folder: Path
    frames_read: int = 0
    frames_with_faces: int = 0
    faces: list[FaceRecord] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    kept_folder: Path | None = None
    previews: list[np.ndarray] = field(default_factory=list)

    def __str__(self) -> str:
        """A few lines for the screen."""
        lines = [
            f"{self.video.name}: looked at {self.frames_read} frames, found faces in {self.frames_with_faces}",
            f"saved {len(self.faces)} faces in {self.folder}",
        ]
        lines += [f"skipped a face in frame {skipped.frame}: {skipped.reason}" for skipped in self.skipped]
        if self.kept_folder:
            lines.append(f"the faces of the video before are kept in {self.kept_folder}")
        return "\n".join(lines)


def extract_faces(
    video: str | Path,
    workspace: Workspace,
    detector: FaceDetector | None = None,
    detect_every: int = 6,
    save_format: str = "png",
) -> Extraction:
    """Find the faces of a video and save them aligned, each by its own five points.

    Writes `faces/raw_faces`, `faces/aligned_faces` (256×256), `faces/binary_masks_eyes` (crude, PNG) and
    `faces/faces.jsonl`. A face is named `frame{n}face{k}`: n counts frames, k the faces of a frame, largest
    first, both from 0. The folder appears when it is complete; until then, and if anything fails, the folder
    of before stays as it is. The faces of another video are renamed to `faces_{its name}`, never removed.

    Args:
        video: the video file.
        workspace: where `faces/` is.
        detector: finds the faces; None stands for `FaceDetector()`.
        detect_every: look at every n-th frame.
        save_format: "png", or "jpg" in high quality, for the faces.

    Raises:
        FileNotFoundError: there is no such video.
        ValueError: a setting is out of range, or the file is not a video or damaged.
        NoFaceError: no face was found in any frame; nothing has been written.
    """
    if save_format not in SAVE_FORMATS:
        raise ValueError(f"save_format must be one of {', '.join(SAVE_FORMATS)}. Received: {save_format!r}")
    frames = read_frames(video, every=detect_every)
    info = probe(video)
    result = Extraction(info.path, workspace.faces)
    detector = detector or FaceDetector()
    kept = _name_to_keep(workspace.faces, info.path)
    with replaced_folder(workspace.faces, kept) as partial:
        ahead = BackgroundGenerator(frames, max_prefetch=2 * FRAMES_AT_ONCE)
        for batch in _batches(tqdm(ahead, "looking for faces", -(-info.frames // detect_every), unit="frame")):
            for frame, faces in zip(batch, detector.detect([frame.image for frame in batch]), strict=True):
                _save_frame(partial, frame, faces, save_format, result)
                _add_preview(info, detect_every, frame, faces, result)
        if not result.faces:
            raise NoFaceError(
                f"no face was found in {result.frames_read} frames of {info.path}; check that it shows a face at "
                f"least {detector.min_face} pixels wide, or lower min_face, the thresholds or detect_every"
            )
        write_records(partial, result.faces)
        result.kept_folder = kept if kept and workspace.faces.exists() else None
    return result


def draw_faces(image: np.ndarray, faces: list[Face]) -> np.ndarray:
    """Copy an image with the boxes and the five points of its faces drawn on it.

    Args:
        image: uint8 RGB (H, W, 3).
        faces: the faces found in it.

    Returns:
        uint8 RGB (H, W, 3).
    """
    drawn = image.copy()
    width = max(1, round(max(image.shape) / 320))
    for face in faces:
        x0, y0, x1, y1 = face.box.round().astype(int).tolist()
        cv2.rectangle(drawn, (x0, y0), (x1, y1), (60, 220, 60), width, cv2.LINE_AA)
        for x, y in face.landmarks.round().astype(int).tolist():
            cv2.circle(drawn, (x, y), 2 * width, (255, 60, 60), -1, cv2.LINE_AA)
    return drawn


def _batches(frames: tqdm) -> Iterator[list[Frame]]:
    remaining = iter(frames)
    while batch := list(islice(remaining, FRAMES_AT_ONCE)):
        yield batch


def _save_frame(folder: Path, frame: Frame, faces: list[Face], save_format: str, result: Extraction) -> None:
    saved_before = len(result.faces)
    for number, face in enumerate(faces):
        stem = f"frame{frame.index}face{number}"
        raw = _cropped(frame.image, face)
        if not raw.size:
            result.skipped.append(Skipped(frame.index, f"the box of {stem} lies outside the picture"))
            continue
        try:
            alignment = Alignment.from_landmarks(face.landmarks, CROP_SIZE)
        except ValueError as error:
            result.skipped.append(Skipped(frame.index, f"{stem} cannot be aligned: {error}"))
            continue
        file = f"{stem}.{save_format}"
        write_image(folder / "raw_faces" / file, raw)
        write_image(folder / "aligned_faces" / file, alignment.warp(frame.image))
        mask = eye_box_mask(alignment.apply(face.landmarks[:2]), CROP_SIZE)
        write_image(folder / "binary_masks_eyes" / f"{stem}.png", mask)
        result.faces.append(FaceRecord.of(file, result.video, frame, face, alignment))
    result.frames_read += 1
    result.frames_with_faces += len(result.faces) > saved_before


def _cropped(image: np.ndarray, face: Face) -> np.ndarray:
    """The box, as far as it lies in the image."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.clip(face.box.round().astype(int), 0, (width, height, width, height))
    return image[y0:y1, x0:x1]


def _add_preview(info: VideoInfo, every: int, frame: Frame, faces: list[Face], result: Extraction) -> None:
    """Keep frames spread evenly over the video."""
    step = max(1, info.frames // every // PREVIEWS)
    if frame.index // every % step == 0 and len(result.previews) < PREVIEWS:
        result.previews.append(draw_faces(frame.image, faces))


def _name_to_keep(folder: Path, video: Path) -> Path | None:
    """What to call the folder that is there, unless it holds the same video's faces or nothing."""
    if not folder.exists() or not any(folder.iterdir()):
        return None
    if not (folder / FILE_NAME).exists():
        return unused_name(folder.with_name(f"{folder.name}_before"))
    owner = read_records(folder)[0].video
    return None if owner == video.name else unused_name(folder.with_name(f"{folder.name}_{Path(owner).stem}"))
