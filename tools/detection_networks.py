"""Make the detector's networks in `data/weights` from the weights that the PyPI package `mtcnn` carries.

    pip install 'mtcnn>=1.0' joblib lz4
    python -m tools.detection_networks

They are as published but for what saves time: pixels are taken as they are, 0 to 255 (the first convolution scales
them), the heads are one layer, and of the softmax only what decides it remains: the face's logit less the other's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np
import tensorflow as tf

from fsgan_utils.workspace import PROJECT

Layer = Callable[[tf.Tensor], tf.Tensor]
NETWORKS = {"proposal": "pnet", "refine": "rnet", "output": "onet"}
SIDES = {"proposal": 12, "refine": 24, "output": 48}


def build(name: str) -> list[Layer]:
    """List the layers of one network, "proposal", "refine" or "output", with their weights.

    Reference:
        Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks",
        IEEE SPL 23(10), 2016, figure 2.
    """
    weights = [np.asarray(array) for array in joblib.load(_packaged_weights(NETWORKS[name]))]
    weights[:2] = _for_pixels_as_they_are(*weights[:2])
    convolution = lambda first: _convolution(*weights[first : first + 3])  # noqa: E731
    if name == "proposal":
        body = [convolution(0), _pool(2, "SAME"), convolution(3), convolution(6)]
        return [*body, _heads(weights[9:])]
    if name == "refine":
        body = [convolution(0), _pool(3, "SAME"), convolution(3), _pool(3, "VALID"), convolution(6)]
        return [*body, _flatten(3, 64), _dense(*weights[9:12]), _heads(weights[12:])]
    body = [convolution(0), _pool(3, "SAME"), convolution(3), _pool(3, "VALID"), convolution(6), _pool(2, "SAME")]
    return [*body, convolution(9), _flatten(3, 128), _dense(*weights[12:15]), _heads(weights[15:])]


def convert(name: str) -> bytes:
    """Convert one network to LiteRT's format: float32 (1, side, side, 3) in, which the user may resize."""
    layers, side = build(name), SIDES[name]

    @tf.function(input_signature=[tf.TensorSpec((1, side, side, 3), tf.float32)])
    def network(x: tf.Tensor) -> tf.Tensor:
        for layer in layers:
            x = layer(x)
        return x

    return tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()]).convert()


def _for_pixels_as_they_are(kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale a first convolution so that pixels need not be: (pixel − 127.5) / 128 is done by its weights."""
    kernel = kernel / np.float32(128)
    return kernel, (bias - 127.5 * kernel.sum((0, 1, 2), dtype=np.float64)).astype(np.float32)


def _convolution(kernel: np.ndarray, bias: np.ndarray, slopes: np.ndarray) -> Layer:
    return lambda x: _prelu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias), slopes)


def _dense(kernel: np.ndarray, bias: np.ndarray, slopes: np.ndarray) -> Layer:
    return lambda x: _prelu(x @ kernel + bias, slopes)


def _prelu(x: tf.Tensor, slopes: np.ndarray) -> tf.Tensor:
    """The converter knows this sum as one PReLU."""
    return tf.nn.relu(x) + (-slopes) * tf.nn.relu(-x)


def _pool(size: int, padding: str) -> Layer:
    return lambda x: tf.nn.max_pool2d(x, size, 2, padding)


def _flatten(side: int, channels: int) -> Layer:
    """The published weights flatten a map column by column."""
    return lambda x: tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (-1, side * side * channels))


def _heads(weights: list[np.ndarray]) -> Layer:
    """Join the heads; the last one's two outputs become their difference."""
    *kernels, scores = weights[::2]
    *biases, score_biases = weights[1::2]
    kernel = np.concatenate([*kernels, scores[..., 1:] - scores[..., :1]], axis=-1)
    bias = np.concatenate([*biases, score_biases[1:] - score_biases[:1]])
    if kernel.ndim == 2:
        return lambda x: x @ kernel + bias
    return lambda x: tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias)


def _packaged_weights(name: str) -> Path:
    package = find_spec("mtcnn")
    if package is None or package.origin is None:
        raise FileNotFoundError("the package mtcnn is not installed; run: pip install 'mtcnn>=1.0'")
    return Path(package.origin).parent / "assets" / "weights" / f"{name}.lz4"


def main() -> None:
    """Write the three files."""
    for name in NETWORKS:
        file = PROJECT / "data" / "weights" / f"mtcnn_{name}.tflite"
        file.write_bytes(convert(name))
        print(file)


if __name__ == "__main__":
    main()
