"""Follow each face from frame to frame, and look for new ones only now and then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from fsgan_utils.extraction.mtcnn import FaceDetector
from fsgan_utils.faces import Alignment, Face, box_overlaps
from fsgan_utils.landmarks import CLOSE_LOOKS, FaceMesh, Looks, five_points
from fsgan_utils.settings import one_of
from fsgan_utils.video.cuts import correlation, is_cut, signature

LANDMARKS = ("facemesh", "mtcnn")
CROP_SIZE = 256
LOOK_SIDE, LOOKED_AT = 24, 96
"""Side of a face's look in pixels, and of the crop that it is averaged from."""
SAME_PLACE = 0.3
"""Overlap of two boxes, in parts of their union, from which on they are of one face."""
TWICE = 0.5
"""Overlap of two boxes, in parts of the smaller, from which on one face has been found twice."""
TOO_NEAR = 0.05
"""Overlap of two boxes, in parts of the smaller, from which on their faces could be taken for each other."""
SAME_LOOK = 0.5
"""Correlation of a face's successive looks below which somebody else stands in its place."""
UNCONFIRMED = 2
"""How often in a row the detector may miss a face that FaceMesh follows."""
STILL = 0.97
"""Overlap of a face's box with the expected one, in parts of their union, below which FaceMesh takes a second look."""

MOVES_ON = 0.5
"""Part of its last movement by which a face is expected to move on."""


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face in one frame.

    Attributes:
        face: the face, with its track; its landmarks are those that align it.
        mesh: float32 (468, 3), FaceMesh's points in pixels of the frame, or (470, 3), from `refined`; None where
            FaceMesh sees no face.
        alignment: from the frame to a "half" crop, by which faces are followed; None where the landmarks allow none.
        image: uint8 RGB (H, W, 3), the frame; None where it is not at hand.
        crowded: whether another face is so near that the two could be taken for each other.
    """

    face: Face
    mesh: np.ndarray | None
    alignment: Alignment | None
    image: np.ndarray | None
    crowded: bool = False

    @classmethod
    def of(cls, image: np.ndarray, face: Face, mesh: np.ndarray | None) -> Sighting:
        """Align a face."""
        try:
            alignment = Alignment.from_landmarks(face.landmarks, CROP_SIZE)
        except ValueError:  # the points coincide; the caller sees that there is no alignment
            return cls(face, mesh, None, image)
        return cls(face, mesh, alignment, image)

    @cached_property
    def crop(self) -> np.ndarray | None:
        """uint8 RGB (256, 256, 3), the face as it is measured; None where there is no alignment."""
        return None if self.alignment is None or self.image is None else self.alignment.warp(self.image)

    @property
    def portrait(self) -> np.ndarray:
        """uint8 RGB (256, 256, 3), the face in a "full" crop, whose `embedding.compared_part` tells whose it is.

        Raises:
            ValueError: there is no alignment, or no image.
        """
        if self.image is None:
            raise ValueError("this face has no image to be cut out of")
        return Alignment.from_landmarks(self.face.landmarks, CROP_SIZE, "full").warp(self.image)

    @cached_property
    def look(self) -> np.ndarray | None:
        """The aligned face, grey and small: uint8 (24, 24)."""
        if self.alignment is None or self.image is None:
            return None
        coarse = self.alignment.matrix * (LOOKED_AT / CROP_SIZE)
        sampled = cv2.warpAffine(self.image, coarse, (LOOKED_AT, LOOKED_AT), borderMode=cv2.BORDER_REPLICATE)
        small = cv2.resize(sampled, (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)


@dataclass(eq=False)
class Track:
    """A face that is being followed.

    Attributes:
        number: of the track.
        box: float32 (4,), where it was last, in pixels.
        look: uint8 (24, 24), how it looked last; None where it could not be aligned.
        unconfirmed: how often in a row the detector has missed it.
        motion: float32 (4,), how far the box had moved to get there, in pixels.
    """

    number: int
    box: np.ndarray
    look: np.ndarray | None
    unconfirmed: int = 0
    motion: np.ndarray = field(default_factory=lambda: np.zeros(4, np.float32))

    @classmethod
    def after(cls, before: Track | None, sighting: Sighting) -> Track:
        """The track that goes on in a face, or that begins with it."""
        face = sighting.face
        track = cls(face.track or 0, face.box, sighting.look)
        if before is not None:
            track.unconfirmed, track.motion = before.unconfirmed, face.box - before.box
        return track

    @property
    def expected(self) -> np.ndarray:
        """About where the face is in the next frame: float32 (4,)."""
        return self.box + MOVES_ON * self.motion

    def goes_on_in(self, sighting: Sighting) -> bool:
        """Whether a face of the next frame is this one: at about the same place, and looking alike."""
        look = sighting.look
        if self.look is None or look is None or box_overlaps(self.box, sighting.face.box)[0, 0] < SAME_PLACE:
            return False
        return correlation(self.look.astype(np.float64), look.astype(np.float64)) >= SAME_LOOK


@dataclass
class FaceTracker:
    """Gives the faces of a video's frames, shown to it one after another.

    Between two looks of the detector FaceMesh follows each face from where it was. The detector looks again when
    a face is lost, at a cut, every `redetect_every` frames, while no face is known, and while two faces are so
    near that they could be taken for each other. Every such doubt ends a track, so that a track holds one person.

    Attributes:
        detector: finds the faces.
        landmarks: what gives the five points that align the faces: "facemesh", or "mtcnn", for which the detector
            looks at every frame. The two are never mixed.
        redetect_every: frames after which the detector looks again in any case.

    Raises:
        ValueError: a setting is out of range.
    """

    detector: FaceDetector = field(default_factory=FaceDetector)
    landmarks: str = "facemesh"
    redetect_every: int = 12
    _mesh: FaceMesh = field(default_factory=FaceMesh, init=False, repr=False)
    _tracks: list[Track] = field(default_factory=list, init=False, repr=False)
    _next: int = field(default=0, init=False, repr=False)
    _since_detection: int = field(default=0, init=False, repr=False)
    _in_doubt: bool = field(default=True, init=False, repr=False)
    _signature: np.ndarray | None = field(default=None, init=False, repr=False)
    _shot: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the settings."""
        one_of("landmarks", self.landmarks, LANDMARKS)
        if self.redetect_every < 1:
            raise ValueError(f"redetect_every must be 1 or more. Received: {self.redetect_every}")

    def update(self, image: np.ndarray) -> tuple[list[Sighting], list[Face]]:
        """Find the faces of the next frame.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            The faces, largest first; and what the detector took for a face though FaceMesh sees none there (with
            "mtcnn", such faces are among the first).
        """
        self._forget_at_cut(image)
        unseen: list[Face] = []
        if self.landmarks == "mtcnn":
            sightings = self._continued([self._looked_at(image, face) for face in self.detector.detect([image])[0]])
        else:
            sightings = self._followed(image)
            if self._must_detect(sightings):
                sightings, unseen = self._redetected(image, sightings)
        sightings = self._remembered(sightings)
        return sorted(sightings, key=lambda one: -one.face.width * one.face.height), unseen

    def refined(self, sighting: Sighting, looks: Looks = CLOSE_LOOKS) -> Sighting:
        """The same face by a refined mesh, see `FaceMesh.refine`; it changes nothing in how faces are followed.

        The detector's points stay, where it is they that align the face. Another thread may do it, meanwhile.
        """
        if sighting.mesh is None or sighting.image is None or not looks:
            return sighting
        mesh, face = self._mesh.refine(sighting.image, sighting.mesh, looks), sighting.face
        if self.landmarks == "facemesh":
            face = replace(face, landmarks=five_points(mesh))
        return replace(Sighting.of(sighting.image, face, mesh), crowded=sighting.crowded)

    def reset(self) -> None:
        """Forget every face: the next frame has nothing to do with the last."""
        self._tracks, self._signature, self._in_doubt = [], None, True
        self._shot += 1

    @property
    def shot(self) -> int:
        """Number of the shot that the last frame belongs to; it grows from shot to shot."""
        return self._shot

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on from here, of JSON's types."""
        return {
            "tracks": [
                [t.number, t.box.tolist(), _as_list(t.look), t.unconfirmed, t.motion.tolist()] for t in self._tracks
            ],
            "next": self._next,
            "since_detection": self._since_detection,
            "in_doubt": self._in_doubt,
            "signature": _as_list(self._signature),
            "shot": self._shot,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._tracks = [
            Track(number, np.array(box, np.float32), _as_pixels(look), unconfirmed, np.array(motion, np.float32))
            for number, box, look, unconfirmed, motion in state["tracks"]
        ]
        self._next, self._since_detection, self._in_doubt = state["next"], state["since_detection"], state["in_doubt"]
        self._signature, self._shot = _as_pixels(state["signature"]), state["shot"]

    def _forget_at_cut(self, image: np.ndarray) -> None:
        before, current = self._signature, signature(image)
        if before is not None and is_cut(before, current):
            self.reset()
        self._signature = current

    def _followed(self, image: np.ndarray) -> list[Sighting]:
        """Look for every known face where it was."""
        followed = []
        for track in self._tracks:
            face, mesh = self._mesh_face(image, track.expected, track.number)
            if face and box_overlaps(track.expected, face.box)[0, 0] < STILL:
                face, mesh = self._mesh_face(image, face.box, track.number)
            sighting = Sighting.of(image, face, mesh) if face else None
            if sighting and track.goes_on_in(sighting):
                followed.append(sighting)
        return followed

    def _must_detect(self, followed: list[Sighting]) -> bool:
        self._since_detection += 1
        lost = not followed or len(followed) < len(self._tracks)
        return lost or self._in_doubt or self._since_detection >= self.redetect_every

    def _redetected(self, image: np.ndarray, followed: list[Sighting]) -> tuple[list[Sighting], list[Face]]:
        """Look for faces everywhere: one that is followed goes on, a new one gets a track."""
        self._since_detection = 0
        detected = self.detector.detect([image])[0]
        seen, unseen = self._confirmed(followed, detected), []
        for face in detected:
            if _is_among(face, seen):
                continue
            found, mesh = self._mesh_face(image, face.box, self._new_number(), looks=2)
            if found is None:
                unseen.append(face)
            elif not _is_among(found, seen):
                seen.append(Sighting.of(image, found, mesh))
        return seen, unseen

    def _confirmed(self, followed: list[Sighting], detected: list[Face]) -> list[Sighting]:
        """Leave out what the detector has missed too often."""
        tracks = {track.number: track for track in self._tracks}
        kept = []
        for sighting in followed:
            track = tracks[sighting.face.track or 0]
            track.unconfirmed = 0 if any(_is_among(face, [sighting]) for face in detected) else track.unconfirmed + 1
            if track.unconfirmed <= UNCONFIRMED:
                kept.append(sighting)
        return kept

    def _continued(self, sightings: list[Sighting]) -> list[Sighting]:
        """Give each face the number of the one track that goes on in it, or a new one."""
        result = []
        for sighting in sightings:
            fitting = [track.number for track in self._tracks if track.goes_on_in(sighting)]
            result.append(_numbered(sighting, fitting[0] if len(fitting) == 1 else self._new_number()))
        return result

    def _remembered(self, sightings: list[Sighting]) -> list[Sighting]:
        """Remember the faces for the next frame; those too near another get a track that ends here."""
        boxes = np.array([sighting.face.box for sighting in sightings])
        near = (box_overlaps(boxes, boxes, "smaller") > TOO_NEAR).sum(axis=1) > 1
        known = {track.number: track for track in self._tracks}
        result: list[Sighting] = []
        self._tracks, self._in_doubt = [], bool(near.any())
        for sighting, doubtful in zip(sightings, near, strict=True):
            if doubtful and not _is_among(sighting.face, result):
                result.append(replace(_numbered(sighting, self._new_number()), crowded=True))
            elif not doubtful:
                result.append(sighting)
                self._tracks.append(Track.after(known.get(sighting.face.track or 0), sighting))
        return result

    def _mesh_face(
        self, image: np.ndarray, box: np.ndarray, track: int, looks: int = 1
    ) -> tuple[Face | None, np.ndarray]:
        """The face that FaceMesh sees in a box, None if it sees none there; and its mesh, float32 (468, 3)."""
        mesh, score = self._mesh.detect(image, box, looks)
        if score < self._mesh.least_score:
            return None, mesh
        extent = np.concatenate([mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)])
        return Face(extent, five_points(mesh), score, track), mesh

    def _looked_at(self, image: np.ndarray, face: Face) -> Sighting:
        """Align a face by the detector's points; the mesh is only noted."""
        mesh, score = self._mesh.detect(image, face.box, looks=2)
        return Sighting.of(image, face, mesh if score >= self._mesh.least_score else None)

    def _new_number(self) -> int:
        self._next += 1
        return self._next - 1


def _is_among(face: Face, sightings: list[Sighting]) -> bool:
    """Whether a face is one of those seen already."""
    boxes = np.array([sighting.face.box for sighting in sightings])
    return bool((box_overlaps(face.box, boxes, "smaller") >= TWICE).any())


def _numbered(sighting: Sighting, track: int) -> Sighting:
    return replace(sighting, face=replace(sighting.face, track=track))


def _as_list(pixels: np.ndarray | None) -> list | None:
    return None if pixels is None else pixels.tolist()


def _as_pixels(numbers: list | None) -> np.ndarray | None:
    return None if numbers is None else np.array(numbers, np.uint8)
