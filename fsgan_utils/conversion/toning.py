"""Pictures without colours of their own: black and white, sepia, and other tones."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from fsgan_utils.images import limited

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in the brightness of a pixel: ITU-R BT.601."""
SIDE = 64
"""Pixels per side above which colours are looked at in a smaller copy."""
DEGREE = 3
"""Of the polynomials by which the colours of a toned picture follow its brightness."""
ENCODED = 0.5
"""Levels by which encoding alone makes colours stray from what the brightness says, as a root mean square."""
TONED, COLORED = 0.02, 0.05
"""How far they stray beyond that, in parts of the colours themselves, at which a picture counts wholly as one without
colours of its own, and not at all: sepia strays by .01, faces in colour by .06 and more, by .3 mostly."""
PARAMETERS = 3 + 3 * (DEGREE + 1)
"""How many numbers `fit_toning` gives."""


def fit_toning(image: np.ndarray) -> np.ndarray:
    """Find out whether brightness alone says what colour a picture has, as in black and white and in sepia.

    Args:
        image: uint8 or float RGB (H, W, 3), 0 to 255.

    Returns:
        float64 (15,): how far it is so, 0 to 1; the darkest and the brightest level that are seen; and for red, green
        and blue the coefficients of a cubic, of the constant first, that gives the difference from the brightness for
        a brightness between 0 and 1. The mean of those of several frames stands for one between them.
    """
    small = cv2.GaussianBlur(limited(image, SIDE).astype(np.float64), (0, 0), 1).reshape(-1, 3)
    luma = small @ LUMA
    powers = np.vander(luma / 255, DEGREE + 1, increasing=True)
    differences = small - luma[:, None]
    coefficients = np.linalg.lstsq(powers, differences, rcond=1e-6)[0]
    stray = np.sqrt(np.mean((differences - powers @ coefficients) ** 2))
    strength = max(np.sqrt(np.mean(differences**2)), 1)
    share = np.clip((COLORED - (stray - ENCODED) / strength) / (COLORED - TONED), 0, 1)
    return np.concatenate([[share, luma.min(), luma.max()], coefficients.T.ravel()])


def toned(image: np.ndarray, toning: np.ndarray) -> np.ndarray:
    """Give a picture the tone of another.

    Args:
        image: float RGB (H, W, 3), 0 to 255.
        toning: from `fit_toning`, or their mean.

    Returns:
        float32 RGB (H, W, 3), 0 to 255; as bright as before.
    """
    share, darkest, brightest = toning[:3]
    if share <= 0:
        return image
    luma = image.astype(np.float64) @ LUMA
    powers = np.vander(np.clip(luma, darkest, brightest).ravel() / 255, DEGREE + 1, increasing=True)
    tone = luma[..., None] + (powers @ toning[3:].reshape(3, -1).T).reshape(image.shape)
    return cast(np.ndarray, np.clip((1 - share) * image + share * tone, 0, 255).astype(np.float32))
