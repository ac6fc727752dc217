"""The three networks of MTCNN, with the published weights."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import joblib
import keras
import numpy as np
from keras import layers

LARGEST_BATCH = 256
"""Crops that a network sees at once."""


class DetectionNetworks(NamedTuple):
    """The cascade; every network takes float32 RGB, (pixel − 127.5) / 128, and ends in softmax (no face, face).

    Attributes:
        proposal: (N, H, W, 3) → box corrections (N, h, w, 4), softmax (N, h, w, 2): one cell of 12×12 pixels
            at every second pixel.
        refine: (N, 24, 24, 3) → box corrections (N, 4), softmax (N, 2).
        output: (N, 48, 48, 3) → box corrections (N, 4), points (N, 10), softmax (N, 2).
    """

    proposal: keras.Model
    refine: keras.Model
    output: keras.Model


@cache
def load_networks() -> DetectionNetworks:
    """Build the cascade and fill it with the weights that the PyPI package `mtcnn` carries; once a process.

    Raises:
        FileNotFoundError: the package or its weight files are not installed.
    """
    cascade = DetectionNetworks(build_proposal_network(), build_refine_network(), build_output_network())
    for network, name in zip(cascade, ("pnet", "rnet", "onet"), strict=True):
        network.set_weights(joblib.load(_packaged_weights(name)))
        network.compile(jit_compile=keras.backend.backend() == "jax")
    if keras.backend.backend() == "tensorflow":
        _trace_for_any_size(cascade)
    return cascade


def predict_crops(network: keras.Model, crops: np.ndarray) -> list[np.ndarray]:
    """Run the second or third network on any number of crops.

    Batches are filled up to a power of two, so that a backend that compiles per shape compiles few.

    Args:
        network: `refine` or `output` of `DetectionNetworks`.
        crops: float32 (N, H, W, 3).

    Returns:
        One array (N, …) per output.
    """
    parts = []
    for start in range(0, len(crops), LARGEST_BATCH):
        part = crops[start : start + LARGEST_BATCH]
        filled = np.zeros((1 << (len(part) - 1).bit_length(), *part.shape[1:]), np.float32)
        filled[: len(part)] = part
        parts.append([output[: len(part)] for output in network.predict_on_batch(filled)])
    return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def build_proposal_network() -> keras.Model:
    """P-Net: fully convolutional, for images of any size.

    Reference:
        Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks",
        IEEE SPL 23(10), 2016, figure 2.
    """
    image = keras.Input((None, None, 3), dtype="float32")
    x = _convolution(image, 10)
    x = _pool(x, 2, "same")
    x = _convolution(x, 16)
    x = _convolution(x, 32)
    corrections = layers.Conv2D(4, 1, dtype="float32")(x)
    scores = layers.Conv2D(2, 1, activation="softmax", dtype="float32")(x)
    return keras.Model(image, [corrections, scores], name="proposal")


def build_refine_network() -> keras.Model:
    """R-Net. Reference as for `build_proposal_network`."""
    image = keras.Input((24, 24, 3), dtype="float32")
    x = _pool(_convolution(image, 28), 3, "same")
    x = _pool(_convolution(x, 48), 3, "valid")
    x = _convolution(x, 64, 2)
    x = _dense(x, 128)
    return keras.Model(image, [_head(x, 4), _head(x, 2, "softmax")], name="refine")


def build_output_network() -> keras.Model:
    """O-Net. Reference as for `build_proposal_network`."""
    image = keras.Input((48, 48, 3), dtype="float32")
    x = _pool(_convolution(image, 32), 3, "same")
    x = _pool(_convolution(x, 64), 3, "valid")
    x = _pool(_convolution(x, 64), 2, "same")
    x = _convolution(x, 128, 2)
    x = _dense(x, 256)
    return keras.Model(image, [_head(x, 4), _head(x, 10), _head(x, 2, "softmax")], name="output")


def _trace_for_any_size(cascade: DetectionNetworks) -> None:
    """Show each network two sizes of every axis that varies; TensorFlow then never traces it again.

    The calls in between are there because TensorFlow warns of many tracings among few calls.
    """
    for network, side in zip(cascade, (None, 24, 48), strict=True):
        for batch in (1, 2):
            network.predict_on_batch(np.zeros((batch, side or 11 + batch, side or 12 + 2 * batch, 3), np.float32))
        for _ in range(12):
            cascade.proposal.predict_on_batch(np.zeros((1, 12, 12, 3), np.float32))


def _convolution(x: keras.KerasTensor, filters: int, size: int = 3) -> keras.KerasTensor:
    x = layers.Conv2D(filters, size, dtype="float32")(x)
    return layers.PReLU(shared_axes=(1, 2), dtype="float32")(x)


def _pool(x: keras.KerasTensor, size: int, padding: str) -> keras.KerasTensor:
    return layers.MaxPooling2D(size, 2, padding=padding, dtype="float32")(x)


def _dense(x: keras.KerasTensor, units: int) -> keras.KerasTensor:
    """The published weights flatten a map column by column."""
    x = layers.Flatten(dtype="float32")(layers.Permute((2, 1, 3), dtype="float32")(x))
    return layers.PReLU(dtype="float32")(layers.Dense(units, dtype="float32")(x))


def _head(x: keras.KerasTensor, units: int, activation: str | None = None) -> keras.KerasTensor:
    return layers.Dense(units, activation=activation, dtype="float32")(x)


def _packaged_weights(name: str) -> Path:
    """Find a weight file without importing the package, which would import TensorFlow."""
    package = find_spec("mtcnn")
    folders = package.submodule_search_locations if package else None
    for folder in folders or []:
        file = Path(folder) / "assets" / "weights" / f"{name}.lz4"
        if file.exists():
            return file
    raise FileNotFoundError(f"the weights {name}.lz4 of the package mtcnn are missing; run: pip install 'mtcnn>=1.0'")
