"""The blocks the networks are made of: halving, doubling and refining a map.

Every block is one Keras layer whose weights, read in order, are in the order of v2.2's weight files. All work on
channels-last maps (B, H, W, C).

Reference: Lu, "faceswap-GAN", v2.2 (2018).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from fsgan_utils.training.layers import ShuffleInitializer, convolution, normalization

_register = keras.saving.register_keras_serializable(package="fsgan_utils")


@_register
class DownBlock(keras.Layer):
    """Halve a map: convolution with stride 2 and no bias, activation, norm.

    Args:
        width: channels of the output.
        norm: see `normalization`.
        kernel_size: 3 in v2.2's encoder, 4 in its discriminator.
        slope: of the leaky ReLU on negative values; 0 is a ReLU.
        strides: 1 keeps the map's size.
    """

    def __init__(
        self, width: int, norm: str = "none", kernel_size: int = 3, slope: float = 0.0, strides: int = 2, **kwargs: Any
    ) -> None:
        """Make the convolution and the norm."""
        super().__init__(**kwargs)
        self.width, self.norm_name, self.kernel_size, self.slope, self.strides = (
            width,
            norm,
            kernel_size,
            slope,
            strides,
        )
        self.convolution = convolution(width, kernel_size, strides=strides, use_bias=False, name="convolution")
        self.norm = normalization(norm, width)

    def build(self, input_shape: tuple) -> None:
        """Build the convolution, then the norm."""
        self.convolution.build(input_shape)
        self.norm.build(self.convolution.compute_output_shape(input_shape))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Map (B, H, W, C) to (B, H / strides, W / strides, width)."""
        return _call_norm(self.norm, ops.leaky_relu(self.convolution(inputs), self.slope), training)

    def get_config(self) -> dict:
        """Return what the constructor needs."""
        names = {"width": self.width, "norm": self.norm_name, "kernel_size": self.kernel_size}
        return {**super().get_config(), **names, "slope": self.slope, "strides": self.strides}


@_register
class PixelShuffleUpBlock(keras.Layer):
    """Double a map by a pixel shuffle: 3×3 convolution to 4 · width, leaky ReLU, norm, depth to space.

    The kernel starts so that the shuffle gives each 2×2 patch one value (ICNR), against checkerboards.

    Args:
        width: channels of the output.
        norm: see `normalization`.
        slope: of the leaky ReLU.

    Reference: Aitken et al., "Checkerboard artifact free sub-pixel convolution" (2017).
    """

    def __init__(self, width: int, norm: str = "none", slope: float = 0.2, **kwargs: Any) -> None:
        """Make the convolution and the norm."""
        super().__init__(**kwargs)
        self.width, self.norm_name, self.slope = width, norm, slope
        self.convolution = convolution(4 * width, 3, kernel_initializer=ShuffleInitializer(), name="convolution")
        self.norm = normalization(norm, width)

    def build(self, input_shape: tuple) -> None:
        """Build the convolution, then the norm."""
        self.convolution.build(input_shape)
        self.norm.build(self.convolution.compute_output_shape(input_shape))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Map (B, H, W, C) to (B, 2 H, 2 W, width)."""
        maps = ops.leaky_relu(self.convolution(inputs), self.slope)
        return ops.depth_to_space(_call_norm(self.norm, maps, training), 2, data_format="channels_last")

    def get_config(self) -> dict:
        """Return what the constructor needs."""
        return {**super().get_config(), "width": self.width, "norm": self.norm_name, "slope": self.slope}


@_register
class NearestUpBlock(keras.Layer):
    """Double a map by repeating pixels: nearest ×2, reflect padding, 3×3 convolution, norm; no activation.

    Args:
        width: channels of the output.
        norm: see `normalization`.
    """

    def __init__(self, width: int, norm: str = "none", **kwargs: Any) -> None:
        """Make the convolution and the norm."""
        super().__init__(**kwargs)
        self.width, self.norm_name = width, norm
        self.repeat = layers.UpSampling2D(2, interpolation="nearest", data_format="channels_last")
        self.convolution = convolution(width, 3, padding="valid", name="convolution")
        self.norm = normalization(norm, width)

    def build(self, input_shape: tuple) -> None:
        """Build the convolution, then the norm."""
        self.convolution.build(input_shape)
        self.norm.build((*input_shape[:-1], self.width))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Map (B, H, W, C) to (B, 2 H, 2 W, width)."""
        maps = ops.pad(self.repeat(inputs), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        return _call_norm(self.norm, self.convolution(maps), training)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape at once: to find it, Keras' PyTorch engine would draw a whole batch for the padding."""
        batch, height, width, _ = input_shape
        return batch, 2 * height, 2 * width, self.width

    def get_config(self) -> dict:
        """Return what the constructor needs."""
        return {**super().get_config(), "width": self.width, "norm": self.norm_name}


@_register
class ResidualBlock(keras.Layer):
    """Refine a map: two 3×3 convolutions without bias, added to the input; never normalised.

    Args:
        width: channels of input and output.
        slope: of the leaky ReLU after the first convolution and after the sum.
    """

    def __init__(self, width: int, slope: float = 0.2, **kwargs: Any) -> None:
        """Make the two convolutions."""
        super().__init__(**kwargs)
        self.width, self.slope = width, slope
        self.first = convolution(width, 3, use_bias=False, name="first")
        self.second = convolution(width, 3, use_bias=False, name="second")

    def build(self, input_shape: tuple) -> None:
        """Build both convolutions."""
        self.first.build(input_shape)
        self.second.build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Map (B, H, W, width) to the same shape."""
        change = self.second(ops.leaky_relu(self.first(inputs), self.slope))
        return ops.leaky_relu(inputs + change, self.slope)

    def get_config(self) -> dict:
        """Return what the constructor needs."""
        return {**super().get_config(), "width": self.width, "slope": self.slope}


def _call_norm(norm: keras.Layer, maps: Any, training: bool | None) -> Any:
    """Tell a batch norm, which behaves differently in training, which it is."""
    return norm(maps, training=training) if isinstance(norm, layers.BatchNormalization) else norm(maps)
