"""Find the one face that a training image is about, whether or not the image is an aligned crop."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import Alignment
from fsgan_utils.landmarks import FaceMesh, LandmarkFinder

LandmarkFunction = Callable[[np.ndarray, np.ndarray], np.ndarray | None]

USUAL_FACE, LEAST_FACE = 80, 40
"""Pixels, of 256: faces of the usual size are looked for first, because that is quick; smaller ones than the least are
not what a training image is about."""
ALIGNED_FACE_BOX = np.array([0.15, -0.03, 0.85, 0.94])
"""Where a face lies in an aligned crop, x0, y0, x1, y1 as fractions of the crop's side."""


class FaceFinder:
    """Finds the largest face of an image, and its landmarks.

    An aligned crop holds no room about the face, and heads turned aside are hard to find in it. Therefore the
    image is widened first, and where MTCNN is not sure enough of any face, its best guess counts if FaceMesh
    agrees that a face is there.

    Args:
        finder: finds the 68 landmarks; None stands for FaceMesh.
    """

    def __init__(self, finder: LandmarkFinder | None = None) -> None:
        """Load the networks."""
        self._mesh = FaceMesh()
        self._finder = finder or self._mesh
        self._detectors = (
            FaceDetector(USUAL_FACE),
            FaceDetector(LEAST_FACE),
            FaceDetector(LEAST_FACE, thresholds=(0.4, 0.3, 0.3)),
        )

    def five_points(self, image: np.ndarray) -> np.ndarray | None:
        """Find the five points of the face.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            float32 (5, 2) as `Face.landmarks`, in pixels of the image, or None if there is no face.
        """
        border = max(image.shape) // 4
        wide = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
        for detector in self._detectors:
            faces = detector.detect([wide])[0]
            if faces and _in_aligned_crop(self._mesh_of, image, faces[0].landmarks - border) is not None:
                return faces[0].landmarks - border
        return None

    def landmarks_68(self, image: np.ndarray) -> np.ndarray | None:
        """Find the 68 landmarks of the face.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            float64 (68, 2), `(x, y)` in pixels of the image, or None if there is no face.
        """
        points = self.five_points(image)
        return None if points is None else _in_aligned_crop(self._finder.landmarks_68, image, points)

    def mesh(self, image: np.ndarray) -> np.ndarray | None:
        """Find FaceMesh's 468 points of the face.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            float64 (468, 2), `(x, y)` in pixels of the image, or None if there is no face.
        """
        points = self.five_points(image)
        return None if points is None else _in_aligned_crop(self._mesh_of, image, points)

    def _mesh_of(self, crop: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        points, score = self._mesh.detect(crop, box, looks=2)
        return points[:, :2] if score >= self._mesh.least_score else None


def _in_aligned_crop(find: LandmarkFunction, image: np.ndarray, points: np.ndarray) -> np.ndarray | None:
    """Look for landmarks in a crop aligned by the five points, where faces always lie alike."""
    alignment = Alignment.from_landmarks(points, 256)
    found = find(alignment.warp(image), ALIGNED_FACE_BOX * alignment.size)
    return None if found is None else found.astype(np.float64) @ alignment.inverse[:, :2].T + alignment.inverse[:, 2]
