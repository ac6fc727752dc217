"""Training images in memory, and the batches made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import keras
import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.guides import GUIDE_CHANNELS, draw_guide
from fsgan_utils.images import list_images, load_image, spread, square_image
from fsgan_utils.masks import load_masks, widened
from fsgan_utils.occlusion.objects import Thing, draw_things
from fsgan_utils.training.augmentation import SIDE, Augmentation, augment
from fsgan_utils.training.color_matching import ColorStatistics

Batch = dict[str, dict[str, np.ndarray]]
OBJECTS = 200
"""How many objects are drawn for a training that lays them before faces."""
GUIDELESS = 0.05
"""Share of a guided model's training faces that it must draw without a guide, as where FaceMesh sees no face."""


@dataclass(frozen=True, eq=False)
class FaceSet:
    """The training images of one person.

    Attributes:
        names: file names, one per image.
        images: uint8 RGB (N, 256, 256, 3).
        masks: by name ("eyes", "mouth", "face"), uint8 (N, 256, 256), 255 inside; those of eyes and mouth are
            widened, for lids, lashes and the lips' edges are to count more too.
        meshes: float32 (N, 470, 3), as `FaceMesh.refine` gives them, in pixels of the images; NaN where it sees none;
            see `learn_proportions`. None where that was not asked for.
        bends: float32 (N, 33, 33, 2), how to bend each face to the other person's proportions; with `meshes`.
        redrawn: uint8 RGB (N, 256, 256, 3), the other person in the place of each face, see `redraw_faces`; None where
            that was not asked for.
    """

    names: list[str]
    images: np.ndarray
    masks: dict[str, np.ndarray]
    meshes: np.ndarray | None = None
    bends: np.ndarray | None = None
    redrawn: np.ndarray | None = None

    def __len__(self) -> int:
        """Count the images."""
        return len(self.names)

    def take(self, chosen: np.ndarray) -> FaceSet:
        """The images at some positions, int (N,), with their masks."""
        names = [self.names[index] for index in chosen]
        masks = {name: masks[chosen] for name, masks in self.masks.items()}
        known = (self.meshes, self.bends, self.redrawn)
        return FaceSet(names, self.images[chosen], masks, *(None if one is None else one[chosen] for one in known))

    @classmethod
    def load(cls, folder: Path, masks: Mapping[str, Path] | None = None) -> FaceSet:
        """Read a folder of aligned faces and the masks that belong to them.

        Args:
            folder: images of any format and size; brought to 256×256.
            masks: by name, a folder that holds one mask per image and no other: see `fsgan_utils.masks.load_masks`.

        Raises:
            FileNotFoundError: the folder is missing or holds no image, or an image has no mask.
            ValueError: an image cannot be read, or masks and images do not agree one to one.
        """
        paths = list_images(folder)
        if not paths:
            raise FileNotFoundError(
                f"there are no images in {folder}; run notebook 1 with `use_for`, or put aligned faces there"
            )
        images = np.stack([square_image(load_image(path)) for path in tqdm(paths, desc=f"reading {folder.name}")])
        found = {name: load_masks(paths, mask_folder) for name, mask_folder in (masks or {}).items()}
        for part in {"eyes", "mouth"} & set(found):
            found[part] = np.stack([widened(mask) for mask in found[part]])
        return cls([path.name for path in paths], images, found)


def hold_out(faces: FaceSet, count: int) -> tuple[FaceSet, FaceSet]:
    """Take some faces out of a set, at even distances, to score a model on what it is not trained with.

    Args:
        faces: the training images of one person.
        count: how many; at most a quarter of them, and one at least.

    Returns:
        The faces to train with, and those held out.
    """
    out = spread(len(faces), max(1, min(count, len(faces) // 4)))
    return faces.take(np.setdiff1d(np.arange(len(faces)), out)), faces.take(out)


class PairedBatches(keras.utils.PyDataset):
    """Batches of augmented faces of A and B.

    Batch number n of a seed is always the same, whatever the number of workers or the place training resumes at.

    Args:
        faces: by side, "a" and "b".
        resolution: side of the network's images in pixels.
        batch_size: faces of each side in a batch.
        steps: batches in an epoch.
        augmentation: how far images are changed.
        seed: start of every random draw.
        first_batch: number of the first batch, when training resumes.
        workers: threads that prepare batches ahead. With one, Keras leaves it to `tf.data`, whose tuning of itself
            lets a `fit` end up to a minute late, and JAX and PyTorch wait for every batch.
        guided: whether the model is one that guides tell where to draw.

    Raises:
        ValueError: `augmentation.reshape` or `guided` needs what `learn_proportions` finds out, or
            `augmentation.redrawn` what `redraw_faces` draws, and the faces lack it.

    Each item is `{"a": {...}, "b": {...}}` with float32 arrays `warped` and `target` (N, R, R, 3), RGB in
    [-1, 1], one (N, R, R, 1) in [0, 1] for each mask of that side, and, if guided, `guide` (N, R, R, 3), see
    `draw_guide`; a few of these are blank.
    """

    def __init__(
        self,
        faces: Mapping[str, FaceSet],
        resolution: int,
        batch_size: int = 8,
        steps: int = 300,
        augmentation: Augmentation = Augmentation(),  # noqa: B008
        seed: int = 0,
        first_batch: int = 0,
        workers: int = 2,
        guided: bool = False,
    ) -> None:
        """See the class."""
        super().__init__(workers=workers, max_queue_size=8)
        if (augmentation.reshape or guided) and any(one.bends is None for one in faces.values()):
            raise ValueError(
                "Augmentation.reshape is more than 0 or the model is guided, but the faces' proportions are not known; "
                "call `faces = learn_proportions(faces, crop)` first"
            )
        if augmentation.redrawn and any(one.redrawn is None for one in faces.values()):
            raise ValueError(
                "Augmentation.redrawn is more than 0, but the faces have not been redrawn; call "
                "`faces = redraw_faces(faces, model)` with a trained model first"
            )
        self.faces, self.resolution, self.batch_size, self.steps = faces, resolution, batch_size, steps
        self.augmentation, self.seed, self.first_batch = augmentation, seed, first_batch
        self.guided = guided
        self._things = _pool(seed) if augmentation.occlude else []
        self._begun = False
        self._statistics = {side: [ColorStatistics.of(image) for image in faces[side].images] for side in faces}
        self._references = [statistics for side in faces for statistics in self._statistics[side]]

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.steps

    def __getitem__(self, index: int) -> tuple[Batch]:
        """Make one batch of the current epoch."""
        return (self.batch(self.first_batch + index),)

    def on_epoch_begin(self) -> None:
        """Note that an epoch has begun."""
        self._begun = True

    def on_epoch_end(self) -> None:
        """Move on to the next epoch's batches; Keras' `fit` also calls this before the first epoch."""
        if self._begun:
            self.first_batch += self.steps
        self._begun = False

    def batch(self, number: int) -> Batch:
        """Make batch `number`."""
        rng = np.random.default_rng((self.seed, number))
        return {side: self._side(side, rng) for side in self.faces}

    def _side(self, side: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
        faces = self.faces[side]
        samples, guides = [], []
        for index in rng.integers(len(faces), size=self.batch_size):
            masks = _interleaved([mask[index] for mask in faces.masks.values()])
            reference = self._references[rng.integers(len(self._references))]
            colors = self._statistics[side][index]
            moves = self.augmentation
            bend = faces.bends[index] if faces.bends is not None and moves.reshape else None
            redrawn = faces.redrawn[index] if faces.redrawn is not None and moves.redrawn else None
            image = faces.images[index]
            samples.append(
                augment(image, masks, colors, reference, self.resolution, moves, rng, bend, redrawn, self._things)
            )
            if self.guided:
                guides.append(self._guide(faces, index, samples[-1].to_target, rng))
        masks = np.stack([sample.masks for sample in samples])
        return {
            "warped": np.stack([sample.warped for sample in samples]),
            "target": np.stack([sample.target for sample in samples]),
            **{name: masks[..., channel : channel + 1] for channel, name in enumerate(faces.masks)},
            **({"guide": np.stack(guides)} if self.guided else {}),
        }

    def _guide(self, faces: FaceSet, index: int, to_target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        mesh = None if faces.meshes is None else faces.meshes[index]
        if mesh is None or np.isnan(mesh).any() or rng.random() < GUIDELESS:
            return np.zeros((self.resolution, self.resolution, GUIDE_CHANNELS), np.float32)
        places = mesh[:, :2] @ to_target[:, :2].T + to_target[:, 2]
        return draw_guide(places, self.resolution, self.resolution)


@lru_cache(maxsize=1)
def _pool(seed: int) -> list[Thing]:
    """Objects to lay before faces, drawn once for all legs of a training."""
    return draw_things(seed, count=OBJECTS)


def to_network(images: Sequence[np.ndarray] | np.ndarray, resolution: int) -> np.ndarray:
    """Bring square uint8 RGB images (S, S, 3) to the networks' size and range: float32 (N, R, R, 3) in [-1, 1]."""
    resized = [
        cv2.resize(
            image,
            (resolution, resolution),
            interpolation=cv2.INTER_AREA if resolution < len(image) else cv2.INTER_CUBIC,
        )
        for image in images
    ]
    return np.stack(resized).astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Bring images in [-1, 1] to uint8, clipped."""
    return np.rint(np.clip((images + 1) * 127.5, 0, 255)).astype(np.uint8)


def _interleaved(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Masks (256, 256) as the channels of one picture; several times as fast as NumPy's stack."""
    return cv2.merge(masks).reshape(SIDE, SIDE, -1) if masks else np.zeros((SIDE, SIDE, 0), np.uint8)
