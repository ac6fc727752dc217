"""The layers Keras does not have: v2.2's normalisations, self-attention, the start of a pixel shuffle.

The weights of each, read in order, are in the order of v2.2's weight files. All work on channels-last maps
(B, H, W, C). The statistics of a norm and the softmax of an attention are computed in float32 under any dtype policy.

Reference: Lu, "faceswap-GAN", v2.2 (2018); Zhang et al., "Self-Attention Generative Adversarial Networks" (2019).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from fsgan_utils.settings import one_of

WEIGHT_DECAY = 1e-4
POOL_FROM = 32
"""Side, in pixels, of the smallest map on which "pooled" attention pools."""
QUERIES_AT_ONCE = 512
"""Positions of a map that look at the others at the same time, while nothing is learnt; a power of two."""
_register = keras.saving.register_keras_serializable(package="fsgan_utils")


def convolution(filters: int, kernel_size: int, **options: Any) -> layers.Conv2D:
    """Make a "same" convolution with v2.2's he-normal initialisation and L2 weight decay of 1e-4 on its kernel."""
    settings: dict[str, Any] = {
        "padding": "same",
        "kernel_initializer": "he_normal",
        "kernel_regularizer": keras.regularizers.L2(WEIGHT_DECAY),
    }
    return layers.Conv2D(filters, kernel_size, **{**settings, **options})


def normalization(norm: str, width: int) -> keras.Layer:
    """Make the normalisation `norm` of `ModelConfig` for a block of `width` channels.

    In a block that shuffles pixels the map has 4 · `width` channels here, and "instancenorm" then lets 4 channels
    share a group, as v2.2 did.

    Raises:
        ValueError: there is no such norm.
    """
    makers = {
        "layernorm": MapNormalization,
        "instancenorm": lambda: layers.GroupNormalization(groups=width, epsilon=1e-6),
        "groupnorm": lambda: layers.GroupNormalization(groups=16, epsilon=1e-6),
        "batchnorm": layers.BatchNormalization,
        "hybrid": lambda: HybridNormalization(width),
        "none": layers.Identity,
    }
    one_of("norm", norm, makers)
    return makers[norm]()


@_register
class MapNormalization(keras.Layer):
    """Layer norm over height, width and channels, with one gain and one offset for the whole map.

    Divides by the standard deviation plus 1e-3. v2.2 called it instancenorm.
    """

    def build(self, input_shape: tuple) -> None:
        """Create the gain and the offset."""
        self.gamma = self.add_weight(shape=(1,), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(1,), initializer="zeros", name="beta")

    def call(self, inputs: Any) -> Any:
        """Normalise (B, H, W, C) maps, each by itself."""
        maps = ops.cast(inputs, "float32")
        mean, variance = ops.moments(maps, axes=(1, 2, 3), keepdims=True)
        # The floor keeps the square root's gradient finite on a constant map.
        scale = ops.cast(self.gamma, "float32") / (ops.sqrt(ops.maximum(variance, 1e-12)) + 1e-3)
        return ops.cast((maps - mean) * scale + ops.cast(self.beta, "float32"), self.compute_dtype)


@_register
class HybridNormalization(keras.Layer):
    """v2.2's "hybrid" norm: the first channels go through a 1×1 convolution, the rest through a layer norm.

    Args:
        width: the block's width; `width // 2` channels are convolved.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        """Make the two parts."""
        super().__init__(**kwargs)
        self.width = width
        self.mix = convolution(width // 2, 1, name="mix")
        self.norm = MapNormalization(name="norm")

    def build(self, input_shape: tuple) -> None:
        """Build both parts."""
        split = self.width // 2
        self.mix.build((*input_shape[:-1], split))
        self.norm.build((*input_shape[:-1], input_shape[-1] - split))

    def call(self, inputs: Any) -> Any:
        """Normalise (B, H, W, C) maps with C of at least `width`."""
        split = self.width // 2
        return ops.concatenate([self.mix(inputs[..., :split]), self.norm(inputs[..., split:])], axis=-1)

    def get_config(self) -> dict:
        """Return what the constructor needs."""
        return {**super().get_config(), "width": self.width}


@_register
class SelfAttention(keras.Layer):
    """Let every position of a map look at every other one; starts as the identity.

    Keys and queries have an eighth of the channels, values all of them; the softmax is not scaled. The result, times
    one learnt scalar that starts at 0, is added to the input.

    Args:
        width: channels of input and output.
        pooled: max-pool keys and values 2×2 on maps of 32 pixels or more: a quarter of the work.

    Reference: Zhang et al., "Self-Attention Generative Adversarial Networks" (2019), section 3.
    """

    def __init__(self, width: int, pooled: bool = False, **kwargs: Any) -> None:
        """Make the three 1×1 convolutions and the scalar."""
        super().__init__(**kwargs)
        self.width, self.pooled = width, pooled
        self.query = convolution(width // 8, 1, name="query")
        self.key = convolution(width // 8, 1, name="key")
        self.value = convolution(width, 1, name="value")
        self.scale = ScalarScale(name="scale")

    def build(self, input_shape: tuple) -> None:
        """Build the parts in v2.2's order."""
        for part in (self.query, self.key, self.value, self.scale):
            part.build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Map (B, H, W, width) to the same shape; H and W are fixed and, where pooled, even.

        While nothing is learnt, one map after another is attended to, `QUERIES_AT_ONCE`: the weights of all would not
        fit a processor's cache, and take twice as long.
        """
        query, key, value = self.query(inputs), self.key(inputs), self.value(inputs)
        if self.pooled and min(inputs.shape[1:3]) >= POOL_FROM:
            key, value = _pool(key), _pool(value)
        maps = tuple(_positions(part) for part in (query, key, value))
        seen = self._look(*maps) if training else ops.map(lambda one: self._look_part_by_part(*one), maps)
        seen = ops.reshape(seen, (-1, *inputs.shape[1:]))
        return inputs + self.scale(seen)

    def _look_part_by_part(self, query: Any, key: Any, value: Any) -> Any:
        """The same as `_look`, for one map, a part of the queries after another."""
        positions, width = query.shape
        parts = ops.reshape(query, (-1, min(positions, QUERIES_AT_ONCE), width))
        seen = ops.map(lambda part: self._look(part, key, value), parts)
        return ops.reshape(seen, (positions, self.width))

    def _look(self, query: Any, key: Any, value: Any) -> Any:
        """Sum values up by how well their keys fit each query: (…, H · W, C)."""
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2))
        return ops.matmul(ops.cast(ops.softmax(ops.cast(scores, "float32"), axis=-1), self.compute_dtype), value)

    def get_config(self) -> dict:
        """Return what the constructor needs."""
        return {**super().get_config(), "width": self.width, "pooled": self.pooled}


@_register
class ScalarScale(keras.Layer):
    """Multiply by one learnt number that starts at 0."""

    def build(self, input_shape: tuple) -> None:
        """Create the number."""
        self.gamma = self.add_weight(shape=(1,), initializer="zeros", name="gamma")

    def call(self, inputs: Any) -> Any:
        """Scale a tensor of any shape."""
        return self.gamma * inputs


@_register
class ShuffleInitializer(keras.initializers.Initializer):
    """ICNR: he-normal kernels, the same for the four channels that a pixel shuffle lays out as one 2×2 patch.

    Args:
        seed: None or an int that makes the values repeatable.
    """

    def __init__(self, seed: int | None = None) -> None:
        """Make the initialiser of one patch's kernel."""
        self.seed = seed
        self.base = keras.initializers.HeNormal(seed=seed)

    def __call__(self, shape: tuple, dtype: str | None = None) -> Any:
        """Return a kernel (height, width, in, 4 · out)."""
        return ops.tile(self.base((*shape[:-1], shape[-1] // 4), dtype=dtype), (1, 1, 1, 4))

    def get_config(self) -> dict:
        """Return what the constructor needs."""
        return {"seed": self.seed}


def _pool(maps: Any) -> Any:
    """Max-pool 2×2. Keras' JAX engine wants the strides spelled out."""
    return ops.max_pool(maps, (2, 2), strides=(2, 2), data_format="channels_last")


def _positions(maps: Any) -> Any:
    """Reshape (B, H, W, C) to (B, H · W, C)."""
    _, height, width, channels = maps.shape
    return ops.reshape(maps, (-1, height * width, channels))
