"""Find the one face that a training image is about, whether or not the image is an aligned crop."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import CROPS, Alignment, misalignment
from fsgan_utils.landmarks import FaceMesh, LandmarkFinder, Outlines, five_points, outlines_of_68, outlines_of_mesh

USUAL_FACE, LEAST_FACE = 80, 40
"""Pixels, of 256: faces of the usual size are looked for first, because that is quick; smaller ones than the least are
not what a training image is about."""
ALIGNED_FACE_BOX = np.array([0.15, -0.03, 0.85, 0.94])
"""Where a face lies in an aligned crop, x0, y0, x1, y1 as fractions of the crop's side."""
MOST_MISALIGNED = 0.075
"""How far off the face in an aligned crop may lie, see `misalignment`; on the sample clips .07, where MTCNN aligned it.
FaceMesh may be wrong where it lies further, so MTCNN looks there too."""
MOST_MOVED = 0.035
"""How far, in parts of the crop's side, a closer look may move the points of such a face on average; on the training
clips up to .023. Where a face lies elsewhere than was thought, it moves them further."""


class FaceFinder:
    """Finds the largest face of an image, and the outlines of its parts.

    In an aligned crop FaceMesh finds the face alone. Any other image goes through MTCNN first. Heads turned aside are
    hard to find where there is no room about the face: therefore the image is widened, and where MTCNN is not sure
    enough of any face, its best guess counts if FaceMesh agrees that a face is there.

    Args:
        finder: finds the 68 landmarks that the outlines are taken from; None takes them from FaceMesh's points.
    """

    def __init__(self, finder: LandmarkFinder | None = None) -> None:
        """Load FaceMesh."""
        self._mesh = FaceMesh()
        self._finder = finder

    @cached_property
    def _detectors(self) -> list[FaceDetector]:
        guessing = FaceDetector(LEAST_FACE, thresholds=(0.4, 0.3, 0.3))
        return [FaceDetector(USUAL_FACE), FaceDetector(LEAST_FACE), guessing]

    def mesh(self, image: np.ndarray) -> np.ndarray | None:
        """Find the mesh of the face, as exactly as `FaceMesh.refine` does.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            float32 (470, 3), `(x, y)` in pixels of the image and depth in the same unit; None if there is no face.
        """
        if image.shape[0] == image.shape[1]:
            guess = self._mesh_of(image)
            if guess is not None:
                mesh = self._mesh.refine(image, guess)
                if _is_aligned(guess, mesh, len(image)):
                    return mesh
        border = max(image.shape) // 4
        wide = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
        for detector in self._detectors:
            faces = detector.detect([wide])[0]
            if faces:
                alignment = Alignment.from_landmarks(faces[0].landmarks - border)
                guess = self._mesh_of(alignment.warp(image))
                if guess is not None:
                    return self._mesh.refine(image, _undone(alignment, guess))
        return None

    def outlines(self, image: np.ndarray, mesh: np.ndarray) -> Outlines | None:
        """Find the outlines of the eyes and the mouth.

        Args:
            image: uint8 RGB (H, W, 3).
            mesh: (470, 3), as `mesh` found it.

        Returns:
            See `fsgan_utils.landmarks.Outlines`; None if the finder of the 68 landmarks sees no face.
        """
        if self._finder is None:
            return outlines_of_mesh(mesh)
        alignment = Alignment.from_landmarks(five_points(mesh))
        landmarks = self._finder.landmarks_68(alignment.warp(image), ALIGNED_FACE_BOX * alignment.size)
        return None if landmarks is None else outlines_of_68(_undone(alignment, landmarks))

    def _mesh_of(self, crop: np.ndarray) -> np.ndarray | None:
        points, score = self._mesh.detect(crop, ALIGNED_FACE_BOX * len(crop), looks=2)
        return points if score >= self._mesh.least_score else None


def _is_aligned(guess: np.ndarray, mesh: np.ndarray, side: int) -> bool:
    """Whether a face lies as in an aligned crop: its mesh (470, 3), and what was seen there at first, in pixels."""
    moved = float(np.linalg.norm((mesh[: len(guess)] - guess)[:, :2], axis=1).mean())
    places = five_points(mesh) / side
    return moved <= MOST_MOVED * side and min(misalignment(places, crop) for crop in CROPS) <= MOST_MISALIGNED


def _undone(alignment: Alignment, points: np.ndarray) -> np.ndarray:
    """Bring points (N, 2) of an aligned crop, or (N, 3) with their depths, back to the image."""
    scale = np.sqrt(np.linalg.det(alignment.inverse[:, :2]))
    return np.column_stack([alignment.undo(points[:, :2]), scale * points[:, 2:]])
