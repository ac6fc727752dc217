"""The three networks: a shared encoder, a decoder and a discriminator per person.

"standard" and "lite" compute exactly what v2.2's networks did, so its weight files fit them; "compact" is ours. The
decoder's and the discriminator's last convolutions compute in float32 under any dtype policy.

Reference: Lu, "faceswap-GAN", v2.2 (2018).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from fsgan_utils.guides import GUIDE_CHANNELS
from fsgan_utils.training.blocks import DownBlock, NearestUpBlock, PixelShuffleUpBlock, ResidualBlock
from fsgan_utils.training.compact import CODE_WIDTH, decode_compact, encode_compact
from fsgan_utils.training.config import ModelConfig
from fsgan_utils.training.layers import SelfAttention, convolution

CODE_SIDE = 8
"""Side of the code, the map that the encoder hands to the decoders."""


def build_encoder(config: ModelConfig) -> keras.Model:
    """Make the encoder that both people share.

    Args:
        config: the networks' shape. "compact" has no norm and no self-attention, whatever the settings.

    Returns:
        A model from images (B, resolution, resolution, 3), float32 in [-1, 1], to codes (B, 8, 8, C).
    """
    image = keras.Input((config.resolution, config.resolution, 3), name="image")
    code = encode_compact(image) if config.capacity == "compact" else _encode_v22(image, config)
    return keras.Model(image, code, name="encoder")


def build_decoder(config: ModelConfig) -> keras.Model:
    """Make the decoder that draws one person.

    Args:
        config: the networks' shape.

    Returns:
        A model from codes (B, 8, 8, C) — with `config.guide` from a list of those and guides (B, resolution,
        resolution, 3), see `draw_guide` — to alpha and colour (B, resolution, resolution, 4): channel 0 is alpha in
        [0, 1], the others are the colour in [-1, 1], in the encoder's channel order. Above 64 pixels it returns a
        list: the colour alone, (B, n, n, 3), at each n of 64, 128… below the resolution, and that output last.
    """
    code = keras.Input((CODE_SIDE, CODE_SIDE, code_width(config)), name="code")
    guide = keras.Input((config.resolution, config.resolution, GUIDE_CHANNELS), name="guide") if config.guide else None
    compact = config.capacity == "compact"
    outputs = decode_compact(code, config.resolution, guide) if compact else _decode_v22(code, config)
    inputs = code if guide is None else [code, guide]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name="decoder")


def build_discriminator(config: ModelConfig) -> keras.Model:
    """Make the network that tells one person's real images from drawn ones.

    Args:
        config: the networks' shape. v2.2's is the same for every capacity; that of "compact" has no norm and no
            self-attention.

    Returns:
        A model from (B, resolution, resolution, 6) — an image and the distorted image it was made from, both in
        [-1, 1] — to one score per patch, (B, 8, 8, 1), float32 and unbounded.
    """
    compact = config.capacity == "compact"
    norm, attend = ("none", _keep) if compact else (config.norm, _attention(config))
    pair = keras.Input((config.resolution, config.resolution, 6), name="image_and_distorted")
    maps = _discriminator_down(pair, 64, "none")
    maps = _discriminator_down(maps, 128, norm)
    maps = attend(_discriminator_down(maps, 256, norm))
    while maps.shape[1] > CODE_SIDE:
        maps = attend(_discriminator_down(maps, 256, norm))
    score = convolution(1, 4, use_bias=False, dtype="float32", name="score")(maps)
    return keras.Model(pair, score, name="discriminator")


def code_width(config: ModelConfig) -> int:
    """Return the number of channels of the code."""
    return {"standard": 512, "lite": 256, "compact": CODE_WIDTH}[config.capacity]


def _encode_v22(image: Any, config: ModelConfig) -> Any:
    lite = config.capacity == "lite"
    attend, up = _attention(config), _v22_up(config)
    divide, deepest = (2, 256) if lite else (1, 1024)
    maps = layers.Conv2D(64 // divide, 5, padding="same", use_bias=False, name="stem")(image)
    maps = DownBlock(128 // divide, name="down_1")(maps)
    maps = DownBlock(256 // divide, config.norm, name="down_2")(maps)
    maps = attend(maps)
    maps = DownBlock(512 // divide, config.norm, name="down_3")(maps)
    maps = attend(maps)
    while maps.shape[1] > 4:
        maps = DownBlock(deepest, config.norm, name=f"down_to_{maps.shape[1] // 2}")(maps)
    bottleneck = 2048 if lite and config.resolution > 64 else 1024
    maps = _through_vector(maps, bottleneck, deepest)
    return up(512 // divide)(maps)


def _decode_v22(code: Any, config: ModelConfig) -> list:
    divide = 2 if config.capacity == "lite" else 1
    attend, up = _attention(config), _v22_up(config)
    maps = up(256 // divide)(code)
    maps = attend(up(128 // divide)(maps))
    maps = ResidualBlock(64 // divide, name="residual")(up(64 // divide)(maps))
    maps = attend(maps) if config.self_attention else DownBlock(64 // divide, strides=1, name="refine_64")(maps)
    auxiliary = []
    while maps.shape[1] < config.resolution:
        auxiliary.append(_colour_head(maps))
        maps = up(64 // divide)(maps)
        maps = DownBlock(64 // divide, strides=1, name=f"refine_{maps.shape[1]}")(maps)
    return [*auxiliary, _alpha_and_colour(maps)]


def _through_vector(maps: Any, size: int, width: int) -> Any:
    """Squeeze a map into a vector of `size` numbers and unfold that to (B, 4, 4, width)."""
    vector = layers.Dense(size, name="bottleneck")(layers.Flatten(name="flatten")(maps))
    unfolded = layers.Dense(4 * 4 * width, name="unfold")(vector)
    return layers.Reshape((4, 4, width), name="unfolded")(unfolded)


def _discriminator_down(maps: Any, width: int, norm: str) -> Any:
    return DownBlock(width, norm, kernel_size=4, slope=0.2, name=f"down_to_{maps.shape[1] // 2}")(maps)


def _alpha_and_colour(maps: Any) -> Any:
    alpha = layers.Conv2D(1, 5, padding="same", activation="sigmoid", dtype="float32", name="alpha")(maps)
    colour = layers.Conv2D(3, 5, padding="same", activation="tanh", dtype="float32", name="colour")(maps)
    return layers.Concatenate(dtype="float32", name="alpha_and_colour")([alpha, colour])


def _colour_head(maps: Any) -> Any:
    """Draw the colour of an auxiliary output."""
    name = f"colour_{maps.shape[1]}"
    return layers.Conv2D(3, 5, padding="same", activation="tanh", dtype="float32", name=name)(maps)


def _attention(config: ModelConfig) -> Callable[[Any], Any]:
    """Return a function that adds a self-attention block, or nothing where the settings want none."""
    if not config.self_attention:
        return _keep
    pooled = config.attention == "pooled"
    return lambda maps: SelfAttention(maps.shape[-1], pooled, name=f"attention_{maps.shape[1]}")(maps)


def _v22_up(config: ModelConfig) -> Callable[[int], Callable[[Any], Any]]:
    """Return what makes an up block of a given width, in the capacity's kind."""
    block = NearestUpBlock if config.capacity == "lite" else PixelShuffleUpBlock
    return lambda width: lambda maps: block(width, config.norm, name=f"up_to_{2 * maps.shape[1]}")(maps)


def _keep(maps: Any) -> Any:
    return maps
