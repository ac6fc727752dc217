"""The perceptual loss: images are alike where a face network sees the same in them.

v2.2 asked the VGGFace ResNet-50. Where that is not at hand, the MobileNet that comes with the project answers, scaled
so that it weighs as much. The ResNet of `fsgan_utils.embedding` has no part in it: it judges the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from keras import ops

from fsgan_utils.embedding import MOBILENET_MEANS, build_mobilenet
from fsgan_utils.settings import one_of
from fsgan_utils.training import resnet50
from fsgan_utils.training.losses import resize

BACKBONES = ("auto", "mobilenet", "resnet50")
PERCEPTUAL_WEIGHTS = (0.01, 0.1, 0.3, 0.1)
"""v2.2's weight of each feature map, from the deepest (7 pixels) to the shallowest."""
INPUT_SIZE = 224
RESNET_TAPS = {
    False: ("conv5_3", "conv3_4", "conv2_3", "conv1"),
    True: ("conv5_3_sum", "conv3_4_sum", "conv2_3_sum", "conv2_1_sum"),
}
"""v2.2's layers, after or (True) before their activation, from the deepest to the shallowest."""
MOBILENET_TAPS = {
    False: ("pw13_relu", "pw5_relu", "pw3_relu", "conv1_relu"),
    True: ("pw13", "pw5", "pw3", "conv1"),
}
"""The MobileNet's layers at 7, 28, 56 and 112 pixels, in the same order."""
MOBILENET_FACTORS = {
    False: (0.3885, 0.6418, 0.4746, 2.603),
    True: (0.7715, 0.5411, 0.4183, 0.4028),
}
"""What makes each of the MobileNet's errors as great as the ResNet-50's on the images of `tests/parity/losses.json`.

There the ResNet-50 has the weights of that file's formula; a test computes the factors anew.
"""


class PerceptualLoss(keras.Layer):
    """Squared error of two images' feature maps, each map normalised over height, width and channels.

    A model that keeps it as an attribute tracks the backbone's weights, which are frozen.

    Args:
        backbone: maps (N, 224, 224, 3) BGR, 0 to 255 less `means`, to four feature maps, the deepest first.
        description: one sentence for the user: which backbone this is, and why.
        means: what to subtract from blue, green and red, 0 to 255.
        weights: of the feature maps' errors, in the backbone's order.
        factors: multiply the weights; they bring another backbone's errors to the size of the ResNet-50's.

    Raises:
        ValueError: the backbone's maps, the weights and the factors differ in number.

    Reference: Lu, "faceswap-GAN", v2.2 (2018), networks/losses.py; Johnson et al., "Perceptual losses for real-time
    style transfer and super-resolution" (2016).
    """

    def __init__(
        self,
        backbone: keras.Model,
        description: str,
        means: Sequence[float],
        weights: Sequence[float] = PERCEPTUAL_WEIGHTS,
        factors: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    ) -> None:
        """Freeze the backbone."""
        super().__init__(trainable=False, dtype="float32", name="perceptual_loss")
        if not len(backbone.outputs) == len(weights) == len(factors):
            raise ValueError(
                "expected one weight and one factor per feature map. "
                f"Received: {len(backbone.outputs)} maps, {len(weights)} weights, {len(factors)} factors"
            )
        backbone.trainable = False
        self.backbone = backbone
        self.description = description
        self.means = tuple(means)
        self.scales = tuple(weight * factor for weight, factor in zip(weights, factors, strict=True))
        self.built = True  # else `fit` takes a batch away to build it

    def call(self, real: Any, fake: Any) -> Any:
        """Return the weighted sum of the errors; gradient reaches only `fake`.

        Args:
            real: float RGB (B, H, W, 3) in [-1, 1].
            fake: the same.

        Returns:
            float32 scalar.
        """
        return sum(scale * error for scale, error in zip(self.scales, self.errors(real, fake), strict=True))

    def errors(self, real: Any, fake: Any) -> list[Any]:
        """Mean squared error of each feature map, unweighted: float32 scalars, the deepest map first."""
        expected = [ops.stop_gradient(maps) for maps in self._features(ops.stop_gradient(ops.convert_to_tensor(real)))]
        pairs = zip(expected, self._features(ops.convert_to_tensor(fake)), strict=True)
        return [ops.mean(ops.square(a - b)) for a, b in pairs]

    def _features(self, images: Any) -> list[Any]:
        pixels = (resize(ops.flip(images, axis=-1), (INPUT_SIZE, INPUT_SIZE)) + 1) * 127.5
        maps = self.backbone(pixels - ops.convert_to_tensor(self.means, "float32"), training=False)
        return [_normalised(ops.cast(each, "float32")) for each in maps]


def find_perceptual_loss(
    backbone: str = "auto",
    path: str | Path = "",
    before_activation: bool = False,
    weights: Sequence[float] = PERCEPTUAL_WEIGHTS,
) -> PerceptualLoss:
    """Make the perceptual loss with the best backbone at hand. Its `description` says which that is.

    Args:
        backbone: "auto" takes the ResNet-50 if its file is at `path` or in Keras' cache, else the MobileNet, and
            never downloads; "resnet50" downloads the file (94 MB) if it is at neither; "mobilenet" is always there.
        path: `rcmalli_vggface_tf_notop_resnet50.h5`, or empty for the one in Keras' cache.
        before_activation: compare the feature maps before their activation, as v2.2's PL_BEFORE_ACTIV.
        weights: of the four feature maps, from the deepest to the shallowest.

    Raises:
        ValueError: there is no such backbone; a path is given with "mobilenet"; the file is damaged, has changed
            since it was first used, or is not the ResNet-50's.
        FileNotFoundError: there is no file at `path`.
        ConnectionError: the file could not be downloaded.
    """
    one_of("backbone", backbone, BACKBONES)
    if backbone == "mobilenet" and path:
        raise ValueError(f"the backbone mobilenet takes no path; choose auto or resnet50. Received: {path}")
    if path:
        return _resnet50(resnet50.load_vggface_resnet50(path), f"from {path}", before_activation, weights)
    if backbone == "mobilenet" or (backbone == "auto" and not resnet50.cached_file().exists()):
        return _mobilenet(backbone, before_activation, weights)
    origin = f"from {resnet50.cached_file()}"
    if not resnet50.cached_file().exists():
        resnet50.download()
        origin += ", downloaded just now"
    return _resnet50(resnet50.load_cached(), origin, before_activation, weights)


def _resnet50(network: keras.Model, origin: str, before_activation: bool, weights: Sequence[float]) -> PerceptualLoss:
    description = (
        f'Perceptual loss: v2.2\'s VGGFace ResNet-50, {origin}; the backbone "mobilenet" is smaller and quicker.'
    )
    return PerceptualLoss(_tapped(network, RESNET_TAPS[before_activation]), description, resnet50.MEANS, weights)


def _mobilenet(backbone: str, before_activation: bool, weights: Sequence[float]) -> PerceptualLoss:
    reason = "as chosen" if backbone == "mobilenet" else f"as there is no {resnet50.cached_file()}"
    description = (
        f"Perceptual loss: the VGGFace2 MobileNet that comes with the project, {reason}; "
        'for v2.2\'s ResNet-50 choose the backbone "resnet50" (downloads 94 MB) or give the path of its file.'
    )
    network = _tapped(build_mobilenet(), MOBILENET_TAPS[before_activation])
    return PerceptualLoss(network, description, MOBILENET_MEANS, weights, MOBILENET_FACTORS[before_activation])


def _tapped(network: keras.Model, names: Sequence[str]) -> keras.Model:
    outputs = [network.get_layer(name).output for name in names]
    return keras.Model(network.input, outputs, name=network.name)


def _normalised(maps: Any) -> Any:
    """Subtract each map's mean and divide by its standard deviation plus 1e-3."""
    centred = maps - ops.mean(maps, axis=(1, 2, 3), keepdims=True)
    variance = ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True)
    # The floor keeps the square root's gradient finite on a constant map.
    return centred / (ops.sqrt(ops.maximum(variance, 1e-12)) + 1e-3)
