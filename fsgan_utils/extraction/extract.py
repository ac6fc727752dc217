"""Take the faces out of a video or out of photographs: find, follow, align, measure, save, tell apart."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from prefetch_generator import BackgroundGenerator
from tqdm.auto import tqdm

from fsgan_utils.embedding import Embedder, usual_embedder
from fsgan_utils.extraction.earlier import (
    clear_unfinished,
    done_before,
    fingerprint_of,
    name_to_keep,
    unfinished_folder,
)
from fsgan_utils.extraction.eye_boxes import eye_box_mask
from fsgan_utils.extraction.folders import put_in_place, restore_replaced, writing_to
from fsgan_utils.extraction.journal import Journal
from fsgan_utils.extraction.mtcnn import FaceDetector
from fsgan_utils.extraction.quality import Quality, Selection, small_and_grey
from fsgan_utils.extraction.records import FaceRecord, write_records
from fsgan_utils.extraction.result import ALIGNED, PREVIEWS, REJECTED, Extraction, NoFaceError, Summary, draw_faces
from fsgan_utils.extraction.sorting import softness_notes, sort_faces
from fsgan_utils.extraction.sources import Picture, Source, reading_notes
from fsgan_utils.extraction.tracking import CROP_SIZE, FaceTracker, Sighting
from fsgan_utils.faces import Alignment, Face, crop_template
from fsgan_utils.images import limited, write_image
from fsgan_utils.locking import only_run_on
from fsgan_utils.settings import one_of
from fsgan_utils.video import VideoError
from fsgan_utils.workspace import Workspace

SAVE_FORMATS = ("png", "jpg")
PICTURES_AT_ONCE = 16
"""Frames between two notes of how far the extraction is."""
SAVERS = 2
FORM = 2
"""Number of the way in which faces are sorted; faces that were sorted in another way are taken out anew."""
PREVIEW_COUNT, PREVIEW_SIDE = 6, 960


def extract_faces(
    source: str | Path,
    workspace: Workspace,
    detector: FaceDetector | None = None,
    detect_every: int = 6,
    save_format: str = "png",
    landmarks: str = "facemesh",
    redetect_every: int = 12,
    selection: Selection = Selection(),  # noqa: B008
    embedder: Embedder | None = None,
    crop: str = "full",
) -> Extraction:
    """Find the faces of a video or of a folder of photographs, and save them aligned, each by its own five points.

    Writes `faces/raw_faces`, `faces/aligned_faces` (256×256), `faces/binary_masks_eyes` (crude, PNG), the aligned
    faces that were not kept in `faces/rejected_faces`, pictures of some frames in `faces/previews`, and
    `faces/faces.jsonl`. A face is named `frame{n}face{k}`: n counts frames, k the faces of a frame, largest first,
    both from 0.

    The folder appears when it is complete; until then, and if anything fails, the folder of before stays as it is. A
    run that was killed goes on where it was when it is called again with the same source and settings, and gives the
    same files as one that was not; a run that is complete is not done again. The faces of another source are renamed
    to `faces_{its name}`, never removed.

    Args:
        source: a video file, a folder of photographs, or one photograph.
        workspace: where `faces/` is.
        detector: finds the faces; None stands for `FaceDetector()`.
        detect_every: look at every n-th frame; photographs are all looked at.
        save_format: "png", or "jpg" in high quality, for the faces.
        landmarks: what aligns the faces: "facemesh", which also follows them between detections, or "mtcnn".
        redetect_every: after how many of the frames looked at the detector searches the whole frame again.
        selection: which faces are kept.
        embedder: tells people apart; None stands for `usual_embedder()`.
        crop: how faces are cut: "full", or "half" as v2.2; see `Alignment.from_landmarks`.

    Raises:
        FileNotFoundError: there is no such source, or the folder holds no image.
        ValueError: a setting is out of range, or the file is not a video or damaged.
        NoFaceError: no face was found or none was good enough; nothing has been changed.
        BusyError: another run is extracting faces into this workspace.
        OSError: the workspace cannot be written (a full disk, say); what is done is kept for the next run.
    """
    one_of("save_format", save_format, SAVE_FORMATS)
    if not isinstance(detect_every, int) or detect_every < 1:
        raise ValueError(f"detect_every must be a whole number, 1 or more. Received: {detect_every!r}")
    crop_template(crop)
    opened = Source.open(source)
    tracker = FaceTracker(detector or FaceDetector(), landmarks, redetect_every)
    fingerprint = fingerprint_of(opened, (FORM, repr(tracker), detect_every, save_format, selection, crop))
    with only_run_on(workspace.faces), writing_to(workspace.faces):
        restore_replaced(workspace.faces)
        unfinished = unfinished_folder(workspace.root, opened, fingerprint)
        done = done_before(workspace.faces, fingerprint)
        if done is None:
            run = _Run(opened, tracker, detect_every, save_format, selection, crop, Journal.open(unfinished))
            run.find()
            done = run.finish(workspace.faces, fingerprint, embedder or usual_embedder())
        clear_unfinished(unfinished)
    return done


@dataclass
class _Part:
    """Frames that have been looked at and whose faces are being saved."""

    saved: list[Future[FaceRecord]]
    next_picture: int
    pictures: int
    unreadable: list[str]
    tracker: dict[str, Any]


@dataclass
class _Run:
    """One extraction: its settings, and how far it is."""

    source: Source
    tracker: FaceTracker
    every: int
    save_format: str
    selection: Selection
    crop: str
    journal: Journal

    def find(self) -> None:
        """Look at every frame and save its faces, while others are decoded and written."""
        if self.journal.tracker:
            self.tracker.restore(self.journal.tracker)
        ahead = BackgroundGenerator(self.source.pictures(self.every, self.journal.next_picture), 2 * PICTURES_AT_ONCE)
        progress = tqdm(ahead, "looking for faces", self._total, initial=self.journal.pictures, unit="frame")
        waiting: _Part | None = None
        with self._cleared_if_damaged(), ThreadPoolExecutor(SAVERS) as savers:
            for pictures in _batches(progress):
                part = self._look_at(pictures, savers)
                self._note(waiting)
                waiting = part
            self._note(waiting)

    def finish(self, folder: Path, fingerprint: str, embedder: Embedder) -> Extraction:
        """Sort the faces and put them in place."""
        faces, journal = self.journal.faces, self.journal
        source = self.source
        summary = Summary(
            source.path.name,
            source.stem,
            source.origin(),
            fingerprint,
            journal.pictures,
            journal.unreadable,
            notes=[*reading_notes(source), *softness_notes(journal.records, self.selection)],
        )
        records = journal.records
        if any(record.rejected is None for record in records):
            records, alike = sort_faces(journal, self.selection, embedder)
            summary = replace(summary, alike=[(*pair, round(likeness, 3)) for pair, likeness in alike.items()])
        if all(record.rejected is not None for record in records):
            shutil.rmtree(journal.folder)
            raise NoFaceError(self._nothing_kept(Extraction(folder, summary, [], records)))
        write_records(faces, records)
        summary.write(faces)
        kept_folder = name_to_keep(folder, self.source)
        put_in_place(faces, folder, kept_folder)
        return replace(Extraction.read(folder, summary), kept_folder=kept_folder)

    @contextmanager
    def _cleared_if_damaged(self) -> Iterator[None]:
        """Leave nothing of a video that turns out not to be whole: it will not be when run again."""
        try:
            yield
        except VideoError:
            shutil.rmtree(self.journal.folder)
            raise

    @property
    def _total(self) -> int:
        return self.source.count if self.source.photographs else -(-self.source.count // self.every)

    def _look_at(self, pictures: list[Picture], savers: ThreadPoolExecutor) -> _Part:
        saved: list[Future[FaceRecord]] = []
        for picture in pictures:
            if picture.image is None:
                continue
            if self.source.photographs:
                self.tracker.reset()
            sightings, unseen = self.tracker.update(picture.image)
            self._preview(picture, [sighting.face for sighting in sightings])
            sightings += [Sighting(face, None, None, None) for face in unseen]
            for number, sighting in enumerate(sightings):
                saved.append(savers.submit(self._save, picture, sighting, f"frame{picture.index}face{number}"))
        unreadable = [picture.problem for picture in pictures if picture.problem]
        return _Part(saved, pictures[-1].index + 1, len(pictures), unreadable, self.tracker.state())

    def _note(self, part: _Part | None) -> None:
        if part:
            records = [future.result() for future in part.saved]
            self.journal.add(records, part.next_picture, part.pictures, part.unreadable, part.tracker)

    def _save(self, picture: Picture, sighting: Sighting, stem: str) -> FaceRecord:
        """Measure a face and write its images."""
        record = self._record(picture, sighting, f"{stem}.{self.save_format}")
        if sighting.crop is None or sighting.alignment is None or picture.image is None:
            return replace(record, rejected="FaceMesh sees no face here" if sighting.mesh is None else "not aligned")
        quality = Quality.of(sighting.face, sighting.crop, sighting.mesh)
        raw = _boxed(picture.image, sighting.face)
        reason = self._reason(sighting, quality, raw)
        folder, alignment = self.journal.faces, self._alignment(sighting)
        write_image(folder / (REJECTED if reason else ALIGNED) / record.file, alignment.warp(picture.image))
        if reason is None:
            self.journal.keep_look(record.file, small_and_grey(sighting.crop))
            write_image(folder / "raw_faces" / record.file, raw)
            eyes = alignment.apply(sighting.face.landmarks[:2])
            write_image(folder / "binary_masks_eyes" / f"{stem}.png", eye_box_mask(eyes, CROP_SIZE))
        return replace(
            record,
            rejected=reason,
            blur=quality.blur,
            yaw=quality.yaw,
            pitch=quality.pitch,
            roll=quality.roll,
            edges=list(quality.edges),
        )

    def _alignment(self, sighting: Sighting) -> Alignment:
        """How the face is cut for the training; sightings are compared by their "half" crops."""
        return Alignment.from_landmarks(sighting.face.landmarks, CROP_SIZE, self.crop)

    def _reason(self, sighting: Sighting, quality: Quality, raw: np.ndarray) -> str | None:
        if not raw.size:
            return "outside the picture"
        if sighting.crowded:
            return "too near another face"
        return self.selection.rejection(quality)

    def _record(self, picture: Picture, sighting: Sighting, file: str) -> FaceRecord:
        face = sighting.face
        return FaceRecord(
            file=file,
            source=self.source.path.name,
            photograph=picture.file,
            frame=picture.index,
            time=picture.time,
            box=face.box.tolist(),
            landmarks=face.landmarks.tolist(),
            landmarks_from=self.tracker.landmarks,
            score=face.score,
            matrix=self._alignment(sighting).matrix.tolist() if sighting.alignment else None,
            size=CROP_SIZE,
            track=face.track,
            crop=self.crop,
        )

    def _preview(self, picture: Picture, faces: list[Face]) -> None:
        """Keep a few of the frames, spread evenly."""
        every = 1 if self.source.photographs else self.every
        step, number = max(1, self._total // PREVIEW_COUNT), picture.index // every
        if picture.image is not None and number % step == 0 and number // step < PREVIEW_COUNT:
            drawn = limited(draw_faces(picture.image, faces), PREVIEW_SIDE)
            write_image(self.journal.faces / PREVIEWS / f"frame{picture.index:07}.jpg", drawn)

    def _nothing_kept(self, tried: Extraction) -> str:
        if len(tried.summary.unreadable) == tried.frames_read:
            return f"none of the pictures in {self.source.path} can be read: {'; '.join(tried.summary.unreadable[:3])}"
        if not tried.rejected:
            detector = self.tracker.detector
            return (
                f"no face was found in {tried.frames_read} frames of {self.source.path}; check that it shows a face "
                f"and how large it is ({detector}), or lower min_face, the thresholds or detect_every"
            )
        reasons = ", ".join(f"{count} {reason}" for reason, count in tried.reasons().items())
        return (
            f"of {len(tried.rejected)} faces found in {self.source.path} none is good enough ({reasons}); take better "
            "footage, or loosen the limits of the selection"
        )


def _batches(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    remaining = iter(pictures)
    while batch := list(islice(remaining, PICTURES_AT_ONCE)):
        yield batch


def _boxed(image: np.ndarray, face: Face) -> np.ndarray:
    """The box, as far as it lies in the image."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.clip(face.box.round().astype(int), 0, (width, height, width, height))
    return image[y0:y1, x0:x1]
