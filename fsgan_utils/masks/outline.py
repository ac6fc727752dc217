"""Face masks: the outline of the face in every training image, which the network's own mask learns from."""

from __future__ import annotations

import cv2
import numpy as np

from fsgan_utils.masks.finding import FaceFinder
from fsgan_utils.masks.making import MASK_SIZE, MadeMasks, make_masks, training_images
from fsgan_utils.workspace import SIDES, Workspace


def make_outline_masks(workspace: Workspace, sides: tuple[str, ...] = SIDES) -> MadeMasks:
    """Draw the outline of the face for every image in faceA and faceB.

    The masks are grey PNGs (256, 256) under the image's stem in `binary_masks/face{side}_outline`; the folder is
    replaced when it is complete. An image in which no face is found gets no mask and is listed in the result.

    Raises:
        FileNotFoundError: a side has no images.
        ValueError: an image cannot be read, or two images of a side have the same stem.
    """
    images = {side: training_images(workspace, side) for side in sides}
    finder = FaceFinder()

    def make(image: np.ndarray) -> np.ndarray | None:
        mesh = finder.mesh(image)
        return None if mesh is None else outline_mask(mesh, len(image))

    return make_masks(images, workspace.outline_mask_folder, make, "outlines")


def outline_mask(mesh: np.ndarray, size: int = MASK_SIZE) -> np.ndarray:
    """Fill the convex hull of a face's mesh.

    Args:
        mesh: (468, 2), `(x, y)` in pixels of the crop.
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size), 255 inside.
    """
    mask = np.zeros((size, size), np.uint8)
    return cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(mesh).astype(np.int32)), 255)
