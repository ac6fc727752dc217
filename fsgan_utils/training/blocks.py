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

    Of the 3×3 pixels that the convolution sees, several repeat the same one. So the map is convolved before it is
    doubled, by 2×2 kernels that add up the weights of what is repeated: one for each place in a 2×2 patch. That takes
    4 multiplications where 9 are written. What the reflection lays around the doubled map repeats its edge.

    Args:
        width: channels of the output.
        norm: see `normalization`.
    """

    def __init__(self, width: int, norm: str = "none", **kwargs: Any) -> None:
        """Make the convolution and the norm."""
        super().__init__(**kwargs)
        self.width, self.norm_name = width, norm
        self.convolution = convolution(width, 3, padding="valid", name="convolution")
        self.norm = normalization(norm, width)

    def build(self, input_shape: tuple) -> None:
        """Build the convolution, then the norm."""
        self.convolution.build(input_shape)
        self.norm.build((*input_shape[:-1], self.width))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Map (B, H, W, C) to (B, 2 H, 2 W, width)."""
        _, height, width, _ = inputs.shape
        kernel = ops.concatenate(_patch_kernels(self.convolution.kernel), axis=-1)
        surrounded = _edge_repeated(_edge_repeated(inputs, 1), 2)
        maps = ops.conv(surrounded, ops.cast(kernel, self.compute_dtype), padding="valid", data_format="channels_last")
        places = ops.split(maps, 4, axis=-1)
        below_and_right = [(down, right) for down in (0, 1) for right in (0, 1)]
        patches = ops.stack(
            [
                place[:, down : down + height, right : right + width]
                for place, (down, right) in zip(places, below_and_right, strict=True)
            ],
            axis=3,
        )
        rows = ops.transpose(ops.reshape(patches, (-1, height, width, 2, 2, self.width)), (0, 1, 3, 2, 4, 5))
        doubled = ops.reshape(rows, (-1, 2 * height, 2 * width, self.width))
        return _call_norm(self.norm, doubled + ops.cast(self.convolution.bias, self.compute_dtype), training)

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


def _patch_kernels(kernel: Any) -> list:
    """What a 3×3 kernel comes to on a map doubled by repetition: four kernels (2, 2, C, width), one for each place in a
    2×2 patch, row by row."""
    return [part for row in _summed_up(kernel, 0) for part in _summed_up(row, 1)]


def _summed_up(kernel: Any, axis: int) -> list:
    """Along an axis, the two weights that stand for three: where the first pixel, and where the last, is another's."""
    first, second, third = ops.split(kernel, 3, axis=axis)
    return [ops.concatenate([first, second + third], axis), ops.concatenate([first + second, third], axis)]


def _edge_repeated(maps: Any, axis: int) -> Any:
    """Lay the first and the last line along an axis around maps once more."""
    first, *_, last = ops.split(maps, [1, maps.shape[axis] - 1], axis=axis)
    return ops.concatenate([first, maps, last], axis=axis)


def _call_norm(norm: keras.Layer, maps: Any, training: bool | None) -> Any:
    """Tell a batch norm, which behaves differently in training, which it is."""
    return norm(maps, training=training) if isinstance(norm, layers.BatchNormalization) else norm(maps)
