"""Bring the colours of a generated face to those of the scene: fitted first, then applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from fsgan_utils.conversion.membrane import MEMBRANE_SIDE, fit_membrane
from fsgan_utils.conversion.toning import PARAMETERS, toned
from fsgan_utils.images import limited
from fsgan_utils.settings import one_of

METHODS = ("none", "adain", "adain_xyz", "hist_match", "lab", "mkl", "poisson")
FITTING_SIDE = 64
"""Pixels per side above which colours are compared in a smaller copy."""
HALF = 0.5
LEAST_DEVIATION = 1.0
"""Standard deviation below which colours count as flat, and their contrast is not stretched, in levels."""
LEVELS = np.arange(256, dtype=np.float64)
IDENTITY = np.eye(3, 4)


@dataclass(frozen=True, eq=False)
class ColorTransfer:
    """A fitted change of colours.

    The mean of the parameters of several frames is a change of colours again, between theirs.

    Attributes:
        method: one of `METHODS`.
        parameters: float64, one-dimensional. "none": empty; "adain", "adain_xyz", "lab" and "mkl": 12, the rows of
            an affine map (3, 4) of the method's colour space; "hist_match": 768, the new value of each level 0 to
            255 of red, then of green and of blue; "poisson": 3072, what is added to red, green and blue at the
            centres of a grid of 32×32 cells, row by row.
        shift: float64 (3,), what is added to red, green and blue after it.
        toning: float64 (15,), what takes colours away at last where the scene has none of its own, such as in black
            and white; see `fit_toning`.

    Raises:
        ValueError: the method is unknown, or the parameters are not as many as it has.
    """

    method: str
    parameters: np.ndarray
    shift: np.ndarray = field(default_factory=lambda: np.zeros(3))
    toning: np.ndarray = field(default_factory=lambda: np.zeros(PARAMETERS))

    def __post_init__(self) -> None:
        """Check the method and its parameters."""
        object.__setattr__(self, "parameters", np.asarray(self.parameters, np.float64))
        expected = (parameter_count(self.method),)
        if self.parameters.shape != expected:
            raise ValueError(f"{self.method} has parameters {expected}. Received: {self.parameters.shape}")

    def apply(self, image: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Change the colours of an image.

        Args:
            image: RGB (H, W, 3), 0 to 255, uint8 or float.
            mask: bool (H, W): only these pixels change. None for all.

        Returns:
            float32 RGB (H, W, 3), 0 to 255.
        """
        changed = self._changed(image)
        if self.shift.any():
            changed = np.clip(changed + self.shift.astype(np.float32), 0, 255)
        changed = toned(changed, self.toning)
        if mask is not None:
            changed[~mask] = image[~mask]
        return changed

    def _changed(self, image: np.ndarray) -> np.ndarray:
        if self.method == "none":
            return np.array(image, np.float32)
        if self.method == "hist_match":
            return _look_up(image, self.parameters.reshape(3, 256))
        if self.method == "poisson":
            return _add_membrane(image, self.parameters.reshape(MEMBRANE_SIDE, MEMBRANE_SIDE, 3))
        to_space, to_rgb = SPACES[self.method]
        return np.clip(to_rgb(cv2.transform(to_space(image), self.parameters.reshape(3, 4))), 0, 255)


def fit_color(
    method: str, image: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None, complexion: float = 0.0
) -> ColorTransfer:
    """Find out how an image gets the colours of another.

    Large images are compared in a smaller copy.

    Args:
        method: "none"; "adain": mean and standard deviation of each channel; "adain_xyz": the same in XYZ, in whole
            numbers; "lab": the same in CIE Lab; "hist_match": the histogram of each channel; "mkl": mean and
            covariance, by the linear map that moves the colours least; "poisson": what must be added for the image
            to continue its target where the mask ends, spread smoothly over the mask's inside.
        image: RGB (H, W, 3), 0 to 255, uint8 or float.
        target: RGB (h, w, 3), 0 to 255; the same size as `image` when there is a mask, and for "poisson".
        mask: bool (H, W): colours are compared in these pixels only. None for all.
        complexion: what part of the difference in the usual colour "poisson" leaves, away from where the mask ends, 0
            to 1.

    Returns:
        The change of colours; one that changes nothing where the mask is empty.

    Raises:
        ValueError: the method is unknown.

    Reference:
        v2.2's `converter/color_correction.py` ("adain", "adain_xyz", "hist_match"); Reinhard et al., "Color transfer
        between images", IEEE CG&A 21(5), 2001 ("lab", there in lαβ); Pitié and Kokaram, "The linear
        Monge-Kantorovitch linear colour mapping for example-based colour transfer", CVMP 2007 ("mkl"); Pérez,
        Gangnet and Blake, "Poisson image editing", SIGGRAPH 2003 ("poisson").
    """
    if method == "poisson":
        return ColorTransfer(method, fit_membrane(image, target, mask, complexion).ravel())
    if parameter_count(method) == 0:
        return ColorTransfer(method, np.zeros(0))
    (image, image_mask), (target, target_mask) = _reduced(image, mask), _reduced(target, mask)
    if image_mask is not None and not image_mask.any():
        return ColorTransfer(method, _unchanged(method))
    if method == "hist_match":
        return ColorTransfer(method, _fit_tables(image, target, image_mask).ravel())
    to_space, _ = SPACES[method]
    pixels = _selected(to_space(image), image_mask), _selected(to_space(target), target_mask)
    return ColorTransfer(method, (_fit_covariance if method == "mkl" else _fit_deviation)(*pixels).ravel())


def correct_color(image: np.ndarray, target: np.ndarray, method: str, mask: np.ndarray | None = None) -> np.ndarray:
    """Give an image the colours of another: `fit_color`, then `ColorTransfer.apply`, with the same mask.

    Returns:
        float32 RGB (H, W, 3), 0 to 255.

    Raises:
        ValueError: the method is unknown.
    """
    return fit_color(method, image, target, mask).apply(image, mask)


def parameter_count(method: str) -> int:
    """How many parameters a method has.

    Raises:
        ValueError: the method is unknown.
    """
    one_of("the colour correction", method, METHODS)
    return {"none": 0, "hist_match": 3 * 256, "poisson": MEMBRANE_SIDE**2 * 3}.get(method, IDENTITY.size)


def _unchanged(method: str) -> np.ndarray:
    return np.tile(LEVELS, 3) if method == "hist_match" else IDENTITY.ravel()


def _reduced(image: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Make a copy whose longer side is at most `FITTING_SIDE`."""
    smaller = None if mask is None else limited(mask.astype(np.float32), FITTING_SIDE) >= HALF
    return limited(image, FITTING_SIDE), smaller


def _selected(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """The pixels that count, float64 (N, 3)."""
    return (image.reshape(-1, 3) if mask is None else image[mask]).astype(np.float64)


def _fit_deviation(pixels: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The affine map, (3, 4), that gives each channel the mean and the standard deviation of the target's."""
    spread, wanted = (np.maximum(values.std(axis=0), LEAST_DEVIATION) for values in (pixels, target))
    return _about_means(np.diag(wanted / spread), pixels, target)


def _fit_covariance(pixels: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The affine map, (3, 4), between normal distributions by optimal transport: Pitié and Kokaram, equation 16."""
    floor = LEAST_DEVIATION**2 * np.eye(3)
    source, wanted = (np.cov(values.T, bias=True) + floor for values in (pixels, target))
    root = _symmetric_power(source, 0.5)
    inverse = _symmetric_power(source, -0.5)
    return _about_means(inverse @ _symmetric_power(root @ wanted @ root, 0.5) @ inverse, pixels, target)


def _symmetric_power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def _about_means(matrix: np.ndarray, pixels: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.column_stack([matrix, target.mean(axis=0) - matrix @ pixels.mean(axis=0)])


def _fit_tables(image: np.ndarray, target: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """The new value of each level, (3, 256)."""
    counts = [_histograms(pixels, mask) for pixels in (image, target)]
    return np.stack([_fit_table(*channel) for channel in zip(*counts, strict=True)])


def _histograms(image: np.ndarray, mask: np.ndarray | None) -> list[np.ndarray]:
    levels = np.rint(np.clip(image, 0, 255)).astype(np.uint8)
    chosen = None if mask is None else mask.astype(np.uint8)
    return [cv2.calcHist([levels], [channel], chosen, [256], [0, 256]).ravel() for channel in range(3)]


def _fit_table(counts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Map each level to the target's level of the same quantile; beyond the darkest and the brightest, shift alike."""
    seen, target = np.flatnonzero(counts), np.flatnonzero(wanted)
    quantiles, target_quantiles = (np.cumsum(part, dtype=np.float64) / part.sum() for part in (counts, wanted))
    values = np.interp(quantiles[seen], target_quantiles[target], target)
    table = np.interp(LEVELS, seen, values)
    table[: seen[0]] = LEVELS[: seen[0]] - seen[0] + values[0]
    table[seen[-1] :] = LEVELS[seen[-1] :] - seen[-1] + values[-1]
    return np.clip(table, 0, 255)


def _look_up(image: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Look levels up, with linear interpolation between two."""
    values = np.clip(image, 0, 255).astype(np.float32)
    lower = values.astype(np.uint8)
    steps = np.diff(tables, axis=1, append=tables[:, -1:])
    below, slope = (cv2.LUT(lower, table.T[None].astype(np.float32)) for table in (tables, steps))
    return below + slope * (values - lower)


def _add_membrane(image: np.ndarray, membrane: np.ndarray) -> np.ndarray:
    size = (image.shape[1], image.shape[0])
    smooth = cv2.resize(membrane.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.clip(image + smooth, 0, 255)


def _as_float(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32)


def _to_xyz(image: np.ndarray) -> np.ndarray:
    """As v2.2, in whole numbers."""
    return cv2.cvtColor(np.clip(image, 0, 255).astype(np.uint8), cv2.COLOR_RGB2XYZ).astype(np.float32)


def _from_xyz(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.clip(image, 0, 255).astype(np.uint8), cv2.COLOR_XYZ2RGB).astype(np.float32)


def _to_lab(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def _from_lab(image: np.ndarray) -> np.ndarray:
    return 255 * cv2.cvtColor(image, cv2.COLOR_LAB2RGB)


Conversion = Callable[[np.ndarray], np.ndarray]
SPACES: dict[str, tuple[Conversion, Conversion]] = {
    "adain": (_as_float, _as_float),
    "mkl": (_as_float, _as_float),
    "adain_xyz": (_to_xyz, _from_xyz),
    "lab": (_to_lab, _from_lab),
}
"""By method, from RGB to the colour space in which its map is affine, and back; both float32, RGB 0 to 255."""
