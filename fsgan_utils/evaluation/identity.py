"""Who the faces are: how near each is to the pictures of the one person and of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.embedding import Embedder, mean_direction
from fsgan_utils.evaluation.openings import Habit
from fsgan_utils.extraction import Source
from fsgan_utils.faces import Alignment
from fsgan_utils.images import list_images, spread
from fsgan_utils.landmarks import FaceMesh, five_points
from fsgan_utils.masks import FaceFinder

GALLERY_SIZE = 60
"""Pictures of a person that are looked at, over all their clips and folders."""
HABIT_SIZE = 20
"""Of these, those that tell how far their mouth and eyes are open."""

Paths = str | Path | Sequence[str | Path]
"""One video or folder of images, or several."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures of one person.

    Attributes:
        crops: uint8 RGB (256, 256, 3) each, aligned faces.
        meshes: float32 (468, 3) each, their meshes in pixels of the crops.

    Raises:
        ValueError: there is none.
    """

    crops: list[np.ndarray]
    meshes: list[np.ndarray]

    @classmethod
    def load(cls, paths: Paths, size: int = GALLERY_SIZE) -> Gallery:
        """Find the faces of a person's clips and folders, and align them alike.

        Args:
            paths: videos and folders of images that show this person and nobody else: of several faces in a picture
                the largest counts.
            size: pictures to look at, in even distances, as many from each path.

        Raises:
            FileNotFoundError: a path leads nowhere, or a folder holds no image.
            ValueError: no face was found.
        """
        paths = [paths] if isinstance(paths, str | Path) else list(paths)
        finder, closer, crops, meshes = FaceFinder(), FaceMesh(), [], []
        for path in paths:
            for image in tqdm(_pictures(path, -(-size // len(paths))), desc=f"reading {path}", unit="picture"):
                mesh = finder.mesh(image)
                if mesh is not None:
                    places = mesh[:, :2]
                    exact, _ = closer.detect(image, np.concatenate([places.min(axis=0), places.max(axis=0)]), looks=2)
                    alignment = Alignment.from_landmarks(five_points(exact))
                    crops.append(alignment.warp(image))
                    meshes.append(np.column_stack([alignment.apply(exact[:, :2]), alignment.scale * exact[:, 2]]))
        if not crops:
            raise ValueError(f"no face was found in the gallery {', '.join(map(str, paths))}; give clips of one person")
        return cls(crops, meshes)

    def habit(self) -> Habit:
        """How far this person's mouth and eyes are open, from some of the pictures, looked at more closely."""
        closer, chosen = FaceMesh(), spread(len(self.crops), HABIT_SIZE)
        return Habit.of([closer.refine(self.crops[index], self.meshes[index]) for index in chosen])


class IdentityJudge:
    """Tells how near faces are to two people's pictures.

    Args:
        gallery_a: pictures of the person who is replaced.
        gallery_b: pictures of the person put in.
        embedder: what compares; `ResNetEmbedder`, which training never uses.
    """

    def __init__(self, gallery_a: Gallery, gallery_b: Gallery, embedder: Embedder) -> None:
        """Embed the galleries."""
        self._embedder = embedder
        self._a, self._b = (embedder.embed(gallery.crops) for gallery in (gallery_a, gallery_b))

    def scores(self, crops: Sequence[np.ndarray]) -> list[dict[str, float]]:
        """Compare aligned faces with both people's.

        Args:
            crops: uint8 RGB (256, 256, 3) each, each aligned by its own landmarks.

        Returns:
            For each face "identity_retrieval": 1 where the most similar picture of both galleries shows the person
            put in, otherwise 0; "identity_cosine" and "identity_cosine_a": the cosine similarity of the face to the
            mean of the person put in, and to that of the person replaced.
        """
        vectors = self._embedder.embed(crops)
        nearest_a, nearest_b = ((vectors @ gallery.T).max(axis=1) for gallery in (self._a, self._b))
        to_a, to_b = (vectors @ mean_direction(gallery) for gallery in (self._a, self._b))
        return [
            {"identity_retrieval": float(b > a), "identity_cosine": float(mean_b), "identity_cosine_a": float(mean_a)}
            for a, b, mean_a, mean_b in zip(nearest_a, nearest_b, to_a, to_b, strict=True)
        ]


def choose_gallery(gallery: Paths | None, folder: Path) -> Paths | None:
    """The gallery given; else the folder of a person's training images, if it holds any; else None."""
    return gallery or (folder if list_images(folder) else None)


def _pictures(path: str | Path, count: int) -> list[np.ndarray]:
    source = Source.open(path)
    if source.photographs:
        chosen = set(spread(source.count, count))
        pictures = (
            Source(source.path, tuple(p for i, p in enumerate(source.photographs) if i in chosen), count)
        ).pictures()
    else:
        pictures = source.pictures(every=max(1, source.count // count))
    return [picture.image for picture in pictures if picture.image is not None]
