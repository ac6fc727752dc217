"""Who looks like whom: cosine similarities between groups of faces, such as real A, real B and A swapped to B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fsgan_utils.embedding import Embedder


@dataclass(frozen=True, eq=False)
class Similarity:
    """Cosine similarities of faces, group by group.

    Attributes:
        sizes: by group, in order, its number of faces.
        matrix: float32 (N, N) in [-1, 1], of each face with each other one; N is the sum of the sizes.

    Raises:
        ValueError: a group has fewer than two faces, or the matrix has not one row and one column per face.
    """

    sizes: Mapping[str, int]
    matrix: np.ndarray

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name, size in self.sizes.items():
            if size < 2:
                raise ValueError(f"a group needs two faces at least. Received: {size} in {name!r}")
        count = sum(self.sizes.values())
        if self.matrix.shape != (count, count):
            raise ValueError(f"expected a matrix of shape {(count, count)}. Received: {self.matrix.shape}")

    @property
    def means(self) -> pd.DataFrame:
        """Mean similarity within each group, a face's with itself left out, and of each group with each other."""
        ends = np.cumsum(list(self.sizes.values()))
        starts = ends - list(self.sizes.values())
        parts = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
        others = self.matrix.astype(np.float64)
        np.fill_diagonal(others, np.nan)
        values = [[np.nanmean(others[rows, columns]) for columns in parts] for rows in parts]
        return pd.DataFrame(values, index=list(self.sizes), columns=list(self.sizes))


def identity_similarity(groups: Mapping[str, Sequence[np.ndarray]], embedder: Embedder) -> Similarity:
    """Compare faces with each other by what makes their identity.

    Args:
        groups: by name, uint8 RGB crops (H, W, 3) of any size, all framed alike: the same part of aligned faces.
        embedder: what compares; to judge a swap take one that had no part in training (`ResNetEmbedder`).

    Returns:
        The similarities, in the groups' order.

    Raises:
        ValueError: there is no group, a group has fewer than two faces, or a crop is not such an image.

    Reference: Lu, "faceswap-GAN", v2.2 (2018), notes: heat maps of face verification.
    """
    if not groups:
        raise ValueError('there is no group of faces to compare; give some, as {"real A": crops, "real B": crops}')
    vectors = embedder.embed([face for faces in groups.values() for face in faces])
    return Similarity({name: len(faces) for name, faces in groups.items()}, vectors @ vectors.T)
