"""Whether a folder of masks and a folder of images agree one to one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fsgan_utils.images import list_images, load_image
from fsgan_utils.masks.regions import MASK_SIZE

SHOWN_NAMES = 5

Found = dict[str, list[str]]
"""File names by what is wrong with them; a kind of which there is none has no entry."""


def load_masks(images: Sequence[Path], folder: Path) -> np.ndarray:
    """Read the masks of a list of images, which must agree with them one to one.

    Args:
        images: the images; the mask of each has its stem and ends in `.png`.
        folder: holds these masks and no others.

    Returns:
        uint8 (N, 256, 256), in the order of the images.

    Raises:
        FileNotFoundError: an image has no mask; the message lists all that does not match.
        ValueError: anything else does not match; see `find_mismatches`.
    """
    masks, wrong = _read(images, folder)
    if wrong:
        lines = "\n".join(f"  {line}" for line in _described(wrong, len(images)))
        kind = FileNotFoundError if WITHOUT_MASK in wrong else ValueError
        raise kind(
            f"the masks in {folder} and the images do not agree one to one:\n{lines}\n"
            "Run notebook 2 again: it makes every mask anew, and sets images without a face aside."
        )
    return np.stack([masks[path.stem] for path in images])


def find_mismatches(images: Sequence[Path], folder: Path) -> list[str]:
    """List what keeps a folder of masks and its images from agreeing one to one.

    Looked for are images without a mask, images that share one, masks without an image, masks that cannot be
    read, that are not 256×256, or in which nothing is marked.

    Args:
        images: the images; they are not opened.
        folder: where their masks are.

    Returns:
        One line for each kind, with a count and at most five names; empty if all is well.
    """
    return _described(_read(images, folder)[1], len(images))


WITHOUT_MASK = "{count} of {images} images have no mask: {names}"
SHARING = "{count} images share one mask with an image of the same name: {names}"
WITHOUT_IMAGE = "{count} masks belong to no image: {names}"
UNREADABLE = "{count} masks cannot be read: {names}"
OTHER_SIZE = f"{{count}} masks are not {MASK_SIZE}×{MASK_SIZE}: {{names}}"
EMPTY = "{count} masks are empty, all black: {names}"


def _read(images: Sequence[Path], folder: Path) -> tuple[dict[str, np.ndarray], Found]:
    """Read what masks can be used, by stem, and note the names of all else."""
    masks: dict[str, np.ndarray] = {}
    wrong: Found = {}
    expected: dict[str, Path] = {}
    for path in images:
        if expected.setdefault(path.stem, path) is not path:
            wrong.setdefault(SHARING, []).append(path.name)
    present = {path.name: path for path in list_images(folder)}
    for stem, path in expected.items():
        file = present.pop(f"{stem}.png", None)
        if file is None:
            wrong.setdefault(WITHOUT_MASK, []).append(path.name)
            continue
        kind, masks[stem] = _read_mask(file)
        if kind:
            wrong.setdefault(kind, []).append(file.name)
    if present:
        wrong[WITHOUT_IMAGE] = list(present)
    return masks, wrong


def _read_mask(file: Path) -> tuple[str, np.ndarray]:
    """Read a mask and say what is wrong with it: one of the kinds above, or nothing."""
    try:
        mask = load_image(file)[..., 0]
    except ValueError:
        return UNREADABLE, np.zeros(0, np.uint8)
    if mask.shape != (MASK_SIZE, MASK_SIZE):
        return OTHER_SIZE, mask
    return ("" if mask.any() else EMPTY), mask


def _described(wrong: Found, images: int) -> list[str]:
    return [
        kind.format(
            count=len(names), images=images, names=", ".join(names[:SHOWN_NAMES] + ["…"] * (len(names) > SHOWN_NAMES))
        )
        for kind, names in wrong.items()
    ]
