"""Eye masks: where the eyes are in every training image, so that training can care more about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.extraction import eye_box_mask
from fsgan_utils.extraction.folders import replaced_folder
from fsgan_utils.images import list_images, load_image, square_image, write_image
from fsgan_utils.landmarks import FAN
from fsgan_utils.masks.finding import FaceFinder
from fsgan_utils.workspace import SIDES, Workspace

SOURCES = ("facemesh", "fan", "five_points", "none")
MASK_SIZE = 256
EYES = (slice(36, 42), slice(42, 48))

MaskMaker = Callable[[np.ndarray], np.ndarray | None]


@dataclass(frozen=True)
class EyeMasks:
    """What `make_eye_masks` did.

    Attributes:
        made: for each side, the masks written.
        without_face: for each side, the images in which no face was found; they have no mask.
    """

    made: dict[str, list[Path]]
    without_face: dict[str, list[Path]]

    def __str__(self) -> str:
        """A few lines for the screen."""
        if not self.made:
            return "no masks were made, as chosen; masks made earlier are left as they are"
        lines = []
        for side in self.made:
            lines.append(
                f"face{side}: {len(self.made[side])} masks made, {len(self.without_face[side])} without a face"
            )
            lines += [f"  no face found in {path}" for path in self.without_face[side]]
        return "\n".join(lines)


def make_eye_masks(workspace: Workspace, source: str = "facemesh", sides: tuple[str, ...] = SIDES) -> EyeMasks:
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
    result = EyeMasks({}, {})
    if source == "none":
        return result
    images = {side: _images_of(workspace, side) for side in sides}
    make_mask = _mask_maker(source)
    for side in sides:
        result.made[side], result.without_face[side] = _make_side(workspace, side, images[side], make_mask)
    return result


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


def tint(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Show a mask on its image.

    Args:
        image: uint8 RGB (H, W, 3).
        mask: uint8 (H, W), 255 where the image turns red.

    Returns:
        uint8 RGB (H, W, 3).
    """
    weight = mask[..., None] / 255 * 0.5
    return (image * (1 - weight) + np.array([255, 40, 40]) * weight).astype(np.uint8)


def preview_masks(workspace: Workspace, masks: EyeMasks, side: str, count: int = 12) -> list[np.ndarray]:
    """Images of a side with their masks on them, spread evenly over all of them.

    Returns:
        At most `count` uint8 RGB images (256, 256, 3).
    """
    made = masks.made.get(side, [])
    chosen = [made[i] for i in np.unique(np.linspace(0, len(made) - 1, min(count, len(made))).astype(int))]
    image_of = {path.stem: path for path in list_images(workspace.face_folder(side))}
    return [tint(square_image(load_image(image_of[mask.stem])), load_image(mask)[..., 0]) for mask in chosen]


def _images_of(workspace: Workspace, side: str) -> list[Path]:
    folder = workspace.face_folder(side)
    images = list_images(folder)
    if not images:
        raise FileNotFoundError(
            f"there are no images in {folder}; run notebook 1 with use_for = {side!r}, or put the person's images there"
        )
    seen: dict[str, Path] = {}
    for path in images:
        if path.stem in seen:
            raise ValueError(
                f"{path} and {seen[path.stem].name} would share the mask {path.stem}.png; rename or remove one of them"
            )
        seen[path.stem] = path
    return images


def _make_side(
    workspace: Workspace, side: str, images: list[Path], make_mask: MaskMaker
) -> tuple[list[Path], list[Path]]:
    folder = workspace.eye_mask_folder(side)
    made, without_face = [], []
    with replaced_folder(folder) as partial:
        for path in tqdm(images, f"eye masks of face{side}", unit="image"):
            mask = make_mask(square_image(load_image(path), MASK_SIZE))
            if mask is None or not mask.any():
                without_face.append(path)
                continue
            write_image(partial / f"{path.stem}.png", mask)
            made.append(folder / f"{path.stem}.png")
    return made, without_face


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
