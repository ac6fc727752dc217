"""Eye masks: where the eyes are in every training image, so that training can care more about them."""

from __future__ import annotations

import cv2
import numpy as np

from fsgan_utils.extraction import eye_box_mask
from fsgan_utils.landmarks import FAN
from fsgan_utils.masks.finding import FaceFinder
from fsgan_utils.masks.making import MASK_SIZE, MadeMasks, MaskMaker, make_masks, training_images
from fsgan_utils.workspace import SIDES, Workspace

SOURCES = ("facemesh", "fan", "five_points", "none")
EYES = (slice(36, 42), slice(42, 48))


def make_eye_masks(workspace: Workspace, source: str = "facemesh", sides: tuple[str, ...] = SIDES) -> MadeMasks:
    """Make an eye mask for every image in faceA and faceB.

    An image of any size and format is brought to 256×256 as the training brings it; the mask is saved as
    grey PNG of that size under the image's stem in `binary_masks/face{side}_eyes`. An image in which no face
    is found gets no mask and is listed in the result. Each folder of masks is replaced when it is complete.

    Args:
        workspace: where faceA and faceB are.
        source: "facemesh", "fan" (v2.2's network, to be installed), "five_points" (crude boxes about MTCNN's
            eye points), or "none" to make no masks.
        sides: the sides to work on.

    Raises:
        FileNotFoundError: a side has no images.
        ValueError: the source is not one of those above, an image cannot be read, or two images of a side
            have the same stem.
        ImportError: "fan" was chosen and is not installed.
    """
    if source not in SOURCES:
        raise ValueError(f"source must be one of {', '.join(SOURCES)}. Received: {source!r}")
    if source == "none":
        return MadeMasks()
    images = {side: training_images(workspace, side) for side in sides}
    return make_masks(images, workspace.eye_mask_folder, _mask_maker(source), "eye masks")


def eye_mask(landmarks: np.ndarray, size: int = MASK_SIZE) -> np.ndarray:
    """Draw both eyes from 68 landmarks: filled, widened by 6 pixels and softened.

    Args:
        landmarks: (68, 2), `(x, y)` in pixels of the crop.
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size), 0 to 255.

    Reference:
        v2.2's notebook 2: convex hulls of points 36-41 and 42-47, dilated 13×13, Gaussian 7×7.
    """
    mask = np.zeros((size, size), np.uint8)
    for eye in EYES:
        cv2.fillConvexPoly(mask, cv2.convexHull(np.asarray(landmarks)[eye].astype(np.int32)), 255)
    return cv2.GaussianBlur(cv2.dilate(mask, np.ones((13, 13), np.uint8)), (7, 7), 0)


def _mask_maker(source: str) -> MaskMaker:
    if source == "five_points":
        return _five_point_maker(FaceFinder())
    return _dense_maker(FaceFinder(FAN() if source == "fan" else None))


def _dense_maker(finder: FaceFinder) -> MaskMaker:
    def make(image: np.ndarray) -> np.ndarray | None:
        landmarks = finder.landmarks_68(image)
        return None if landmarks is None else eye_mask(landmarks, len(image))

    return make


def _five_point_maker(finder: FaceFinder) -> MaskMaker:
    def make(image: np.ndarray) -> np.ndarray | None:
        points = finder.five_points(image)
        return None if points is None else eye_box_mask(points[:2], len(image))

    return make
