"""What is measured of a face, which faces are worth training with, and what a set of faces covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np

from fsgan_utils.extraction.sharpness import blur_of, edge_widths
from fsgan_utils.faces import Face
from fsgan_utils.settings import check_kinds

MESH_SIDES = ((234, 454), (33, 263), (133, 362))
"""FaceMesh points that mirror each other: beside the ears, outer and inner corners of the eyes; seen left, right."""
MESH_FOREHEAD, MESH_CHIN = 10, 152
MESH_TILT = 8.4
"""Degrees by which the line from forehead to chin leans when the rendered heads of the sample clips look ahead."""

THUMBNAIL_SIDE = 32
BLOCK = 512
"""Thumbnails compared with all others at once."""

YAW_EDGES, PITCH_EDGES = np.arange(-75, 76, 15), np.arange(-45, 46, 15)
"""Borders of the bins of `coverage`, degrees."""
TURNED, RAISED = 30, 15
"""Degrees from which a face counts as turned aside, and as looking up or down."""
ENOUGH = 0.02
"""Part of a set that shows a pose well enough to learn it."""


@dataclass(frozen=True)
class Quality:
    """What is measured of one face.

    Attributes:
        blur: 0 sharp to 1 blurred; see `blur`.
        size: shorter side of the face's box in pixels of the frame.
        score: the detector's confidence, 0 to 1.
        yaw: degrees; see `head_pose`. None where there is no mesh.
        pitch: degrees, or None.
        roll: degrees, or None.
        edges: how wide the face's edges are in four directions; see `edge_widths`.
    """

    blur: float
    size: float
    score: float
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    edges: tuple[float, ...] = ()

    @classmethod
    def of(cls, face: Face, crop: np.ndarray, mesh: np.ndarray | None = None) -> Quality:
        """Measure a face.

        Args:
            face: as the detector found it.
            crop: uint8 RGB (S, S, 3), its aligned crop.
            mesh: float (468, 3), its mesh in the frame, as `FaceMesh.detect` gives it.
        """
        yaw, pitch, roll = (None, None, None) if mesh is None else head_pose(mesh)
        widths = edge_widths(crop)
        size = min(face.width, face.height)
        return cls(blur_of(widths), size, face.score, yaw, pitch, roll, tuple(widths.tolist()))


@dataclass(frozen=True)
class Selection:
    """Which faces are kept. None switches a limit off.

    Attributes:
        max_blur: 0 to 1; see `blur`. A face that passes it is left out if the source shows faces of its size and pose
            more sharply, see `find_blurred`. No face of the sample clips passes .67; blurred by a Gaussian of 1 pixel
            of 256 none passes .72, by one of 2.5 pixels or by motion of 15 nearly all do.
        min_size: of the face in the frame, pixels; the shorter side of its box.
        min_score: the detector's confidence, 0 to 1.
        max_yaw: degrees to either side.
        max_pitch: degrees up or down.
        max_similarity: of thumbnails, above which a face repeats an earlier one, -1 to 1; see `find_duplicates`.

    Raises:
        ValueError: a limit is out of range.
    """

    max_blur: float | None = 0.72
    min_size: float | None = 40
    min_score: float | None = 0.9
    max_yaw: float | None = 70
    max_pitch: float | None = 45
    max_similarity: float | None = 0.996

    def __post_init__(self) -> None:
        """Check the limits."""
        check_kinds(self)
        for field in fields(self):
            least, most = _RANGES[field.name]
            value = getattr(self, field.name)
            if value is not None and not least <= value <= most:
                raise ValueError(f"{field.name} must be None or between {least} and {most}. Received: {value}")

    def rejection(self, quality: Quality) -> str | None:
        """Say why a face is not kept, such as "small (31, at least 40)"; None if it is kept.

        What can be said only beside the other faces, blur and repetition, does not count here.
        """
        reasons = [
            _below("small", quality.size, self.min_size, ".0f"),
            _below("unsure", quality.score, self.min_score, ".2f"),
            _above("turned aside", _extent(quality.yaw), self.max_yaw, ".0f"),
            _above("looking far up or down", _extent(quality.pitch), self.max_pitch, ".0f"),
        ]
        return "; ".join(reason for reason in reasons if reason) or None


def blur(crop: np.ndarray) -> float:
    """Measure how blurred a face is, by how wide its edges are; see `edge_widths`.

    Args:
        crop: uint8 RGB (S, S, 3), cut as "half".

    Returns:
        0 sharp to 1 blurred; .5 for a face as sharp as the middle one of the sample clips.
    """
    return blur_of(edge_widths(crop))


def head_pose(mesh: np.ndarray) -> tuple[float, float, float]:
    """Measure where a head is turned, by the axes of its mesh.

    Against the true angles of the rendered heads in the sample clips the mean error is 2.4° in yaw, 2.4° in pitch
    and 1.4° in roll. Angles are taken in the order yaw, pitch, roll, each about the head's own axis.

    Args:
        mesh: float (468, 3), x to the right, y downwards, depth smaller nearer, all in one unit, as `FaceMesh.detect`
            gives it.

    Returns:
        Yaw, pitch, roll in degrees. Yaw > 0: turned towards the image's right. Pitch > 0: looks up. Roll > 0: leans
        towards the image's right. In a mirrored picture yaw and roll change their signs.

    Raises:
        ValueError: the mesh has another shape.
    """
    points = np.asarray(mesh, np.float64)
    if points.shape != (468, 3):
        raise ValueError(f"expected a mesh of shape (468, 3). Received: {points.shape}")
    across = _unit(sum(points[right] - points[left] for left, right in MESH_SIDES))
    chinward = points[MESH_CHIN] - points[MESH_FOREHEAD]
    down = _unit(chinward - across * (across @ chinward))
    inward = np.cross(across, down)
    yaw = np.degrees(np.arctan2(-inward[0], inward[2]))
    pitch = np.degrees(np.arcsin(np.clip(inward[1], -1, 1))) + MESH_TILT
    return float(yaw), float(pitch), float(np.degrees(np.arctan2(across[1], down[1])))


def thumbnail(crop: np.ndarray) -> np.ndarray:
    """Describe a face coarsely, so that copies of an image are found.

    Args:
        crop: uint8 RGB (S, S, 3), aligned.

    Returns:
        float32 (1024,): 32×32 grey values less their mean, of length 1 (0 for an image of one colour). The dot
        product of two is their correlation, whatever brightness and contrast.
    """
    return comparable(small_and_grey(crop))


def small_and_grey(crop: np.ndarray) -> np.ndarray:
    """Shrink an aligned crop, uint8 RGB (S, S, 3), to what `comparable` needs of it: uint8 (32, 32)."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)


def comparable(small: np.ndarray) -> np.ndarray:
    """Make the thumbnail, float32 (1024,), of what `small_and_grey` gives."""
    values = small.astype(np.float32).ravel()
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-6)


def find_duplicates(thumbnails: np.ndarray, limit: float | None) -> np.ndarray:
    """Find the faces that repeat an earlier one.

    At .996 a copy counts that was resized, a little brightened or encoded anew as JPEG of quality 50 or more; of the
    sample clips' frames, in which a head moves all the time, 21 of 360 count as repetitions.

    Args:
        thumbnails: float32 (N, D), as `thumbnail` gives them.
        limit: similarity above which a face is a duplicate, -1 to 1; None if none is.

    Returns:
        int (N,): for each face the index of the earlier face, itself no duplicate, that it repeats most closely, or
        -1.
    """
    repeated = np.full(len(thumbnails), -1)
    if limit is None:
        return repeated
    for start in range(0, len(thumbnails), BLOCK):
        block = thumbnails[start : start + BLOCK]
        similarities = block @ thumbnails[: start + len(block)].T
        similarities[:, :start][:, repeated[:start] >= 0] = -np.inf
        for row, index in enumerate(range(start, start + len(block))):
            likest = int(np.argmax(similarities[row, :index])) if index else 0
            if index and similarities[row, likest] > limit:
                repeated[index] = likest
                similarities[:, index] = -np.inf
    return repeated


def coverage(yaws: Sequence[float] | np.ndarray, pitches: Sequence[float] | np.ndarray) -> np.ndarray:
    """Count the faces by pose.

    Args:
        yaws: (N,) degrees, as `head_pose`.
        pitches: (N,) degrees.

    Returns:
        int (6, 10): pitch from -45° (down) to 45°, yaw from -75° (image's left) to 75°, in steps of 15°; what lies
        beyond counts in the outermost bin.
    """
    pitch = np.clip(np.asarray(pitches, np.float64), PITCH_EDGES[0], PITCH_EDGES[-1])
    yaw = np.clip(np.asarray(yaws, np.float64), YAW_EDGES[0], YAW_EDGES[-1])
    return np.histogram2d(pitch, yaw, bins=[PITCH_EDGES, YAW_EDGES])[0].astype(int)


def lacking_poses(yaws: Sequence[float] | np.ndarray, pitches: Sequence[float] | np.ndarray) -> list[str]:
    """Name the poses that a set of faces shows in less than one face of fifty.

    Args:
        yaws: (N,) degrees, as `head_pose`.
        pitches: (N,) degrees.

    Returns:
        Phrases such as "no face looks down (by 15° or more)"; empty if nothing lacks.
    """
    yaw, pitch = np.asarray(yaws, np.float64), np.asarray(pitches, np.float64)
    shown = {
        f"looks straight ahead (within {RAISED}°)": (np.abs(yaw) < RAISED) & (np.abs(pitch) < RAISED),
        f"turns to the image's left (by {TURNED}° or more)": yaw <= -TURNED,
        f"turns to the image's right (by {TURNED}° or more)": yaw >= TURNED,
        f"looks up (by {RAISED}° or more)": pitch >= RAISED,
        f"looks down (by {RAISED}° or more)": pitch <= -RAISED,
    }
    few = {pose: int(faces.sum()) for pose, faces in shown.items() if faces.sum() < ENOUGH * len(yaw) or not len(yaw)}
    return [f"only {count} of {len(yaw)} faces {pose}" if count else f"no face {pose}" for pose, count in few.items()]


_RANGES = {
    "max_blur": (0, 1),
    "min_size": (1, np.inf),
    "min_score": (0, 1),
    "max_yaw": (0, 180),
    "max_pitch": (0, 90),
    "max_similarity": (-1, 1),
}


def _above(word: str, value: float | None, limit: float | None, form: str) -> str:
    excess = value is not None and limit is not None and value > limit
    return f"{word} ({value:{form}}, at most {limit:{form}})" if excess else ""


def _below(word: str, value: float, limit: float | None, form: str) -> str:
    return f"{word} ({value:{form}}, at least {limit:{form}})" if limit is not None and value < limit else ""


def _extent(angle: float | None) -> float | None:
    return None if angle is None else abs(angle)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
