"""Whose face it is: crops of a face become vectors, near each other where the person is the same.

Two networks of unlike kind, so that no network grades what it helped to train: the MobileNet also serves the
perceptual loss, the ResNet serves nothing but judging.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import cv2
import keras
import numpy as np
from keras import layers

from fsgan_utils.workspace import weights_file

BATCH = 32
"""Crops that a network sees at once."""
COMPARED = 0.8
"""Middle part of a "full" crop's side by which people are told apart: as much as the MobileNet was trained to see, a
detector's box with a margin, but upright. "Half" crops lack the jaw and make people more alike: on the sample clips two
people's crops are alike by .48 in the middle, and by .42 in this part."""
SAME_PERSON = 0.66
"""Cosine similarity of the MobileNet's embeddings from which on two groups of `compared_part`s, in the mean over all
pairs, or one such part and the mean of a person's, count as one person. On the sample clips, pairs of one person lie at
.80 in the middle and above .66 for 99 of 100, pairs of two people below .57 ("half": .63); to the mean of their own
person all lie above .82, flipped, darkened, grey and small ones (40 pixels) above .69, to the other's below .60."""
SAME_PERSON_ON_AVERAGE = 0.75
"""The same for the means of two groups: on the sample clips those of one person lie above .94 under different lights,
darkened or grey, above .85 at 40 pixels or with few JPEG coefficients, those of two people at .53 ("half": .60)."""
MOBILENET_SIZE = 224
MOBILENET_MEANS = (103.939, 116.779, 123.68)
"""What the MobileNet subtracts from blue, green and red, 0 to 255."""
MOBILENET_WIDTHS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
"""Channels after each pair of a depthwise and a pointwise convolution."""
MOBILENET_HALVING = (2, 4, 6, 12)
"""Numbers of the depthwise convolutions that halve the map."""
RESNET_SIZE = 150
RESNET_MEANS = (122.782, 117.001, 104.298)
"""What the ResNet subtracts from red, green and blue, 0 to 255."""
RESNET_BLOCKS = (
    *((f"conv32_{index}", 32) for index in (1, 2, 3)),
    *((f"conv64_{index}", 64) for index in ("down", 1, 2, 3)),
    *((f"conv128_{index}", 128) for index in ("down", 1, 2)),
    *((f"conv256_{index}", 256) for index in ("down", 1, 2, "down_out")),
)


@cache
def usual_embedder() -> MobileNetEmbedder:
    """The network that tells people apart wherever no other is given, built once."""
    return MobileNetEmbedder()


class Embedder(Protocol):
    """What turns faces into vectors.

    Attributes:
        margin: how far a crop must reach beyond the detector's box on each side, in parts of the box's extent.
    """

    margin: float

    def embed(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Describe each face by a vector of length 1; the dot product of two is their cosine similarity.

        An aligned crop (`faces.Alignment`) is given whole: on the sample clips the detector's box lies at .10 to .96
        of its width and -.14 to 1.05 of its height, so that the box with its margin covers the crop. Compare aligned
        crops with aligned ones: on those clips every face is then nearest to its own person for both networks, while
        the ResNet, which was trained on faces turned upright, takes one in twenty boxes for the other person.

        Args:
            faces: uint8 RGB crops (H, W, 3) of any sizes, aligned ones or `face_crop`'s, each stretched to the
                network's square input.

        Returns:
            float32 (N, D).

        Raises:
            ValueError: one of them is not such an image.
        """


class MobileNetEmbedder:
    """MobileNet, 1024 numbers a face. Training may use it (`training.perceptual`), so it must not score results.

    Raises:
        FileNotFoundError: the weights are not in `data/weights`.

    Reference:
        Savchenko, "Efficient facial representations for age, gender and identity recognition in organizing photo
        albums using multi-output ConvNet", PeerJ Computer Science 5, 2019.
    """

    margin = 0.10

    def __init__(self) -> None:
        """Build the network."""
        network = build_mobilenet(dtype="float32")
        pooled = layers.GlobalAveragePooling2D(dtype="float32")(network.output)
        self._network = _for_prediction(network.input, pooled)

    def embed(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 (N, 1024); see `Embedder`."""
        return _embed(self._network, [_resized(face, MOBILENET_SIZE)[..., ::-1] for face in faces], MOBILENET_MEANS)


class ResNetEmbedder:
    """dlib's ResNet-29, 128 numbers a face: the judge that training never uses.

    Raises:
        FileNotFoundError: the weights are not in `data/weights`.

    Reference:
        King, dlib 19.3, `dnn_face_recognition_ex.cpp`, 2017; He et al., "Deep residual learning for image
        recognition", CVPR 2016.
    """

    margin = 0.12

    def __init__(self) -> None:
        """Build the network."""
        network = build_resnet29()
        self._network = _for_prediction(network.input, network.output)

    def embed(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 (N, 128); see `Embedder`."""
        pixels = [_resized(face, RESNET_SIZE) for face in faces]
        return _embed(self._network, pixels, RESNET_MEANS, scale=1 / 256)


def build_mobilenet(dtype: Any = None) -> keras.Model:
    """Build the MobileNet (width 1, batch norms folded into the convolutions) with its weights, trained on VGGFace2.

    Its layers are called `conv1`, `dw1`, `pw1` … `dw13`, `pw13`, and the ReLU6 after each `<name>_relu`.

    Args:
        dtype: the layers' dtype policy; that in force if None.

    Returns:
        (N, 224, 224, 3) BGR, 0 to 255, less `MOBILENET_MEANS` → feature map (N, 7, 7, 1024). Not trainable.

    Raises:
        FileNotFoundError: the weights are not in `data/weights`.

    Reference:
        Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017.
    """
    tensors = _tensors("faceres_mobilenet_vggface2.npz")
    image = keras.Input((MOBILENET_SIZE, MOBILENET_SIZE, 3), dtype="float32")
    options = {"padding": "same", "dtype": dtype}
    x = _relu6(layers.Conv2D(32, 3, strides=2, name="conv1", **options)(image), "conv1", dtype)
    for index, width in enumerate(MOBILENET_WIDTHS, start=1):
        stride = 2 if index in MOBILENET_HALVING else 1
        x = _relu6(layers.DepthwiseConv2D(3, strides=stride, name=f"dw{index}", **options)(x), f"dw{index}", dtype)
        x = _relu6(layers.Conv2D(width, 1, name=f"pw{index}", **options)(x), f"pw{index}", dtype)
    network = keras.Model(image, x, name="mobilenet")
    network.trainable = False
    for layer in network.layers:
        if layer.weights:
            layer.set_weights([tensors[f"{layer.name}/kernel"], tensors[f"{layer.name}/bias"]])
    return network


def build_resnet29() -> keras.Model:
    """Build dlib's ResNet-29 with its weights; it computes in float32.

    Returns:
        (N, 150, 150, 3) RGB, 0 to 255, less `RESNET_MEANS`, divided by 256 → (N, 128). Not trainable.

    Raises:
        FileNotFoundError: the weights are not in `data/weights`.
    """
    tensors = _tensors("dlib_face_resnet_uint8.npz")
    image = keras.Input((RESNET_SIZE, RESNET_SIZE, 3), dtype="float32")
    x = layers.Conv2D(32, 7, strides=2, activation="relu", name="conv32_down", dtype="float32")(image)
    x = layers.MaxPooling2D(3, 2, dtype="float32")(x)
    for name, width in RESNET_BLOCKS:
        x = _residual_block(x, name, width)
    x = layers.GlobalAveragePooling2D(dtype="float32")(x)
    x = layers.Dense(128, use_bias=False, name="fc", dtype="float32")(x)
    network = keras.Model(image, x, name="resnet29")
    network.trainable = False
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D):
            layer.set_weights(_scaled_convolution(tensors, layer.name.replace("_conv", "/conv")))
    network.get_layer("fc").set_weights([tensors["fc"]])
    return network


def face_crop(image: np.ndarray, box: Sequence[float] | np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Cut a box with a margin out of an image; outside the image, its border repeats.

    Args:
        image: uint8 (H, W, 3).
        box: (4,) x0, y0, x1, y1 in pixels; may reach outside the image.
        margin: widens the box by this part of its extent on each side, as `Embedder.margin`.

    Returns:
        uint8 (h, w, 3), at the image's scale.

    Raises:
        ValueError: the box is empty.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"the box must be x0, y0, x1, y1 with x1 > x0 and y1 > y0. Received: {[x0, y0, x1, y1]}")
    beside, above = margin * (x1 - x0), margin * (y1 - y0)
    size = (max(1, round(x1 - x0 + 2 * beside)), max(1, round(y1 - y0 + 2 * above)))
    shift = np.array([[1, 0, beside - x0], [0, 1, above - y0]])
    return cv2.warpAffine(image, shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def compared_part(crop: np.ndarray, kind: str) -> np.ndarray:
    """The part of an aligned crop by which people are told apart.

    Args:
        crop: uint8 RGB (S, S, 3).
        kind: how it was cut, "half" or "full".

    Returns:
        uint8 RGB (s, s, 3): of a "full" crop the middle, `COMPARED` wide; a "half" crop as it is.
    """
    rim = round(len(crop) * (1 - COMPARED) / 2) if kind == "full" else 0
    return crop[rim : len(crop) - rim, rim : len(crop) - rim]


def mean_direction(vectors: np.ndarray) -> np.ndarray:
    """The mean of vectors (N, D), of length 1: (D,)."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def _residual_block(x: keras.KerasTensor, name: str, width: int) -> keras.KerasTensor:
    """Two convolutions beside a shortcut; a "down" block halves the map by its first, and its shortcut by averages."""
    down = "down" in name
    path = layers.Conv2D(
        width, 3, strides=2 if down else 1, padding="valid" if down else "same", activation="relu",
        name=f"{name}_conv1", dtype="float32",
    )(x)  # fmt: skip
    path = layers.Conv2D(width, 3, padding="same", name=f"{name}_conv2", dtype="float32")(path)
    if down:
        x = layers.AveragePooling2D(2, 2, dtype="float32")(x)
        path = _grown(path, x.shape[1] - path.shape[1])
        x = keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, width - x.shape[-1])))
    return layers.ReLU(name=f"{name}_relu", dtype="float32")(layers.Add(dtype="float32")([x, path]))


def _grown(x: keras.KerasTensor, pixels: int) -> keras.KerasTensor:
    """Add zeros at the bottom and on the right."""
    return layers.ZeroPadding2D(((0, pixels), (0, pixels)), dtype="float32")(x) if pixels else x


def _scaled_convolution(tensors: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    """Kernel and bias of a convolution with the scale and offset that follow it folded in."""
    scale = tensors[f"{name}/scale/weights"]
    bias = tensors[f"{name}/conv/bias"] * scale + tensors[f"{name}/scale/biases"]
    return [tensors[f"{name}/conv/filters"] * scale, bias]


def _tensors(name: str) -> dict[str, np.ndarray]:
    """Read a weight file as float32; uint8 tensors come with `<name>@scale_min`, (2,)."""
    with np.load(weights_file(name)) as stored:
        arrays = {key: stored[key].astype(np.float32) for key in stored.files}
    steps = {key.removesuffix("@scale_min"): arrays.pop(key) for key in list(arrays) if key.endswith("@scale_min")}
    for key, (scale, least) in steps.items():
        arrays[key] = arrays[key] * scale + least
    return arrays


def _relu6(x: keras.KerasTensor, name: str, dtype: Any) -> keras.KerasTensor:
    return layers.ReLU(max_value=6, name=f"{name}_relu", dtype=dtype)(x)


def _for_prediction(inputs: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.Model:
    network = keras.Model(inputs, outputs)
    network.compile(jit_compile=keras.backend.backend() == "jax")
    return network


def _embed(
    network: keras.Model, pixels: list[np.ndarray], means: tuple[float, float, float], scale: float = 1
) -> np.ndarray:
    if not pixels:
        return np.zeros((0, network.output_shape[-1]), np.float32)
    inputs = (np.stack(pixels).astype(np.float32) - np.asarray(means, np.float32)) * np.float32(scale)
    vectors = network.predict(inputs, batch_size=BATCH, verbose=0)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))


def _resized(face: np.ndarray, side: int) -> np.ndarray:
    pixels = np.asarray(face)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"embed expects uint8 RGB crops (H, W, 3). Received: {pixels.dtype} {pixels.shape}")
    shrinks = min(pixels.shape[:2]) > side
    return cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
