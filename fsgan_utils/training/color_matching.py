"""Colors of training faces, changed at random: those of another image, another light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

STATISTICS_MARGIN = 60
"""Pixels at each edge that color statistics leave out."""
RGB_TO_XYZ = cv2.cvtColor(np.eye(3, dtype=np.float32)[None], cv2.COLOR_RGB2XYZ)[0].T.astype(np.float64)


@dataclass(frozen=True, eq=False)
class ColorStatistics:
    """Mean and standard deviation of an image's centre, float64 (3,) each, in RGB and in XYZ (0 to 255)."""

    rgb: tuple[np.ndarray, np.ndarray]
    xyz: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, image: np.ndarray) -> ColorStatistics:
        """Measure a uint8 RGB (256, 256, 3) image."""
        centre = image[STATISTICS_MARGIN:-STATISTICS_MARGIN, STATISTICS_MARGIN:-STATISTICS_MARGIN]
        rgb = centre.reshape(-1, 3).astype(np.float64)
        xyz = rgb @ RGB_TO_XYZ.T
        return cls((rgb.mean(0), rgb.std(0)), (xyz.mean(0), xyz.std(0)))


def random_color_map(
    colors: ColorStatistics, reference: ColorStatistics, chance: float, chance_xyz: float, rng: np.random.Generator
) -> np.ndarray:
    """Match mean and deviation of colors, part of the way.

    Args:
        colors: of the image.
        reference: of the image whose colors it may take on.
        chance: probability that it does.
        chance_xyz: share of those matches that are made in XYZ instead of RGB.
        rng: source of every random draw.

    Returns:
        An affine map on RGB, float64 (3, 4).

    Reference:
        v2.2's `data_loader/data_augmentation.py`, random_color_match.
    """
    chosen, in_xyz, share = rng.random(3)
    if chosen >= chance:
        return np.eye(3, 4)
    space = "xyz" if in_xyz < chance_xyz else "rgb"
    mean, deviation = getattr(colors, space)
    mean_to, deviation_to = (
        (1 - share) * own + share * other
        for own, other in zip((mean, deviation), getattr(reference, space), strict=True)
    )
    gain = np.diag(deviation_to / np.maximum(deviation, 1e-3))
    offset = mean_to - gain @ mean
    if space == "xyz":
        gain, offset = np.linalg.solve(RGB_TO_XYZ, gain @ RGB_TO_XYZ), np.linalg.solve(RGB_TO_XYZ, offset)
    return np.column_stack([gain, offset])


def jittered(color: np.ndarray, colors: ColorStatistics, most: float, rng: np.random.Generator) -> np.ndarray:
    """Give a color map other gains of the channels, another brightness and contrast.

    Args:
        color: float64 (3, 4).
        colors: of the image that it is for.
        most: how far each may change, as a fraction.
        rng: source of every random draw.

    Returns:
        float64 (3, 4).
    """
    if not most:
        return color
    factors = 1 + most * rng.uniform(-1, 1, 5)
    gain, contrast = factors[:3] * factors[3], factors[4]
    middle = gain * (color[:, :3] @ colors.rgb[0] + color[:, 3])
    jittered = (contrast * gain)[:, None] * color
    jittered[:, 3] += (1 - contrast) * middle
    return jittered
