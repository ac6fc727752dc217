"""The network that sees where something lies before a face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from keras import layers, ops

from fsgan_utils.masks.regions import disk
from fsgan_utils.occlusion.faces import PART_CHANNELS, draw_parts
from fsgan_utils.workspace import weights_file

VIEW_SIDE = 128
"""Side in pixels of what the network sees, and of what it gives."""
WEIGHTS = "face_objects.weights.h5"
WIDTHS = (16, 32, 64, 80, 96)
"""Channels of its maps, from 64×64 to 4×4."""
BESIDE = 6
"""So many pixels beyond the face what lies before it is still looked for."""
BATCH = 16
LEAST_DEVIATION = 4.0
"""Added to the standard deviation of a face's colors, in levels, so that noise is not made of a dark picture."""


def build_object_network(dtype: str = "float32") -> keras.Model:
    """Build the network: a U-Net whose shortcuts are added.

    It takes float32 (N, 128, 128, 6) from `as_seen`, and gives logits, float32 (N, 128, 128, 1).

    Args:
        dtype: the layers' dtype policy.

    Reference:
        Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015.
    """
    seen = keras.Input((VIEW_SIDE, VIEW_SIDE, 3 + PART_CHANNELS), dtype="float32")
    maps, finer = seen, []
    for width in WIDTHS:
        maps = _convolved(maps, width, dtype, 5 if maps is seen else 3, strides=2)
        maps = layers.Add(dtype=dtype)([maps, _convolved(maps, width, dtype)])
        finer.append(maps)
    for width, shortcut in zip(WIDTHS[-2::-1], finer[-2::-1], strict=True):
        maps = layers.UpSampling2D(interpolation="bilinear", dtype=dtype)(_convolved(maps, width, dtype, 1))
        maps = layers.Add(dtype=dtype)([maps, shortcut])
        maps = layers.Add(dtype=dtype)([maps, _convolved(maps, width, dtype)])
    logits = layers.Conv2D(4, 3, padding="same", dtype="float32")(maps)
    return keras.Model(seen, ops.depth_to_space(logits, 2, data_format="channels_last"), name="face_objects")


def _convolved(maps: Any, width: int, dtype: str, kernel: int = 3, strides: int = 1) -> Any:
    maps = layers.Conv2D(width, kernel, strides, "same", use_bias=False, kernel_initializer="he_normal", dtype=dtype)(
        maps
    )
    return layers.ReLU(dtype=dtype)(layers.BatchNormalization(momentum=0.97, dtype=dtype)(maps))


def as_seen(crops: Sequence[np.ndarray], parts: Sequence[np.ndarray]) -> np.ndarray:
    """What the network takes: whatever the complexion and the light, the face is about grey.

    Args:
        crops: uint8 RGB (128, 128, 3) each.
        parts: of each what `draw_parts` draws, uint8 (128, 128, 3).

    Returns:
        float32 (N, 128, 128, 6): each color less its mean in the face, in standard deviations; and the parts, 0 to 1.
    """
    seen = np.empty((len(crops), VIEW_SIDE, VIEW_SIDE, 3 + PART_CHANNELS), np.float32)
    for one, crop, drawing in zip(seen, crops, parts, strict=True):
        face = np.ascontiguousarray(drawing[..., 0])
        mean, deviation = (values.ravel() for values in cv2.meanStdDev(crop, mask=face if face.any() else None))
        one[..., :3] = (crop - np.float32(mean)) / np.float32(deviation.mean() + LEAST_DEVIATION)
        one[..., 3:] = drawing / np.float32(255)
    return seen


class ObjectFinder:
    """Sees where something lies before a face: a hand, a cup, a microphone, hair.

    Args:
        weights: a file of weights; None for those that come with the project.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: it does not fit the network.
    """

    def __init__(self, weights: Path | None = None) -> None:
        """Load the network."""
        path = weights or weights_file(WEIGHTS)
        self.network = build_object_network()
        try:
            self.network.load_weights(path)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"the weights in {path} do not fit the network that sees objects: {error}") from error
        self.network.compile(jit_compile=keras.backend.backend() == "jax")

    def find(self, crops: Sequence[np.ndarray], meshes: Sequence[np.ndarray | None]) -> np.ndarray:
        """Find what lies before faces.

        Args:
            crops: uint8 RGB (S, S, 3) each, aligned faces.
            meshes: of each (468 or 470, 2 or 3), in pixels of the crop; None where there is none.

        Returns:
            float32 (N, 128, 128), 0 to 1: how sure it is that something lies there before the face.
        """
        if not len(crops):
            return np.zeros((0, VIEW_SIDE, VIEW_SIDE), np.float32)
        size = (VIEW_SIDE, VIEW_SIDE)
        views = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in crops]
        parts = [draw_parts(mesh, len(crop), VIEW_SIDE) for crop, mesh in zip(crops, meshes, strict=True)]
        batches = [slice(start, start + BATCH) for start in range(0, len(views), BATCH)]
        found = [self.network.predict_on_batch(as_seen(views[one], parts[one])) for one in batches]
        logits = np.concatenate([np.asarray(one, np.float32) for one in found])
        shares = np.asarray(1 / (1 + np.exp(-np.clip(logits[..., 0], -30, 30))), np.float32)
        return np.array([share * _near_face(drawing) for share, drawing in zip(shares, parts, strict=True)])


def _near_face(parts: np.ndarray) -> np.ndarray:
    """1 in and near the face of a drawing, 0 farther out, of which the network has learned little. 1 everywhere where
    nothing is drawn."""
    face = np.ascontiguousarray(parts[..., 0])
    if not face.any():
        return np.ones(face.shape, np.float32)
    wider = cv2.dilate(face, disk(BESIDE))
    return cv2.blur(wider, (BESIDE, BESIDE)).astype(np.float32) / np.float32(255)
