"""How like the truth the faces look, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import keras
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from fsgan_utils.embedding import RESNET_MEANS, RESNET_SIZE, build_resnet29
from fsgan_utils.faces import Alignment
from fsgan_utils.guides import MESH_FACE_EDGE
from fsgan_utils.masks import region_mask

GRAIN = 1.0
"""Standard deviation, in pixels, of the blur that takes off a video's grain before structures are compared."""
FEATURES = ("conv32_3", "conv64_3", "conv128_2", "conv256_2")
"""Blocks of the ResNet whose maps are compared: the last ones of 32, 64, 128 and 256 channels that still have a map."""

BAND = (0.5, 2.0)
"""Standard deviations in pixels of the blurs between which detail is fine."""
INNER = 0.85
"""Part of the way from the middle of a face to its edge within which its detail counts."""
LEAST_DETAIL = 0.1
"""Standard deviation of fine detail, of 255, below which a picture shows none."""


def oval(mesh: np.ndarray, alignment: Alignment) -> np.ndarray:
    """The face's oval in its crop: bool (S, S).

    Args:
        mesh: (470, 2 or 3), in pixels of the frame.
        alignment: from the frame to the crop.
    """
    return region_mask(alignment.apply(np.asarray(mesh)[MESH_FACE_EDGE, :2])[None], alignment.size) > 0


def pixel_scores(crop: np.ndarray, true_crop: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """Compare a crop with the true one, cut out at the same place.

    Args:
        crop: uint8 RGB (S, S, 3).
        true_crop: uint8 RGB (S, S, 3).
        inside: bool (S, S), the pixels that count: the true face's oval.

    Returns:
        "ssim": mean structural similarity of the luminance; "psnr": in dB, of RGB, at most 60; "color_error":
        CIEDE2000 between the mean colours.

    Reference:
        Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 13(4), 2004;
        Sharma et al., "The CIEDE2000 color-difference formula", Color Research and Application 30(1), 2005.
    """
    grey, true_grey = (
        cv2.GaussianBlur(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float64), (0, 0), GRAIN)
        for one in (crop, true_crop)
    )
    similarity = structural_similarity(
        grey, true_grey, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )[1]
    squared = np.mean((crop[inside].astype(np.float64) - true_crop[inside]) ** 2)
    means = [rgb2lab(one[inside].mean(axis=0)[None, None] / 255) for one in (crop, true_crop)]
    return {
        "ssim": float(similarity[inside].mean()),
        "psnr": float(min(60.0, 10 * np.log10(255**2 / max(squared, 1e-9)))),
        "color_error": float(deltaE_ciede2000(*means).item()),
    }


def fine_detail(image: np.ndarray, source: np.ndarray, mesh: np.ndarray) -> float:
    """Compare how much fine detail two pictures of a face show, such as lashes, pores and the edges of lips.

    Args:
        image: uint8 RGB (H, W, 3), the frame.
        source: uint8 RGB (H, W, 3), the same before the swap.
        mesh: (470, 2 or 3), of the source's face; what lies within its oval counts, without the rim.

    Returns:
        Standard deviation of the luminance between Gaussian blurs of 0.5 and 2 pixels, which structures of 1 to 4
        pixels of the frame pass best, over the source's; NaN where the source shows none.
    """
    edge = np.asarray(mesh, np.float64)[MESH_FACE_EDGE, :2]
    middle = edge.mean(axis=0)
    start = np.maximum(np.floor(edge.min(axis=0)).astype(int), 0)
    stop = np.maximum(np.ceil(edge.max(axis=0)).astype(int), start + 1)
    part = (slice(start[1], stop[1]), slice(start[0], stop[0]))
    inside = np.zeros(image[part].shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(middle + INNER * (edge - middle) - start).astype(np.int32)], 1)
    if not inside.any():
        return float("nan")
    energies = [float(_band(one[part])[inside > 0].std()) for one in (image, source)]
    return energies[0] / energies[1] if energies[1] > LEAST_DETAIL else float("nan")


def _band(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), deviation) for deviation in BAND)
    return np.asarray(fine - coarse)


class FeatureDistance:
    """Compares crops by what a face network sees in them.

    Maps of dlib's ResNet, which training never uses, are scaled to length 1 at each place; the distance is the mean
    of the squared differences' sums over channels, summed over four depths.

    Reference:
        Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018, equation 1
        with all weights 1.
    """

    def __init__(self) -> None:
        """Build the network."""
        network = build_resnet29()
        maps = [network.get_layer(f"{name}_relu").output for name in FEATURES]
        self._network = keras.Model(network.input, maps)

    def __call__(self, crops: Sequence[np.ndarray], true_crops: Sequence[np.ndarray]) -> np.ndarray:
        """Compare crops with the true ones.

        Args:
            crops: uint8 RGB (S, S, 3) each.
            true_crops: as many, cut out at the same places.

        Returns:
            float64 (N,), 0 for the truth.
        """
        if not crops:
            return np.zeros(0)
        pairs = zip(self._maps(crops), self._maps(true_crops), strict=True)
        return np.sum([((one - true) ** 2).sum(axis=3).mean(axis=(1, 2)) for one, true in pairs], axis=0)

    def _maps(self, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
        small = np.stack([cv2.resize(crop, (RESNET_SIZE,) * 2, interpolation=cv2.INTER_AREA) for crop in crops])
        pixels = (small - np.asarray(RESNET_MEANS, np.float32)) / np.float32(256)
        maps = (np.asarray(one, np.float64) for one in self._network.predict(pixels, verbose=0))
        return [one / np.maximum(np.linalg.norm(one, axis=3, keepdims=True), 1e-9) for one in maps]
