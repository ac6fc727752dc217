"""Making a folder of masks: one for every training image in which a face is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.extraction.folders import replaced_folder, unused_name
from fsgan_utils.images import list_images, load_image, square_image, write_image
from fsgan_utils.workspace import Workspace

MASK_SIZE = 256
"""Side of every mask in pixels: that of the square which the training takes out of an image."""

MaskMaker = Callable[[np.ndarray], np.ndarray | None]


@dataclass
class MadeMasks:
    """What was made for both sides.

    Attributes:
        made: for each side, the masks written.
        without_face: for each side, the images in which no face was found; they have no mask.
    """

    made: dict[str, list[Path]] = field(default_factory=dict)
    without_face: dict[str, list[Path]] = field(default_factory=dict)

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


def training_images(workspace: Workspace, side: str) -> list[Path]:
    """List the images of a side, each with a stem of its own.

    Raises:
        FileNotFoundError: there is none.
        ValueError: two have the same stem, and would share a mask.
    """
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


def make_masks(
    images: dict[str, list[Path]], folder_of: Callable[[str], Path], make_mask: MaskMaker, title: str
) -> MadeMasks:
    """Make the masks of each side; a folder is replaced when it is complete.

    Args:
        images: for each side, images of any size and format; brought to 256×256 as the training brings them.
        folder_of: for a side, where its masks go: grey PNGs of that size under the images' stems.
        make_mask: takes uint8 RGB (256, 256, 3) and returns uint8 (256, 256), or None where there is no face.
        title: what the progress bar says, before the side.

    Raises:
        ValueError: an image cannot be read.
    """
    result = MadeMasks()
    for side, paths in images.items():
        folder = folder_of(side)
        result.made[side], result.without_face[side] = [], []
        with replaced_folder(folder) as partial:
            for path in tqdm(paths, f"{title} of face{side}", unit="image"):
                mask = make_mask(square_image(load_image(path), MASK_SIZE))
                if mask is None or not mask.any():
                    result.without_face[side].append(path)
                    continue
                write_image(partial / f"{path.stem}.png", mask)
                result.made[side].append(folder / f"{path.stem}.png")
    return result


def set_aside(workspace: Workspace, masks: MadeMasks) -> list[Path]:
    """Move the images without a face to a folder beside faceA or faceB; the training takes none without a mask.

    Returns:
        Where they are now.
    """
    moved = []
    for side, paths in masks.without_face.items():
        folder = workspace.root / f"face{side}_without_face"
        for path in paths:
            folder.mkdir(exist_ok=True)
            moved.append(path.rename(unused_name(folder / path.name)))
    return moved


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


def preview_masks(workspace: Workspace, masks: MadeMasks, side: str, count: int = 12) -> list[np.ndarray]:
    """Images of a side with their masks on them, spread evenly over all of them.

    Returns:
        At most `count` uint8 RGB images (256, 256, 3).
    """
    made = masks.made.get(side, [])
    chosen = [made[i] for i in np.unique(np.linspace(0, len(made) - 1, min(count, len(made))).astype(int))]
    image_of = {path.stem: path for path in list_images(workspace.face_folder(side))}
    return [tint(square_image(load_image(image_of[mask.stem])), load_image(mask)[..., 0]) for mask in chosen]
