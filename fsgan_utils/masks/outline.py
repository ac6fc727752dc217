"""Face masks: the outline of the face in every training image, which the network's own mask learns from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.extraction.folders import replaced_folder
from fsgan_utils.images import list_images, load_image, square_image, write_image
from fsgan_utils.landmarks import FaceMesh
from fsgan_utils.masks.eyes import MASK_SIZE
from fsgan_utils.masks.finding import ALIGNED_FACE_BOX
from fsgan_utils.workspace import SIDES, Workspace


@dataclass(frozen=True)
class OutlineMasks:
    """What `make_outline_masks` did.

    Attributes:
        made: for each side, the number of masks written.
        unsure: for each side, names of the images in which FaceMesh doubts that there is a face; their mask may be off.
    """

    made: dict[str, int]
    unsure: dict[str, list[str]]

    def __str__(self) -> str:
        """A few lines for the screen."""
        return "\n".join(
            f"face{side}: {count} outlines made" + "".join(f"\n  unsure of {name}" for name in self.unsure[side])
            for side, count in self.made.items()
        )


def make_outline_masks(workspace: Workspace, sides: tuple[str, ...] = SIDES) -> OutlineMasks:
    """Draw the outline of the face for every image in faceA and faceB that has an eye mask.

    The masks are grey PNGs (256, 256) under the image's stem in `binary_masks/face{side}_outline`; the folder is
    replaced when it is complete.

    Raises:
        FileNotFoundError: a side has no images.
        ValueError: an image cannot be read.
    """
    mesh, result = FaceMesh(), OutlineMasks({}, {})
    for side in sides:
        images = list_images(workspace.face_folder(side))
        if not images:
            raise FileNotFoundError(f"there are no images in {workspace.face_folder(side)}; run notebook 1 first")
        result.unsure[side] = []
        with replaced_folder(workspace.outline_mask_folder(side)) as partial:
            for path in tqdm(images, f"outlines of face{side}", unit="image"):
                mask, score = outline_mask(square_image(load_image(path), MASK_SIZE), mesh)
                write_image(partial / f"{path.stem}.png", mask)
                if score < mesh.least_score:
                    result.unsure[side].append(path.name)
        result.made[side] = len(images)
    return result


def outline_mask(image: np.ndarray, mesh: FaceMesh) -> tuple[np.ndarray, float]:
    """Fill the convex hull of the face's mesh.

    Args:
        image: uint8 RGB (256, 256, 3), an aligned face.
        mesh: finds the 468 points.

    Returns:
        uint8 (256, 256), 255 inside; and how sure FaceMesh is that this is a face, 0 to 1.
    """
    points, score = mesh.detect(image, ALIGNED_FACE_BOX * len(image))
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points[:, :2]).astype(np.int32)), 255)
    return mask, score
