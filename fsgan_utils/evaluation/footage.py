"""The clips that are compared: their frames, one beside the other, and the face in each that counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.embedding import SAME_PERSON, MobileNetEmbedder
from fsgan_utils.extraction import FaceDetector, FaceTracker
from fsgan_utils.extraction.tracking import SAME_PLACE, Sighting
from fsgan_utils.faces import FULL_SCALE, Alignment, box_overlaps
from fsgan_utils.landmarks import outlines_of_mesh
from fsgan_utils.video import VideoInfo, check_range, probe, read_frames, written_size

SWAP, NO_SWAP, TRUTH = "swap", "no swap", "truth"
"""The clips that are compared: the converted one, its source, and the person put in doing the same."""
PANELS = (2, 3)
"""How many pictures side by side a converted video may show; the second is the result."""
LEAST_PART = 0.1
"""Smallest face that is looked for, as a part of the picture's shorter side."""


WHOLE_SIDE = round(256 / FULL_SCALE)
"""Side in pixels of the crop that holds the whole face."""


@dataclass(frozen=True, eq=False)
class ClipFace:
    """A face in a frame of a clip.

    Attributes:
        track: number of its track.
        box: float32 (4,), x0, y0, x1, y1 in pixels of the frame, about the mesh.
        mesh: float32 (470, 3), its refined mesh in pixels of the frame, see `FaceMesh.refine`.
        alignment: from the frame to v2.2's crop of 256 pixels, the "half" one, by which identity is compared.
        whole: from the frame to the "full" crop, which holds the whole face, at the same scale: 398 pixels.
    """

    track: int
    box: np.ndarray
    mesh: np.ndarray
    alignment: Alignment
    whole: Alignment

    @classmethod
    def of(cls, sighting: Sighting) -> ClipFace:
        """Take over a face that was aligned by its refined mesh."""
        mesh, alignment, face = sighting.mesh, sighting.alignment, sighting.face
        whole = Alignment.from_landmarks(face.landmarks, WHOLE_SIDE, "full")
        return cls(face.track or 0, face.box, mesh, alignment, whole)  # type: ignore[arg-type]

    @property
    def outlines(self) -> np.ndarray:
        """float32 (52, 2), the edges of eyelids (16 and 16) and lips, in pixels of the frame."""
        outlines = outlines_of_mesh(self.mesh)
        return np.concatenate([*outlines["eyes"], *outlines["mouth"]])


@dataclass(frozen=True)
class Footage:
    """The frames of a clip that are scored.

    Attributes:
        info: what the file says about itself.
        start: second at which they begin; None for the beginning.
        stop: second at which they end; None for the end.
        every: of the frames between, each n-th is taken, the first among them.
        panels: pictures that each frame shows side by side; of several the second one counts.

    Raises:
        ValueError: the range is empty, or `every` is less than 1.
    """

    info: VideoInfo
    start: float | None = None
    stop: float | None = None
    every: int = 1
    panels: int = 1

    def __post_init__(self) -> None:
        """Check the range."""
        check_range(self.start, self.stop)
        if self.every < 1:
            raise ValueError(f"every must be 1 or more. Received: {self.every}")

    @classmethod
    def like(cls, path: str | Path, source: Footage, whole: bool = False) -> Footage:
        """Open a clip that shows what the source shows.

        Args:
            path: the video.
            source: the clip it is compared with.
            whole: whether the clip shows only the source's range, as a conversion of a part does.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no video, or neither as large as the source's nor two or three such pictures wide.
        """
        info, (width, height) = probe(path), source.size
        panels = info.width // width
        shown = {(panels * width, height), written_size(panels * width, height, info.codec)}
        if (info.width, info.height) not in shown or panels not in (1, *PANELS):
            raise ValueError(
                f"{info.path} must show what {source.info.path} shows, {width}×{height} pixels, or two or three such "
                f"pictures side by side. Received: {info.width}×{info.height} pixels"
            )
        info = replace(info, width=panels * width, height=height)
        return cls(info, None, None, source.every, panels) if whole else replace(source, info=info, panels=panels)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of one picture."""
        return self.info.width // self.panels, self.info.height

    def images(self) -> Iterator[np.ndarray]:
        """Decode the frames: uint8 RGB (H, W, 3) each."""
        frames = read_frames(self.info.path, self.start, self.stop)
        (width, height), panel = self.size, min(self.panels - 1, 1)
        for frame in islice(frames, None, None, self.every):
            yield frame.image[:height, panel * width : (panel + 1) * width]

    @cached_property
    def faces(self) -> list[list[ClipFace]]:
        """For each frame its faces, largest first, followed through the clip."""
        tracker = FaceTracker(FaceDetector(max(20.0, LEAST_PART * min(self.size))))
        images = tqdm(self.images(), desc=f"finding faces in {self.info.path.name}", unit="frame")
        return [
            [ClipFace.of(tracker.refined(one)) for one in tracker.update(image)[0] if one.alignment] for image in images
        ]


@dataclass(frozen=True, eq=False)
class View:
    """A frame of one of the clips.

    Attributes:
        image: uint8 RGB (H, W, 3).
        face: the face that counts; None where it was not found.
    """

    image: np.ndarray
    face: ClipFace | None


def subjects(source: Footage, gallery: Sequence[np.ndarray]) -> list[ClipFace | None]:
    """Choose in each frame the face that is to be swapped.

    Where a clip never shows two faces at once, it is the one face. Otherwise it is the person in the gallery: the
    largest face of a track that begins with a face like theirs (by the MobileNet, so that the judge has no say).

    Args:
        source: the clip before the swap.
        gallery: uint8 RGB crops (256, 256, 3), aligned faces of the person who is to be swapped.

    Returns:
        One face per frame, or None where there is none.

    Raises:
        ValueError: the clip shows no face at all.
    """
    if not any(source.faces):
        raise ValueError(f"no face was found in {source.info.path}; there is nothing to score")
    if max(len(faces) for faces in source.faces) == 1:
        return [faces[0] if faces else None for faces in source.faces]
    alike = _likeness_of_tracks(source, gallery)
    limit = min(SAME_PERSON, max(alike.values()))
    chosen = [[face for face in faces if alike[face.track] >= limit] for faces in source.faces]
    return [faces[0] if faces else None for faces in chosen]


def same_faces(footage: Footage, chosen: Sequence[ClipFace | None]) -> list[ClipFace | None]:
    """Find, in another clip that shows the same, the faces at the places of the chosen ones.

    Raises:
        ValueError: the clips have not the same number of frames.
    """
    if len(footage.faces) != len(chosen):
        raise ValueError(
            f"the clips must show the same frames; {footage.info.path} has {len(footage.faces)} where {len(chosen)} "
            "are compared. If it shows a part of the source, give its start and stop"
        )
    alone = max(len(faces) for faces in footage.faces) <= 1
    return [_at_place(faces, one, alone) for faces, one in zip(footage.faces, chosen, strict=True)]


def _at_place(faces: Sequence[ClipFace], chosen: ClipFace | None, alone: bool) -> ClipFace | None:
    """The face at the place of the chosen one; a face that is always alone in its clip may have moved."""
    if not faces or chosen is None:
        return None
    overlaps = box_overlaps(np.array([face.box for face in faces]), chosen.box)[:, 0]
    return faces[int(overlaps.argmax())] if alone or overlaps.max() >= SAME_PLACE else None


def _likeness_of_tracks(source: Footage, gallery: Sequence[np.ndarray]) -> dict[int, float]:
    """Cosine similarity of each track's first face to the mean of the gallery."""
    firsts: dict[int, np.ndarray] = {}
    for image, faces in zip(source.images(), source.faces, strict=True):
        for face in faces:
            if face.track not in firsts:
                firsts[face.track] = face.alignment.warp(image)
    embedder = MobileNetEmbedder()
    person = embedder.embed(gallery).mean(axis=0)
    similarities = embedder.embed(list(firsts.values())) @ (person / np.linalg.norm(person))
    return dict(zip(firsts, map(float, similarities), strict=True))
