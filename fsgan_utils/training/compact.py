"""The compact networks, ours: made to learn a face in the fewest processor minutes, and so as narrow as they may be.

What was measured to help, against a plain autoencoder of the same cost: a bottleneck that keeps 4×4 places apart
instead of a dense vector; a picture summed up from coarse to fine sketches (as StyleGAN2's output skips), which gives
every layer a short way to the loss; refinements that begin as nothing; the last doubling by a pixel shuffle alone.

Reference: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), figure 7; Zhang et al.,
"Fixup Initialization" (2019).
"""

from __future__ import annotations

from typing import Any

from keras import initializers, layers, ops

from fsgan_utils.training.blocks import PixelShuffleUpBlock

SLOPE = 0.1
"""Slope of every leaky ReLU on negative values."""
BOTTLENECK = 48
"""Channels at each of the bottleneck's 4×4 places: few, so that who it is must come from the decoder."""
CODE_WIDTH = 64
WIDTHS = {16: 64, 32: 40, 64: 24, 128: 12}
"""Channels of the decoder's maps, by their side."""
GUIDE_WIDTHS = {16: 32, 32: 24, 64: 12, 128: 8}
"""Channels of what is read off a guide, by its side."""
FINEST = 12
"""Channels of a guided decoder's last map, which has the picture's own side."""


def encode_compact(image: Any) -> Any:
    """Lay out the encoder: halve to 4×4, squeeze, double to the (B, 8, 8, 64) code."""
    maps, width = image, 16
    while maps.shape[1] > 4:
        maps = _activated(layers.Conv2D(width, 5, 2, "same", kernel_initializer="he_normal")(maps))
        width = min(2 * width, 128)
    maps = layers.Conv2D(BOTTLENECK, 1, kernel_initializer="he_normal", name="bottleneck")(maps)
    maps = _activated(layers.Conv2D(128, 3, padding="same", kernel_initializer="he_normal")(maps))
    return PixelShuffleUpBlock(CODE_WIDTH, slope=SLOPE, name="up_to_8")(maps)


def decode_compact(code: Any, resolution: int, guide: Any = None) -> list:
    """Lay out the decoder.

    Args:
        code: (B, 8, 8, 64).
        resolution: side of what it draws in pixels.
        guide: where to draw the features, (B, resolution, resolution, 3); None for a decoder without guides.

    Returns:
        Auxiliary colours at 64 and 128 pixels where they are below the resolution, then alpha and colour.
    """
    maps, picture, auxiliary = code, None, []
    features = {} if guide is None else _read_guide(guide)
    while 2 * maps.shape[1] < resolution:
        side = 2 * maps.shape[1]
        maps = PixelShuffleUpBlock(WIDTHS[side], slope=SLOPE, name=f"up_to_{side}")(maps)
        maps = _refined(maps, WIDTHS[side], features.get(side))
        if 2 * side == resolution:
            break
        picture = _sketch(maps, picture)
        auxiliary += [picture] if side >= 64 else []
    finest = _finest(maps) if guide is None else _finest_guided(maps, guide)
    if resolution > 64:
        auxiliary.append(_enlarged(picture, resolution // 2))
    picture = layers.Add(dtype="float32", name="picture")([_enlarged(picture, resolution), finest])
    return [*(_colour(small) for small in auxiliary), _alpha_and_colour(picture)]


def _read_guide(guide: Any) -> dict[int, Any]:
    """Read a guide at each side of the decoder's maps below its own."""
    maps, read = guide, {}
    while maps.shape[1] > min(GUIDE_WIDTHS):
        side, kernel = maps.shape[1] // 2, 6 if maps is guide else 3
        convolved = layers.Conv2D(GUIDE_WIDTHS[side], kernel, 2, "same", kernel_initializer="he_normal")(maps)
        maps = read[side] = _activated(convolved)
    return read


def _finest(maps: Any) -> Any:
    finest = layers.Conv2D(16, 3, padding="same", kernel_initializer=_small(), dtype="float32")(maps)
    return ops.depth_to_space(finest, 2, data_format="channels_last")


def _finest_guided(maps: Any, guide: Any) -> Any:
    """Draw the last detail with the guide beside it, so that lids and lips have sharp edges."""
    doubled = layers.Conv2D(4 * FINEST, 3, padding="same", kernel_initializer="he_normal")(maps)
    doubled = ops.depth_to_space(doubled, 2, data_format="channels_last")
    read = layers.Conv2D(FINEST, 3, padding="same", kernel_initializer="he_normal")(guide)
    maps = _activated_sum(layers.Add()([doubled, read]))
    return layers.Conv2D(4, 3, padding="same", kernel_initializer=_small(), dtype="float32")(maps)


def _sketch(maps: Any, coarser: Any) -> Any:
    """Add what a map draws, 4 channels, to the coarser picture."""
    drawn = layers.Conv2D(4, 3, padding="same", kernel_initializer=_small(), dtype="float32")(maps)
    return drawn if coarser is None else layers.Add(dtype="float32")([_enlarged(coarser, maps.shape[1]), drawn])


def _refined(maps: Any, width: int, guide: Any = None) -> Any:
    seen = maps if guide is None else layers.Concatenate()([maps, guide])
    change = _activated(layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal")(seen))
    return layers.Add()([maps, layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros")(change)])


def _enlarged(picture: Any, side: int) -> Any:
    return layers.UpSampling2D(side // picture.shape[1], interpolation="bilinear", dtype="float32")(picture)


def _activated(maps: Any) -> Any:
    return layers.LeakyReLU(negative_slope=SLOPE)(maps)


def _activated_sum(maps: Any) -> Any:
    """A leaky ReLU of a sum, put together from plain ones.

    TensorFlow 2.21 with oneDNN makes one operation of convolution, bias, sum and leaky ReLU where it needs no
    gradients, and that one has a slope of .2, whatever was asked for.
    """
    return SLOPE * maps + (1 - SLOPE) * ops.relu(maps)


def _small() -> initializers.Initializer:
    """Start drawings near grey, where tanh and sigmoid are steepest."""
    return initializers.VarianceScaling(0.05)


def _colour(picture: Any) -> Any:
    return layers.Activation("tanh", dtype="float32")(picture[..., 1:])


def _alpha_and_colour(picture: Any) -> Any:
    alpha = layers.Activation("sigmoid", dtype="float32", name="alpha")(picture[..., :1])
    return layers.Concatenate(dtype="float32", name="alpha_and_colour")([alpha, _colour(picture)])
