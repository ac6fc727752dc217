"""Making folders of masks: one mask of each kind for every training image in which a face is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.extraction import eye_box_mask
from fsgan_utils.extraction.folders import replaced_folder, unused_name
from fsgan_utils.images import list_images, load_image, spread, square_image, write_image
from fsgan_utils.landmarks import FAN, five_points
from fsgan_utils.masks.finding import FaceFinder
from fsgan_utils.masks.regions import MASK_SIZE, region_mask
from fsgan_utils.masks.skin import SkinEvidence, skin_outlines
from fsgan_utils.settings import one_of
from fsgan_utils.workspace import SIDES, Workspace

SOURCES = ("facemesh", "fan", "five_points")
FOLDERS: dict[str, Callable[[Workspace, str], Path]] = {
    "eyes": Workspace.eye_mask_folder,
    "mouth": Workspace.mouth_mask_folder,
    "outline": Workspace.outline_mask_folder,
}
"""By part of the face, where its masks go."""

Masks = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What one image gives: its masks but for the outline, and how unlike skin the face looks."""

    masks: Masks
    skin: SkinEvidence | None


MaskDrawer = Callable[[np.ndarray], _Drawn | None]


@dataclass
class MadeMasks:
    """What was made for both sides.

    Attributes:
        made: for each part of the face and each side, the masks written.
        without_face: for each side, the images in which no face was found; they have no mask.
    """

    made: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    without_face: dict[str, list[Path]] = field(default_factory=dict)

    def __str__(self) -> str:
        """A few lines for the screen."""
        if not self.made:
            return "no masks were made, as chosen; masks made earlier are left as they are"
        lines = []
        for side, lost in self.without_face.items():
            counts = ", ".join(f"{len(masks[side])} masks of the {part}" for part, masks in self.made.items())
            lines.append(f"face{side}: {counts} made, {len(lost)} images without a face")
            lines += [f"  no face found in {path}" for path in lost]
        return "\n".join(lines)


def make_masks(
    workspace: Workspace,
    parts: tuple[str, ...] = ("eyes", "outline"),
    source: str = "facemesh",
    sides: tuple[str, ...] = SIDES,
) -> MadeMasks:
    """Make masks for every image in faceA and faceB; the face is looked for once in each.

    An image of any size and format is brought to 256×256 as the training brings it; a mask is saved as grey PNG of
    that size, 255 inside, under the image's stem in `binary_masks/face{side}_{part}`. An image in which no face is
    found gets no mask and is listed in the result. The folders of a side are replaced when they are complete.

    Args:
        workspace: where faceA and faceB are.
        parts: which masks: "eyes" (what lies between the eyelids), "mouth" (the lips and what lies between them),
            "outline" (the face without the hair before it, see `skin_outlines`). None makes none, and leaves those
            made earlier as they are.
        source: where eyes and mouth come from: "facemesh", "fan" (v2.2's network, to be installed), or
            "five_points" (eyes only: crude boxes about their centres).
        sides: the sides to work on.

    Raises:
        FileNotFoundError: a side has no images.
        ValueError: a part or the source is not one of those above, an image cannot be read, two images of a side
            have the same stem, or no image of a side shows a face; masks made earlier stay then.
        ImportError: "fan" was chosen and is not installed.
    """
    _check_choice(parts, source)
    if not parts:
        return MadeMasks()
    images = {side: training_images(workspace, side) for side in sides}
    result = MadeMasks({part: {} for part in parts})
    draw = _mask_drawer(parts, source)
    for side, paths in images.items():
        folders = {part: FOLDERS[part](workspace, side) for part in parts}
        drawn = _fill(folders, paths, draw, f"masks of face{side}")
        result.without_face[side] = [path for path in paths if path not in drawn]
        for part, folder in folders.items():
            result.made[part][side] = [folder / f"{path.stem}.png" for path in drawn]
    return result


def _check_choice(parts: tuple[str, ...], source: str) -> None:
    unknown = [part for part in parts if part not in FOLDERS]
    if unknown:
        raise ValueError(f"parts must be among {', '.join(FOLDERS)}. Received: {', '.join(map(repr, unknown))}")
    one_of("source", source, SOURCES)
    if source == "five_points" and "mouth" in parts:
        raise ValueError("five points do not say where the lips are; make mouth masks with 'facemesh' or 'fan'")


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


def _mask_drawer(parts: tuple[str, ...], source: str) -> MaskDrawer:
    """What draws the masks of an image, uint8 RGB (256, 256, 3); None if it lacks one, for it shows no face."""
    finder = FaceFinder(FAN() if source == "fan" else None)
    regions = set(parts) - {"outline"}

    def draw(image: np.ndarray) -> _Drawn | None:
        mesh = finder.mesh(image)
        if mesh is None:
            return None
        masks: Masks = {}
        if source == "five_points" and regions:
            masks = {"eyes": eye_box_mask(five_points(mesh)[:2])}
        elif regions:
            masks = {part: region_mask(found) for part, found in (finder.outlines(image, mesh) or {}).items()}
        if any(part not in masks or not masks[part].any() for part in regions):
            return None
        return _Drawn(masks, SkinEvidence.of(image, mesh) if "outline" in parts else None)

    return draw


def _fill(folders: dict[str, Path], paths: list[Path], draw: MaskDrawer, title: str) -> list[Path]:
    """Replace the folders of a side's masks; returns the images that have got all of theirs."""
    done, skins = [], []
    with ExitStack() as stack:
        partial = {part: stack.enter_context(replaced_folder(folder)) for part, folder in folders.items()}
        for path in tqdm(paths, title, unit="image"):
            drawn = draw(square_image(load_image(path), MASK_SIZE))
            if drawn is None:
                continue
            for part in partial.keys() & drawn.masks.keys():
                write_image(partial[part] / f"{path.stem}.png", drawn.masks[part])
            skins += [drawn.skin] if drawn.skin else []
            done.append(path)
        if not done:
            raise ValueError(
                f"none of the {len(paths)} images in {paths[0].parent} shows a face where an aligned one has it; take "
                "them from notebook 1. Masks made earlier are left as they are"
            )
        for path, outline in zip(done, skin_outlines(skins), strict=bool(skins)):
            write_image(partial["outline"] / f"{path.stem}.png", outline)
    return done


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
    """Show a mask on its image: its edge in red, what lies inside a little redder.

    Args:
        image: uint8 RGB (H, W, 3).
        mask: uint8 (H, W), 255 inside.

    Returns:
        uint8 RGB (H, W, 3).
    """
    weight = mask[..., None] / 255 * 0.2
    shown = (image * (1 - weight) + np.array(RED) * weight).astype(np.uint8)
    edges, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(shown, edges, -1, RED, 1)


RED = (255, 40, 40)
PREVIEW_SIZE = 256
CLOSE_UP = 1.5
"""How much of an image a preview shows, as a multiple of the extent of its mask."""


def preview_masks(workspace: Workspace, masks: MadeMasks, side: str, part: str, count: int = 12) -> list[np.ndarray]:
    """Close-ups of images of a side with their masks drawn on them, spread evenly over all of them.

    Args:
        workspace: where the images are.
        masks: what was made.
        side: "A" or "B".
        part: "eyes", "mouth" or "outline".
        count: how many.

    Returns:
        At most `count` uint8 RGB images (256, 256, 3); none if no such masks were made.
    """
    made = masks.made.get(part, {}).get(side, [])
    chosen = [made[i] for i in spread(len(made), count)]
    image_of = {path.stem: path for path in list_images(workspace.face_folder(side))}
    pairs = [(square_image(load_image(image_of[mask.stem])), load_image(mask)[..., 0]) for mask in chosen]
    return [tint(*(square_image(part, PREVIEW_SIZE) for part in _close_up(image, mask))) for image, mask in pairs]


def _close_up(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a square about a mask out of a square image and its mask."""
    rows, columns = np.nonzero(mask)
    side = min(len(mask), round(CLOSE_UP * max(np.ptp(rows), np.ptp(columns))))
    top, left = (int(np.clip((v.min() + v.max() - side) // 2, 0, len(mask) - side)) for v in (rows, columns))
    return image[top : top + side, left : left + side], mask[top : top + side, left : left + side]
