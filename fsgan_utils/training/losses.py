"""What training minimises: pure functions of tensors, each one term, unweighted; `LossWeights` says how they add up.

Every image tensor is channels-last (B, H, W, 3) in [-1, 1], in either colour order; alpha is (B, H, W, 1) in [0, 1];
an eye mask is (B, H, W, 1) or (B, H, W, 3) in [0, 1]. Every function returns a float32 scalar and computes in
float32. Adversarial terms take the discriminator's scores (B, h, w, 1): the caller decides, by `stop_gradient` or by
freezing weights, which network learns from a term.

Reference: Lu, "faceswap-GAN", v2.2 (2018), networks/losses.py.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from keras import ops

CYCLE_ALPHA = 0.1
"""Weight of the mask in the cycle term, relative to the colour."""


def split_output(output: Any) -> tuple[Any, Any]:
    """Split a decoder's (B, H, W, 4) into alpha (B, H, W, 1) and colour (B, H, W, 3)."""
    return output[..., :1], output[..., 1:]


def mask_blend(alpha: Any, colour: Any, background: Any) -> Any:
    """Lay the drawn colour over the background where alpha is 1."""
    return alpha * colour + (1 - alpha) * background


def mixup(real: Any, fake: Any, factor: Any) -> Any:
    """Mix real and fake images; a factor of 1 is all real.

    `factor` is a scalar or (B, 1, 1, 1). v2.2 draws it from Beta(.2, .2), one for the batch.

    Reference: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018).
    """
    return factor * real + (1 - factor) * fake


def lsgan(scores: Sequence[Any], target: Any) -> Any:
    """Least-squares adversarial term: squared distance of scores from a target, summed over the score maps.

    - The discriminator of mixed images learns from `lsgan([D(mixed masked), D(mixed raw)], factor)`.
    - The generator learns from `lsgan([D(masked), D(raw)], 1)`.

    Args:
        scores: score maps (B, h, w, 1).
        target: a scalar, or (B, 1, 1, 1).

    Reference: Mao et al., "Least Squares Generative Adversarial Networks" (2017).
    """
    return _total(_mean_square(_float(score) - target) for score in scores)


def relativistic_lsgan_discriminator(real: Any, masked: Any, raw: Any) -> Any:
    """Relativistic-average least-squares term of the discriminator.

    The masked fake is judged absolutely, the raw fake against the batch's average real score and back.

    Args:
        real: scores of the real images, (B, h, w, 1).
        masked: scores of the masked fakes.
        raw: scores of the raw fakes.

    Reference: Jolicoeur-Martineau, "The relativistic discriminator" (2018).
    """
    real, masked, raw = _float(real), _float(masked), _float(raw)
    absolute = _mean_square(real - 1) + _mean_square(masked)
    relative = _mean_square(real - _batch_mean(raw) - 1) + _mean_square(raw - _batch_mean(real))
    return 0.5 * (absolute + relative)


def relativistic_lsgan_generator(real: Any, masked: Any, raw: Any) -> Any:
    """Relativistic-average least-squares term of the generator; arguments as for the discriminator's."""
    real, masked, raw = _float(real), _float(masked), _float(raw)
    relative = _mean_square(real - _batch_mean(raw)) + _mean_square(raw - _batch_mean(real) - 1)
    return _mean_square(masked - 1) + 0.5 * relative


def reconstruction(colour: Any, real: Any, auxiliary: Sequence[Any] = ()) -> Any:
    """Mean absolute error of the drawn colour, plus that of each auxiliary output.

    Args:
        colour: the decoder's colour, (B, H, W, 3).
        real: what it should be.
        auxiliary: the decoder's smaller outputs (B, n, n, 3); `real` is resized to each.
    """
    errors = [_mean_absolute(colour - real)]
    errors += [_mean_absolute(small - resize(real, small.shape[1:3])) for small in auxiliary]
    return _total(errors)


def eye_reconstruction(colour: Any, real: Any, eyes: Any) -> Any:
    """Mean over the whole image of the absolute error within the eye mask."""
    return _mean_absolute(eyes * (colour - real))


def edge(colour: Any, real: Any) -> Any:
    """Mean absolute difference of the edges (see `edges`) of two images, summed over both directions."""
    return _total(_mean_absolute(a - b) for a, b in zip(edges(colour), edges(real), strict=True))


def eye_edge(colour: Any, real: Any, eyes: Any) -> Any:
    """`edge` within the eye mask, which is resized to the edges' size."""
    pairs = list(zip(edges(colour), edges(real), strict=True))
    mask = resize(eyes, pairs[0][0].shape[1:3])
    return _total(_mean_absolute(mask * (a - b)) for a, b in pairs)


def edges(image: Any) -> tuple[Any, Any]:
    """Absolute difference of each pixel to the one below it and to the one on its right: two (B, H-1, W-1, C)."""
    image = _float(image)
    here = image[:, :-1, :-1]
    return ops.abs(here - image[:, 1:, :-1]), ops.abs(here - image[:, :-1, 1:])


def mask_l1(alpha: Any) -> Any:
    """Mean of alpha: keeps the mask as small as the other terms allow."""
    return _mean_absolute(alpha)


def mask_hinge(alpha: Any, floor: Any) -> Any:
    """Mean of how far alpha lies below `floor`: keeps the mask from vanishing."""
    return ops.mean(ops.relu(floor - _float(alpha)))


def mask_total_variation(alpha: Any) -> Any:
    """Mean absolute difference of neighbouring alphas, summed over both directions: keeps the mask smooth."""
    return _total(ops.mean(difference) for difference in edges(alpha))


def cycle(original: Any, returned: Any, alpha: Any, returned_alpha: Any) -> Any:
    """How much of an image is lost on its way to the other person and back.

    Args:
        original: a real image, (B, H, W, 3).
        returned: the colour drawn of it after both swaps.
        alpha: the mask of the swap to the other person, (B, H, W, 1).
        returned_alpha: the mask of the swap back.

    Reference: Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (2017).
    """
    return _mean_absolute(returned - original) + CYCLE_ALPHA * _mean_absolute(returned_alpha - alpha)


def dssim(colour: Any, real: Any, window: int = 11, sigma: float = 1.5) -> Any:
    """Structural dissimilarity, (1 - SSIM) / 2, of two images in [-1, 1]: 0 where they are equal, at most 1.

    Statistics are taken in a Gaussian window that lies wholly inside the image; data range 2, constants .01 and .03.

    Args:
        colour: the drawn image, (B, H, W, C).
        real: what it should be.
        window: side of the window in pixels, odd.
        sigma: standard deviation of the Gaussian in pixels.

    Reference: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity" (2004).
    """
    colour, real = _float(colour), _float(real)
    mean_a, mean_b = _window_mean(colour, window, sigma), _window_mean(real, window, sigma)
    variance_a = _window_mean(ops.square(colour), window, sigma) - ops.square(mean_a)
    variance_b = _window_mean(ops.square(real), window, sigma) - ops.square(mean_b)
    covariance = _window_mean(colour * real, window, sigma) - mean_a * mean_b
    luminance_constant, contrast_constant = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    luminance = (2 * mean_a * mean_b + luminance_constant) / (
        ops.square(mean_a) + ops.square(mean_b) + luminance_constant
    )
    contrast = (2 * covariance + contrast_constant) / (variance_a + variance_b + contrast_constant)
    return (1 - ops.mean(luminance * contrast)) / 2


def resize(image: Any, size: Sequence[int]) -> Any:
    """Resize (B, H, W, C) to (height, width), bilinear with half-pixel centres and no smoothing."""
    return ops.image.resize(_float(image), tuple(size), interpolation="bilinear", data_format="channels_last")


def _window_mean(image: Any, window: int, sigma: float) -> Any:
    """Gaussian mean of every whole window: (B, H - window + 1, W - window + 1, C).

    As products with band matrices, which on processors take a quarter of a depthwise convolution's time.
    """
    down, across = (_gaussian_band(image.shape[axis], window, sigma) for axis in (1, 2))
    rows = ops.einsum("oh,bhwc->bowc", down, image)
    return ops.einsum("ow,bhwc->bhoc", across, rows)


def _gaussian_band(length: int, window: int, sigma: float) -> np.ndarray:
    """Matrix float32 (length - window + 1, length) whose rows are the Gaussian window at every whole place."""
    offsets = np.arange(window) - (window - 1) / 2
    profile = np.exp(-np.square(offsets / sigma) / 2)
    band = np.zeros((length - window + 1, length), "float32")
    for start, row in enumerate(band):
        row[start : start + window] = profile / profile.sum()
    return band


def _float(values: Any) -> Any:
    return ops.cast(values, "float32")


def _total(terms: Iterable[Any]) -> Any:
    return functools.reduce(operator.add, terms)


def _mean_absolute(values: Any) -> Any:
    return ops.mean(ops.abs(_float(values)))


def _mean_square(values: Any) -> Any:
    return ops.mean(ops.square(values))


def _batch_mean(scores: Any) -> Any:
    return ops.mean(scores, axis=0, keepdims=True)
