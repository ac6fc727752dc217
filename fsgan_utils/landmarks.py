"""Dense landmarks of a face: FaceMesh, which comes with the project, or FAN, which the user installs."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Protocol

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from fsgan_utils.eyes import EyeFrames, EyeNetwork
from fsgan_utils.workspace import weights_file

MESH_POINTS = 468
IRISES = [468, 469]
"""Where a refined mesh has the middles of the irises, the left eye's first, as seen in the image."""
REFINED_POINTS = 470
MESH_SIZE = 192
MESH_MARGIN = 1.5
PIXEL_CENTRE = 0.5
"""The network counts from a crop's edge, the first pixel's centre lies at one half; elsewhere it is the origin."""

# fmt: off
MESH_TO_68 = np.array([
    127, 234, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 454, 356,  # 0-16 jaw
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,  # 17-26 brows
    168, 197, 5, 4, 75, 97, 2, 326, 305,  # 27-35 nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # 36-47 eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # 48-59 mouth, outer edge
    78, 82, 13, 312, 308, 317, 14, 87,  # 60-67 mouth, inner edge
])
"""int (68,): the FaceMesh point that lies at each point of the 68-point convention (Sagonas et al., 300-W, 2013)."""

MESH_EYELIDS = np.array([
    [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7],
    [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249],
])
"""int (2, 16): the FaceMesh points along the eyelids' edges: outer corner, upper lid, inner corner, lower lid. The left
eye first, as seen in the image; in the mirrored face the rows change places."""
MESH_LIPS = np.array([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146])
"""int (20,): the FaceMesh points along the lips' outer edge: left corner, upper lip, right corner, lower lip."""
MESH_INNER_LIPS = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95])
"""int (20,): the FaceMesh points along the lips' inner edge: left corner, upper lip, right corner, lower lip."""
MESH_MIDLINE = [0, 1, 2, 4, 5, 6, *range(8, 20), 94, 151, 152, 164, 168, 175, 195, 197, 199, 200]
"""The FaceMesh points in the middle of the face. Of the others the first 220 are on the left, seen in the image; the
last 220 are their mirror images, in the same order."""
# fmt: on
MIRRORED = np.arange(REFINED_POINTS)
"""int (470,): the point of a refined mesh that lies there in the mirrored face."""
_ASIDE = np.setdiff1d(np.arange(MESH_POINTS), MESH_MIDLINE)
MIRRORED[_ASIDE] = np.roll(_ASIDE, 220)
MIRRORED[IRISES] = IRISES[::-1]
Looks = tuple[tuple[float, bool], ...]
"""Of each close look, how wide it is, as a multiple of the mesh's longer side, and whether the face is mirrored."""
CLOSE_LOOKS: Looks = ((1.4, False), (1.4, True), (1.6, False), (1.6, True))
QUICK_LOOKS: Looks = ((1.5, False), (1.5, True))
"""Enough where the meshes of a video's frames are averaged."""

Outlines = dict[str, np.ndarray]
"""Closed outlines of the parts of a face: "eyes" (2, N, 2) and "mouth" (1, M, 2), `(x, y)` in pixels of the image."""

MESH_EYES, MESH_NOSE, MESH_MOUTH = MESH_TO_68[36:48].reshape(2, 6), 4, (61, 291)
"""The FaceMesh points about each eye, on the tip of the nose, and at the corners of the mouth."""


class LandmarkFinder(Protocol):
    """What finds the 68 points of a face."""

    def landmarks_68(self, image: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """Find the points of the face in a box.

        Args:
            image: uint8 RGB (H, W, 3).
            box: (4,) x0, y0, x1, y1 in pixels, about the face as `Face.box`.

        Returns:
            float32 (68, 2), `(x, y)` in pixels of the image, or None if there is no face in the box.
        """


class FaceMesh:
    """MediaPipe's FaceMesh: 468 points.

    Args:
        least_score: presence score, 0 to 1, below which `landmarks_68` says there is no face.

    Raises:
        ValueError: `least_score` is out of range.
        FileNotFoundError: the network's file is not in `data/weights`.

    Reference:
        Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs", 2019.
    """

    def __init__(self, least_score: float = 0.5) -> None:
        """Load the network."""
        if not 0 <= least_score <= 1:
            raise ValueError(f"least_score must be between 0 and 1. Received: {least_score}")
        self.least_score = least_score
        self._network = _Network()

    @cached_property
    def _closer_network(self) -> _Network:
        """Another one, for `refine` may run in another thread than `detect`."""
        return _Network()

    @cached_property
    def _eyes(self) -> EyeNetwork:
        return EyeNetwork()

    def detect(self, image: np.ndarray, box: np.ndarray, looks: int = 1) -> tuple[np.ndarray, float]:
        """Find the mesh of the face in a box.

        The network sees a square 1.5 times as wide as the longer side of the box; outside the image it sees
        the image's edge repeated.

        Args:
            image: uint8 RGB (H, W, 3).
            box: (4,) x0, y0, x1, y1 in pixels, as `Face.box`.
            looks: how often to look; every further look is at the box of the mesh found before. A face turned
                aside, which is off the middle of its box, gains most from a second look.

        Returns:
            float32 (468, 3): `(x, y)` in pixels of the image and depth in the same unit, smaller is nearer;
            and the presence score, 0 to 1.
        """
        points, score = self._look(image, box)
        for _ in range(looks - 1):
            points, score = self._look(image, np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)]))
        return points, score

    def _look(self, image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, float]:
        start, side = _square_about(box)
        mesh, score = self._network(_crop(image, _shift_and_scale(start, MESH_SIZE / side)))
        points = mesh * (side / MESH_SIZE)
        points[:, :2] += start
        return points.astype(np.float32), score

    def refine(self, image: np.ndarray, mesh: np.ndarray, looks: Looks = CLOSE_LOOKS) -> np.ndarray:
        """Find a mesh more exactly, and where the eyes look; each look takes about as long as `detect`, the eyes two.

        The face is looked at again with its eyes level, from two distances, as it is and mirrored; the mean of those of
        the looks that see a face counts. Then the eyes are looked at, see `EyeNetwork`; the edges of the lids
        move half of the way to where that sees them, up and down the eye. On the sample clips, in faces turned by less
        than 30°, open eyes then lie on the true eyelids with an intersection over union of .82; without the second
        network .79, and by one mesh .70.

        Args:
            image: uint8 RGB (H, W, 3).
            mesh: (468, 2 or 3) as `detect` gives it.
            looks: how wide each of them is, and whether the face is mirrored.

        Returns:
            float32 (470, 3): `detect`'s points, and the middles of both irises, as deep as their lids. Where no look
            sees a face, the mesh as it is, with irises in the middle of the lids.
        """
        places, meshes = np.asarray(mesh, np.float64)[:, :2], []
        for width, mirror in looks:
            matrix = _level_crop(places, width, mirror)
            found, score = self._closer_network(_crop(image, matrix))
            if score >= self.least_score:
                meshes.append(_in_image(found[MIRRORED[:MESH_POINTS]] if mirror else found, matrix))
        mean = np.mean(meshes, axis=0) if meshes else np.asarray(mesh)
        refined = np.concatenate([mean, mean[MESH_EYELIDS].mean(axis=1)])
        if meshes:
            lids, refined[IRISES, :2] = self._eyes.look(image, mean[MESH_EYELIDS, :2])
            refined[MESH_EYELIDS, :2] = _opened_like(mean[MESH_EYELIDS, :2], lids)
        return refined.astype(np.float32)

    def landmarks_68(self, image: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """Find the 68 points of the face in a box, by two looks; see `LandmarkFinder`."""
        points, score = self.detect(image, box, looks=2)
        return points[MESH_TO_68, :2] if score >= self.least_score else None


class _Network:
    """FaceMesh's network."""

    def __init__(self) -> None:
        self._network = Interpreter(str(weights_file("face_landmark.tflite")), num_threads=1)
        self._input = self._network.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._network.get_output_details()]
        self._network.allocate_tensors()

    def __call__(self, crop: np.ndarray) -> tuple[np.ndarray, float]:
        """The mesh (468, 3) in pixels of a crop, uint8 RGB (192, 192, 3), and the presence score."""
        self._network.set_tensor(self._input, crop[None].astype(np.float32) / 255)
        self._network.invoke()
        mesh, logit = (self._network.get_tensor(index) for index in self._outputs)
        return mesh.reshape(MESH_POINTS, 3), float(1 / (1 + np.exp(-logit.item())))


class FAN:
    """The face alignment network that v2.2 used, from the package `face-alignment` (the extra `fan`).

    Its weights are downloaded when it is first used.

    Args:
        device: "cpu" or "cuda".

    Raises:
        ImportError: the package is not installed.
        ConnectionError: its weights could not be downloaded.

    Reference:
        Bulat and Tzimiropoulos, "How far are we from solving the 2D & 3D face alignment problem?", ICCV 2017.
    """

    def __init__(self, device: str = "cpu") -> None:
        """Load the network."""
        try:
            package = import_module("face_alignment")
        except ImportError as error:
            raise ImportError(
                "FAN needs the package face-alignment and PyTorch; run: pip install 'fsgan-utils[fan]' "
                "(in the project's folder: pip install -e '.[fan]'), or choose FaceMesh, which needs nothing more"
            ) from error
        try:
            self._network = package.FaceAlignment(
                package.LandmarksType.TWO_D, device=device, face_detector="folder", compile=False
            )
        except OSError as error:
            raise ConnectionError(
                f"FAN's weights could not be downloaded ({error}); connect to the internet once, or choose FaceMesh"
            ) from error

    def landmarks_68(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Find the 68 points of the face in a box; see `LandmarkFinder`. FAN always answers with a face."""
        plain_box = [float(edge) for edge in box]  # the package fails on NumPy's float32
        points = self._network.get_landmarks_from_image(image, detected_faces=[plain_box])
        return np.asarray(points[0], np.float32)


def outlines_of_mesh(mesh: np.ndarray) -> Outlines:
    """Take the outlines of the eyes and the mouth out of a mesh.

    Args:
        mesh: (468 or 470, 2 or 3), `(x, y)` in pixels; `FaceMesh.refine` gives it most exactly.

    Returns:
        "eyes" (2, 16, 2), the edges of the eyelids; "mouth" (1, 20, 2), the lips' outer edge.
    """
    places = np.asarray(mesh)[:, :2]
    return {"eyes": places[MESH_EYELIDS], "mouth": places[None, MESH_LIPS]}


def outlines_of_68(landmarks: np.ndarray) -> Outlines:
    """Take the outlines of the eyes and the mouth out of 68 landmarks.

    Args:
        landmarks: (68, 2), `(x, y)` in pixels.

    Returns:
        "eyes" (2, 6, 2) and "mouth" (1, 12, 2), the lips' outer edge.
    """
    points = np.asarray(landmarks)
    return {"eyes": points[36:48].reshape(2, 6, 2), "mouth": points[None, 48:60]}


def five_points(mesh: np.ndarray) -> np.ndarray:
    """Take the five points that align a face out of its mesh.

    On the sample clips they lie on average within 5 pixels, of a crop of 256, of where MTCNN puts them; the crops
    aligned by the one and by the other differ by 3 pixels and 1 % in size.

    Args:
        mesh: (468 or 470, 2 or 3).

    Returns:
        float32 (5, 2), ordered as `Face.landmarks`, in pixels of the image.
    """
    points = np.asarray(mesh, np.float32)[:, :2]
    eyes = [points[eye].mean(axis=0) for eye in MESH_EYES]
    return np.stack([*eyes, points[MESH_NOSE], *points[list(MESH_MOUTH)]])


def _crop(image: np.ndarray, to_crop: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(image, to_crop, (MESH_SIZE, MESH_SIZE), borderMode=cv2.BORDER_REPLICATE)


def _opened_like(lids: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Move the edges of eyelids (2, 16, 2) half of the way to others, up and down the eye only: how wide an eye is, the
    mesh tells better.
    """
    frames = EyeFrames.of(lids)
    places = frames.places(lids)
    places[..., 1] = (places[..., 1] + frames.places(others)[..., 1]) / 2
    return frames.points(places)


def _level_crop(mesh: np.ndarray, margin: float, mirror: bool) -> np.ndarray:
    """Matrix (2, 3) from image pixels to those of a crop about a mesh (468, 2) in which its eyes are level."""
    across = mesh[MESH_EYELIDS[1, 0]] - mesh[MESH_EYELIDS[0, 0]]
    cosine, sine = across / np.linalg.norm(across)
    upright = np.array([[cosine, sine], [-sine, cosine]])
    start, stop = (mesh @ upright.T).min(axis=0), (mesh @ upright.T).max(axis=0)
    turn = np.diag([-1, 1] if mirror else [1, 1]) @ upright * (MESH_SIZE / (margin * (stop - start).max()))
    return np.column_stack([turn, (MESH_SIZE - 1) / 2 - turn @ (upright.T @ (start + stop) / 2)])


def _in_image(mesh: np.ndarray, to_crop: np.ndarray) -> np.ndarray:
    """Bring a mesh (468, 3) from the pixels of a crop, as the network counts them, to those of the image."""
    turn, shift = to_crop[:, :2], to_crop[:, 2]
    places = (mesh[:, :2] - PIXEL_CENTRE - shift) @ np.linalg.inv(turn).T
    return np.column_stack([places, mesh[:, 2] / np.sqrt(abs(np.linalg.det(turn)))])


def _square_about(box: np.ndarray) -> tuple[np.ndarray, float]:
    x0, y0, x1, y1 = (float(v) for v in box)
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"the box must be x0, y0, x1, y1 with x1 > x0 and y1 > y0. Received: {[x0, y0, x1, y1]}")
    side = MESH_MARGIN * max(x1 - x0, y1 - y0)
    return np.array([(x0 + x1 - side) / 2, (y0 + y1 - side) / 2]), side


def _shift_and_scale(start: np.ndarray, scale: float) -> np.ndarray:
    """Matrix (2, 3) from image pixels to crop pixels."""
    return np.array([[scale, 0, -start[0] * scale], [0, scale, -start[1] * scale]])
