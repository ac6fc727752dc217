"""What the detector sees of an image: the image, reduced if it is large, and the levels of its pyramid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.extraction.boxes import averaged, cut

CELL = 12
"""Side of the face, in pixels, that the first network sees."""
LARGEST_CROP = 48
"""Side of the face, in pixels, that the last network sees."""
LEAST_LEVEL_REDUCTION = 1.5
"""A level is made from the smallest half that is still this many times larger: then halving costs no detail. The first
half, which saves most time, is used even when it is just large enough."""
SLIGHT_REDUCTION = 2
"""Up to so many times a level is reduced between neighbouring pixels; beyond, which is slower, by area."""
LEAST_CROP_REDUCTION = 2
"""A crop is made from the smallest half in which its box is still this many times larger."""
LEAST_HALVED = 48
"""Shorter side, in pixels, of the smallest image that is halved for the levels."""


@dataclass(frozen=True, eq=False)
class View:
    """An image as the detector sees it.

    Attributes:
        halves: uint8 RGB (H, W, 3) each: the image, perhaps reduced, then halved again and again.
        reduction: how many times smaller the first of them is than the image.
        min_face: smallest face looked for, in pixels of the first.
    """

    halves: list[np.ndarray]
    reduction: int
    min_face: float

    @classmethod
    def of(cls, image: np.ndarray, min_face: float, downscale: bool) -> View:
        """Prepare an image.

        Args:
            image: uint8 RGB (H, W, 3).
            min_face: smallest face looked for, in pixels.
            downscale: halve the image first, as often as the smallest face stays 48 pixels large.
        """
        reduction = 1
        while downscale and min_face / reduction >= 2 * LARGEST_CROP and min(image.shape[:2]) > 1:
            image, reduction = halved(image), 2 * reduction
        halves = [image]
        while min(halves[-1].shape[:2]) >= LEAST_HALVED:
            halves.append(halved(halves[-1]))
        return cls(halves, reduction, min_face / reduction)

    @property
    def image(self) -> np.ndarray:
        """The largest of the halves."""
        return self.halves[0]

    def scales(self, factor: float) -> list[float]:
        """Scales of the levels, largest first: at the first the smallest face is 12 pixels large."""
        scales = []
        scale = CELL / self.min_face
        while min(self.image.shape[:2]) * scale >= CELL:
            scales.append(scale)
            scale *= factor
        return scales

    def crop(self, box: np.ndarray, size: int) -> np.ndarray:
        """Cut a box out of the image, or out of a half of it if the box is far larger than the crop.

        Args:
            box: (4,), whole numbers as in `boxes`.
            size: side of the crop in pixels.

        Returns:
            float32 (size, size, 3), 0 to 255, as `cut` gives.
        """
        halvings = self._halvings((box[2] - box[0] + 1) / (LEAST_CROP_REDUCTION * size))
        if not halvings:
            return cut(self.image, box, size)
        half = self.halves[halvings]
        start = np.maximum((box[:2] - 1) / 2**halvings, 0)
        return averaged(half, start, np.minimum(box[2:] / 2**halvings, half.shape[1::-1]), size)

    def level(self, scale: float) -> np.ndarray:
        """Reduce the image to a scale; uint8 RGB (h, w, 3)."""
        height, width = (int(np.ceil(side * scale)) for side in self.image.shape[:2])
        halvings = max(self._halvings(1 / (LEAST_LEVEL_REDUCTION * scale)), min(1, self._halvings(1 / scale)))
        source = self.halves[halvings]
        slightly = source.shape[0] <= SLIGHT_REDUCTION * height
        how = cv2.INTER_LINEAR if slightly else cv2.INTER_AREA
        return cv2.resize(source, (width, height), interpolation=how)

    def _halvings(self, reduction: float) -> int:
        """How often to halve the image before it is reduced, so many times in all."""
        return min(max(0, int(np.log2(reduction))), len(self.halves) - 1)


def halved(image: np.ndarray) -> np.ndarray:
    """Average every 2×2 pixels; an odd last row or column is left out."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    return cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
