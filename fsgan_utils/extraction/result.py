"""What an extraction gave: counts, the faces kept and rejected, the people, and pictures of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from fsgan_utils.extraction.origin import Origin
from fsgan_utils.extraction.records import FaceRecord, faces_by_person, read_records
from fsgan_utils.faces import Face
from fsgan_utils.images import contact_sheet, list_images, load_image, spread, write_bytes

SUMMARY_NAME = "extraction.json"
LISTED = 12
"""Of what could not be read, so many are named."""
ALIGNED, REJECTED, PREVIEWS = "aligned_faces", "rejected_faces", "previews"


class NoFaceError(ValueError):
    """No face was found where at least one is needed."""


@dataclass(frozen=True)
class Summary:
    """What `extraction.json` holds.

    Attributes:
        source: name of the video or of the folder of photographs.
        stem: the same without the suffix of a file; images of several sources begin with it.
        origin: what tells the source from others of the same name.
        fingerprint: of the source and of all settings; equal ones give equal faces.
        pictures: frames or photographs that were looked at.
        unreadable: photographs that could not be read, and why; frames that are damaged.
        alike: numbers of two people who may be one, and how alike they are, see `People.alike`.
        notes: what else is to be known of how it was read and chosen.
    """

    source: str
    stem: str
    origin: Origin
    fingerprint: str
    pictures: int
    unreadable: list[str]
    alike: list[tuple[int, int, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        write_bytes(folder / SUMMARY_NAME, (json.dumps(asdict(self), indent=1) + "\n").encode())

    @classmethod
    def read(cls, folder: Path) -> Summary | None:
        """Read it out of a folder; None if there is none, or one of another version."""
        try:
            found = json.loads((folder / SUMMARY_NAME).read_text(encoding="utf-8"))
            return cls(**{**found, "origin": Origin(**found["origin"])})
        except (FileNotFoundError, json.JSONDecodeError, TypeError, KeyError):
            return None


@dataclass(frozen=True)
class Extraction:
    """What `extract_faces` did.

    Attributes:
        folder: where the faces are.
        summary: the source and how much of it was looked at.
        faces: one record per face that was kept, by frame and then by size.
        rejected: one per face that was not, with the reason.
        kept_folder: where the faces of the source before went, or None.
        done_before: whether an earlier run with the same source and settings had done it all.
    """

    folder: Path
    summary: Summary
    faces: list[FaceRecord]
    rejected: list[FaceRecord]
    kept_folder: Path | None = None
    done_before: bool = False

    @classmethod
    def read(cls, folder: Path, summary: Summary) -> Extraction:
        """Read a folder that an extraction left."""
        records = read_records(folder)
        kept = [record for record in records if record.rejected is None]
        return cls(folder, summary, kept, [record for record in records if record.rejected is not None])

    @property
    def frames_read(self) -> int:
        """Frames or photographs that were looked at."""
        return self.summary.pictures

    @property
    def frames_with_faces(self) -> int:
        """Those in which at least one face was kept."""
        return len({record.frame for record in self.faces})

    @property
    def people(self) -> dict[int, int]:
        """Number of faces by identity."""
        return faces_by_person(self.faces)

    @property
    def previews(self) -> list[np.ndarray]:
        """A few of the frames, uint8 RGB, with boxes and points drawn."""
        return [load_image(path) for path in list_images(self.folder / PREVIEWS)]

    def aligned(self, record: FaceRecord) -> np.ndarray:
        """The aligned face of a record: uint8 RGB (256, 256, 3)."""
        return load_image(self.folder / (ALIGNED if record.rejected is None else REJECTED) / record.file)

    def __str__(self) -> str:
        """A few lines for the screen."""
        source, people = self.summary.source, self.people
        whose = "1 person" if len(people) == 1 else f"{len(people)} people"
        lines = [
            f"{source}: looked at {self.frames_read} frames, found faces in {self.frames_with_faces}",
            f"saved {len(self.faces)} faces of {whose} in {self.folder}",
        ]
        if len(people) > 1:
            lines += [f"  {self.described(identity)}" for identity in people]
            lines += self._advice()
        lines += [f"left out {count}: {reason}" for reason, count in self.reasons().items()]
        lines += [f"not read: {problem}" for problem in self.summary.unreadable[:LISTED]]
        if len(self.summary.unreadable) > LISTED:
            lines.append(f"not read: {len(self.summary.unreadable) - LISTED} more")
        lines += self.summary.notes
        if self.kept_folder:
            lines.append(f"the faces taken before are kept in {self.kept_folder}")
        if self.done_before:
            lines.append("these faces were there already, from the same source with the same settings")
        return "\n".join(lines)

    def described(self, identity: int) -> str:
        """A person's number and how many faces are theirs; and who else it may be, where that is in doubt."""
        return f"person {identity}: {self.people[identity]} faces" + perhaps(identity, self.summary.alike)

    def _advice(self) -> list[str]:
        pairs = [(one, other) for one, other, _ in self.summary.alike if one != other]
        advice = "in doubt, faces are kept apart; if two rows of the contact sheet show one person, take both"
        return [f"{advice}: identity={pairs[0]}"] if pairs else []

    def reasons(self) -> dict[str, int]:
        """Number of rejected faces by reason, without the measured values, most frequent first."""
        return dict(Counter(_reason(record) for record in self.rejected).most_common())

    def angles(self) -> tuple[list[float], list[float]]:
        """Yaw and pitch of the faces that were kept, in degrees; of those on which FaceMesh saw a face."""
        posed = [(face.yaw, face.pitch) for face in self.faces if face.yaw is not None and face.pitch is not None]
        return [yaw for yaw, _ in posed], [pitch for _, pitch in posed]

    def sizes(self) -> list[float]:
        """Shorter side of the box of each face that was kept, in pixels of its frame."""
        return [min(face.box[2] - face.box[0], face.box[3] - face.box[1]) for face in self.faces]

    def people_sheet(self, each: int = 10) -> np.ndarray:
        """A contact sheet of the people, most frequent first, with their numbers of faces: uint8 RGB (H, W, 3).

        Args:
            each: faces shown of each person, spread evenly over all of theirs.
        """
        rows = {}
        for identity in self.people:
            own = [record for record in self.faces if record.identity == identity]
            rows[self.described(identity)] = self._some(own, each)
        return contact_sheet(rows)

    def rejected_sheet(self, each: int = 10) -> np.ndarray | None:
        """A contact sheet of the faces that were left out, by reason: uint8 RGB (H, W, 3); None if there is none.

        Args:
            each: faces shown for each reason, spread evenly over all of them; those that were not aligned are not.
        """
        rows = {}
        for reason, count in self.reasons().items():
            own = [record for record in self.rejected if _reason(record) == reason and record.matrix is not None]
            if own:
                rows[f"{reason}: {count} faces"] = self._some(own, each)
        return contact_sheet(rows) if rows else None

    def _some(self, records: Sequence[FaceRecord], count: int) -> list[np.ndarray]:
        return [self.aligned(records[position]) for position in spread(len(records), count)]


def perhaps(person: int, alike: Iterable[tuple[int, int, float]]) -> str:
    """Which other people a person may be, in words; empty where that is not in doubt.

    Args:
        person: the number.
        alike: numbers of two people who may be one, and how alike they are; one number twice where it may be two.
    """
    others = [(one + other - person, likeness) for one, other, likeness in alike if person in (one, other)]
    named = [f"{other} (likeness {likeness:.2f})" for other, likeness in sorted(others) if other != person]
    two = [f"; perhaps two people (likeness {likeness:.2f})" for other, likeness in others if other == person]
    return "".join([*two, f"; perhaps also person {' or '.join(named)}" if named else ""])


def _reason(record: FaceRecord) -> str:
    """Why a face was rejected, without the measured values; empty for one that was not."""
    return (record.rejected or "").split(" (")[0]


def draw_faces(image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
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
