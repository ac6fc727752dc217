"""What a swap needs of a trained model."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fsgan_utils.heads import Proportions


class GeneratorConfig(Protocol):
    """The part of a model's settings that a swap needs."""

    @property
    def resolution(self) -> int:
        """Side, in pixels, of the images the network takes and gives."""

    @property
    def crop(self) -> str:
        """How its faces are cut, "half" or "full"."""


class Generator(Protocol):
    """A trained model, as far as a swap needs one.

    A guided model has an attribute `proportions` as well, and its `generate` takes `guides`; see `FaceSwapGAN`. One
    with a method `fingerprint` is told from others by that, and any other by what it draws.
    """

    @property
    def config(self) -> GeneratorConfig:
        """Its settings."""

    def generate(self, images: np.ndarray, direction: str) -> np.ndarray:
        """Turn faces (N, res, res, 3), float32 RGB in [-1, 1], into (N, res, res, 4).

        Channel 0 of the result is alpha in [0, 1], channels 1 to 3 are RGB in [-1, 1].
        """


def proportions_of(model: Generator) -> Proportions | None:
    """Of a guided model, how the faces of both people are built; None for any other."""
    return getattr(model, "proportions", None)
