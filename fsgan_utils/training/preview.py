"""Pictures of what a model draws: the preview grid of a training, the sheet of random swaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from IPython.display import clear_output

from fsgan_utils.faces import margin
from fsgan_utils.guides import GUIDE_CHANNELS, draw_guide
from fsgan_utils.images import write_image
from fsgan_utils.plotting import show_curves, show_images
from fsgan_utils.training.augmentation import SIDE
from fsgan_utils.training.data import FaceSet, PairedBatches, to_network, to_pixels
from fsgan_utils.training.gan import DIRECTIONS, SIDES, FaceSwapGAN
from fsgan_utils.training.history import History

OWN = {"a": "BtoA", "b": "AtoB"}
"""The direction whose decoder draws the person themselves."""
OTHER = {"a": "AtoB", "b": "BtoA"}
"""The direction whose decoder draws the other person."""
COLUMNS = ("masked result", "mask", "raw result")


class LivePreview:
    """Shows the loss curves and the preview grid at every preview, and saves the grid.

    Args:
        faces: training images by side.
        folder: where `preview_{iteration}.png` are saved.
        coverage: part of the 256-pixel crop that the network sees; see `central_part`.
        count: faces of each person in the grid.
    """

    def __init__(self, faces: Mapping[str, FaceSet], folder: Path, coverage: float, count: int = 4) -> None:
        """See the class."""
        chosen = {side: np.linspace(0, len(faces[side]) - 1, count).astype(int) for side in SIDES}
        self.faces = {side: faces[side].take(chosen[side]) for side in SIDES}
        self.coverage = coverage
        self.folder = folder

    def __call__(self, model: FaceSwapGAN, history: History) -> None:
        """Draw the model's present state."""
        grids = [self._grid(model, side) for side in SIDES]
        write_image(self.folder / f"preview_{model.iteration:08d}.png", np.vstack(grids))
        clear_output(wait=True)
        show_curves(history.rows)
        titles = [f"person {side.upper()}: input, own decoder, other decoder — {', '.join(COLUMNS)}" for side in SIDES]
        show_images(grids, titles, columns=1, side=9)

    def _grid(self, model: FaceSwapGAN, side: str) -> np.ndarray:
        faces = self.faces[side]
        guides = [guides_for(model, faces, side, direction, self.coverage) for direction in (OWN[side], OTHER[side])]
        return preview_grid(model, central_part(faces.images, self.coverage), side, guides)


def preview_grid(
    model: FaceSwapGAN, images: np.ndarray, side: str, guides: Sequence[np.ndarray | None] = (None, None)
) -> np.ndarray:
    """Draw each image with its own and with the other decoder: v2.2's preview.

    Args:
        model: the model.
        images: uint8 RGB (N, S, S, 3), faces of one person as `central_part` cuts them.
        side: that person, "a" or "b".
        guides: of a guided model, those for the person's own decoder and for the other; see `FaceSwapGAN.generate`.

    Returns:
        uint8 RGB (N · R, 9 · R, 3): three blocks of input, own decoder, other decoder: masked, mask, raw.
    """
    seen = to_network(images, model.config.resolution)
    own, other = (
        model.generate(seen, direction, guide)
        for direction, guide in zip((OWN[side], OTHER[side]), guides, strict=True)
    )
    blocks = []
    for picture in (_masked, _mask, _raw):
        blocks += [to_pixels(seen), picture(own, seen), picture(other, seen)]
    return np.vstack([np.hstack(row) for row in zip(*blocks, strict=True)])


def triples_sheet(
    model: FaceSwapGAN, faces: Mapping[str, FaceSet], direction: str, coverage: float, count: int = 160, seed: int = 0
) -> np.ndarray:
    """Draw random source → mask → result triples.

    Args:
        model: the model.
        faces: training images by side.
        direction: "AtoB" or "BtoA".
        coverage: see `central_part`.
        count: number of triples, drawn with repetition.
        seed: start of the draw.

    Returns:
        uint8 RGB, eight triples in a row; each picture has the model's resolution.
    """
    side = next(side for side in SIDES if side != DIRECTIONS[direction])
    shown = faces[side].take(np.random.default_rng(seed).integers(len(faces[side]), size=count))
    seen = to_network(central_part(shown.images, coverage), model.config.resolution)
    guides = guides_for(model, shown, side, direction, coverage)
    parts = np.array_split(np.arange(count), -(-count // 16))
    drawn = np.concatenate(
        [model.generate(seen[part], direction, None if guides is None else guides[part]) for part in parts]
    )
    triples = [np.hstack(t) for t in zip(to_pixels(seen), _mask(drawn, seen), _masked(drawn, seen), strict=True)]
    triples += [np.zeros_like(triples[0])] * (-count % 8)
    return np.vstack([np.hstack(triples[i : i + 8]) for i in range(0, len(triples), 8)])


def augmented_pairs(batches: PairedBatches, count: int = 12) -> list[np.ndarray]:
    """Make pictures of what training sees: distorted input above, target below, with the eye mask in red.

    Returns:
        uint8 RGB (2 · R, R, 3) each, persons in turn.
    """
    pairs: list[np.ndarray] = []
    number = 0
    while len(pairs) < count:
        batch = batches.batch(number)
        for side in SIDES:
            target = to_pixels(batch[side]["target"])
            if "eyes" in batch[side]:
                target = _reddened(target, batch[side]["eyes"])
            pairs += [np.vstack(pair) for pair in zip(to_pixels(batch[side]["warped"]), target, strict=True)]
        number += 1
    return pairs[:count]


def central_part(images: np.ndarray, coverage: float) -> np.ndarray:
    """Cut the middle out of aligned crops, as conversion does.

    Args:
        images: uint8 RGB (N, 256, 256, 3).
        coverage: part of the side that is kept; `margin` counts the pixels that go at each edge.
    """
    edge = margin(SIDE, coverage)
    return images[:, edge : SIDE - edge, edge : SIDE - edge]


def guides_for(model: FaceSwapGAN, faces: FaceSet, side: str, direction: str, coverage: float) -> np.ndarray | None:
    """Draw the guides for a person's faces in a direction.

    Args:
        model: the model.
        faces: the faces, as `learn_proportions` gives them.
        side: whose they are, "a" or "b".
        direction: "AtoB" or "BtoA".
        coverage: see `central_part`.

    Returns:
        float32 (N, R, R, 3), blank where FaceMesh sees no face; None for a model without guides.
    """
    if model.proportions is None or faces.meshes is None:
        return None
    edge, resolution = margin(SIDE, coverage), model.config.resolution
    guides = np.zeros((len(faces), resolution, resolution, GUIDE_CHANNELS), np.float32)
    for guide, mesh in zip(guides, faces.meshes, strict=True):
        if not np.isnan(mesh).any():
            drawn = mesh if direction == OWN[side] else model.proportions.exchanged(mesh, side)
            guide[:] = draw_guide(drawn[:, :2] - edge, SIDE - 2 * edge, resolution)
    return guides


def _masked(drawn: np.ndarray, seen: np.ndarray) -> np.ndarray:
    return to_pixels(drawn[..., :1] * drawn[..., 1:] + (1 - drawn[..., :1]) * seen)


def _mask(drawn: np.ndarray, seen: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(drawn[..., :1] * 255).astype(np.uint8), 3, axis=-1)


def _raw(drawn: np.ndarray, seen: np.ndarray) -> np.ndarray:
    return to_pixels(drawn[..., 1:])


def _reddened(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    return np.rint(images * (1 - masks / 2) + np.array([255, 40, 40]) * masks / 2).astype(np.uint8)
