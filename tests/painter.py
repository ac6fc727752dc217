"""A stand-in for a trained model: a real Keras network that tints a face inside an oval."""

from types import SimpleNamespace

import keras
import numpy as np


class Painter:
    """Has the interface of a trained model; A's faces become `tint` redder, B's bluer."""

    def __init__(self, resolution=64, tint=0.8, alpha=1.0):
        self.config = SimpleNamespace(resolution=resolution, crop="full")
        self.calls = []
        y, x = np.mgrid[-1 : 1 : resolution * 1j, -1 : 1 : resolution * 1j]
        self._oval = (alpha * ((x / 0.7) ** 2 + (y / 0.85) ** 2 < 1)).astype(np.float32)
        self._networks = {
            "AtoB": self._tinting(resolution, (tint, 0, 0)),
            "BtoA": self._tinting(resolution, (0, 0, tint)),
        }

    @staticmethod
    def _tinting(resolution, shift):
        image = keras.Input((resolution, resolution, 3))
        tinted = keras.layers.Conv2D(3, 1, name="tint")
        network = keras.Model(image, tinted(image))
        tinted.set_weights([np.eye(3, dtype=np.float32)[None, None], np.float32(shift)])
        return network

    def generate(self, images, direction):
        if images.dtype != np.float32 or np.abs(images).max() > 1:
            raise ValueError(f"expected float32 in [-1, 1]. Received: {images.dtype}, up to {np.abs(images).max()}")
        self.calls.append(len(images))
        rgb = keras.ops.convert_to_numpy(self._networks[direction](images))
        alpha = np.broadcast_to(self._oval[None, ..., None], (*rgb.shape[:3], 1))
        return np.concatenate([alpha, np.clip(rgb, -1, 1)], axis=-1).astype(np.float32)


class GuidedPainter(Painter):
    """A painter that notes the images and the guides it is given."""

    def __init__(self, proportions):
        super().__init__()
        self.proportions, self.images, self.guides = proportions, [], []

    def generate(self, images, direction, guides):
        self.images.append(images)
        self.guides.append(guides)
        return super().generate(images, direction)
