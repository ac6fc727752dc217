"""v2.2's augmentations of a training face, composed so that every output is resampled once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.faces import estimate_similarity
from fsgan_utils.occlusion.objects import OBJECT_SIDE, Thing
from fsgan_utils.occlusion.placement import place_thing
from fsgan_utils.settings import check_kinds
from fsgan_utils.training.color_matching import ColorStatistics, jittered, random_color_map

SIDE = 256
"""Side of the training images in pixels; all lengths of `Augmentation` count in them."""
GRID = 5
"""Control points of the random warp along each axis."""
FIELD_SIDE = 33
"""Nodes along each axis of the field by which a face is bent to the other person's proportions."""
MOST_RESHAPED = 1.3
"""How far a face is bent at most; 1 are the other person's proportions."""
FACE_AXES = 45, 60
"""Half the width and the height of a face in an aligned crop, in pixels of an object's square."""


@dataclass(frozen=True)
class Augmentation:
    """How far a training image is changed; the defaults are v2.2's.

    Attributes:
        color_match: probability that the image takes on colours of another training image.
        color_match_xyz: share of those matches that are made in XYZ instead of RGB.
        color_jitter: how far the input's colours, but not the target's, are changed: brightness, contrast and each
            channel by up to this fraction; ours, so that the code does not tell one's complexion.
        reshape: probability that the input, but not the target, gets some of the other person's proportions; ours, see
            `fsgan_utils.training.reshaping`.
        redrawn: probability that the input, but not the target, is the other person as a model draws them with the
            same expression; ours, see `fsgan_utils.training.redrawing`.
        occlude: probability that an object lies before the face in the input, but not in the target; ours, so that the
            code does not break when a hand covers the mouth, see `fsgan_utils.occlusion`.
        rotation: largest rotation, degrees either way.
        zoom: largest change of scale, as a fraction.
        shift: largest shift along each axis, as a fraction of the side.
        stretch: largest change of the ratio of height and width, and largest shear, as a fraction; ours, so that the
            face is drawn where the guide says and not where it is remembered.
        flip: probability of a mirror image.
        warp_half_width: smallest and largest half side of the square, about the centre, that the network sees.
        warp_noise: smallest and largest standard deviation of the warp's control points, in pixels.
        motion_blur: probability of motion blur (v2.2's was .25 where it was switched on).

    Raises:
        ValueError: a probability or fraction is out of its range, or a range is empty or does not fit the image.
    """

    color_match: float = 0.5
    color_match_xyz: float = 0.5
    color_jitter: float = 0.0
    reshape: float = 0.0
    redrawn: float = 0.0
    occlude: float = 0.0
    rotation: float = 10.0
    zoom: float = 0.1
    shift: float = 0.05
    stretch: float = 0.0
    flip: float = 0.5
    warp_half_width: tuple[int, int] = (78, 97)
    warp_noise: tuple[float, float] = (5.0, 6.2)
    motion_blur: float = 0.0

    def __post_init__(self) -> None:
        """Check every value."""
        check_kinds(self)
        for name in ("color_match", "color_match_xyz", "reshape", "redrawn", "occlude", "flip", "motion_blur"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be a probability, 0 to 1. Received: {getattr(self, name)}")
        if not 0 <= self.color_jitter < 1:
            raise ValueError(f"color_jitter must be from 0 to below 1. Received: {self.color_jitter}")
        for name in ("rotation", "zoom", "shift", "stretch"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative. Received: {getattr(self, name)}")
        for name, largest in (("warp_half_width", SIDE // 2), ("warp_noise", SIDE // 8)):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            low, high = getattr(self, name)
            if not 0 <= low <= high <= largest:
                raise ValueError(f"{name} must be (low, high), 0 ≤ low ≤ high ≤ {largest}. Received: {(low, high)}")


@dataclass(frozen=True, eq=False)
class Sample:
    """One augmented face: float32 arrays of the model's resolution.

    Attributes:
        warped: (R, R, 3) RGB in [-1, 1], the distorted input.
        target: (R, R, 3) RGB in [-1, 1], what the decoder should draw.
        masks: (R, R, M) in [0, 1], the image's masks, moved as the target was.
        to_target: (2, 3), from places in the image to places in the target, `(x, y)` in pixels.
    """

    warped: np.ndarray
    target: np.ndarray
    masks: np.ndarray
    to_target: np.ndarray


def augment(
    image: np.ndarray,
    masks: np.ndarray,
    colors: ColorStatistics,
    reference: ColorStatistics,
    resolution: int,
    augmentation: Augmentation,
    rng: np.random.Generator,
    bend: np.ndarray | None = None,
    redrawn: np.ndarray | None = None,
    things: Sequence[Thing] = (),
) -> Sample:
    """Make one training sample.

    Args:
        image: uint8 RGB (256, 256, 3).
        masks: uint8 (256, 256, M), 255 inside.
        colors: statistics of `image`.
        reference: statistics of the image whose colours may be taken on.
        resolution: side of the outputs in pixels.
        augmentation: how far to go.
        rng: source of every random draw.
        bend: float32 (33, 33, 2), over the image: what to add to a place in the image with the other person's
            proportions for that in the image itself, in pixels. None where `augmentation.reshape` is 0.
        redrawn: uint8 RGB (256, 256, 3), the other person in its place. None where `augmentation.redrawn` is 0.
        things: from `draw_things`, what may lie before the face; none where `augmentation.occlude` is 0.

    Reference:
        v2.2's `data_loader/data_augmentation.py`: random_transform, random_warp_rev, random_color_match,
        motion_blur.
    """
    to_image = cv2.invertAffineTransform(_random_transform(augmentation, rng))
    grid = _warp_grid(augmentation, rng)
    color = random_color_map(colors, reference, augmentation.color_match, augmentation.color_match_xyz, rng)
    input_color = jittered(color, colors, augmentation.color_jitter, rng)
    seen = image
    if redrawn is not None and rng.random() < augmentation.redrawn:
        seen, bend = redrawn, None
    if rng.random() < augmentation.motion_blur:
        kernel = _motion_kernel(rng)
        seen, image = (cv2.filter2D(one, -1, kernel) for one in (seen, image))
    # Bilinear sampling from a picture at most twice as fine as the output does not alias.
    shrink = min(1.0, 2 * resolution / SIDE)
    seen, image = (_resized(one, shrink) for one in (seen, image))
    masks = _resized(masks, shrink).reshape(*image.shape[:2], -1)
    if things and rng.random() < augmentation.occlude:
        seen = _covered(seen, things, rng)

    warp = _warp_map(grid, resolution) @ to_image[:, :2].T + to_image[:, 2]
    if bend is not None and rng.random() < augmentation.reshape:
        warp += rng.uniform(0, MOST_RESHAPED) * _field_at(bend, warp)
    output_to_image = _target_to_image(grid, to_image, resolution)
    return Sample(
        _to_network_range(_sample_map(seen, warp, shrink), input_color),
        _to_network_range(_sample_affine(image, output_to_image, resolution, shrink), color),
        _sample_affine(masks, output_to_image, resolution, shrink).reshape(resolution, resolution, -1)
        / np.float32(255),
        cv2.invertAffineTransform(output_to_image).astype(np.float32),
    )


def _covered(image: np.ndarray, things: Sequence[Thing], rng: np.random.Generator) -> np.ndarray:
    """Lay something before the face in an aligned crop, uint8 RGB (S, S, 3)."""
    face = np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.uint8)
    cv2.ellipse(face, (OBJECT_SIDE // 2, OBJECT_SIDE // 2), FACE_AXES, 0, 0, 360, 255, -1)
    small = cv2.resize(image, (OBJECT_SIDE, OBJECT_SIDE), interpolation=cv2.INTER_AREA)
    placed = place_thing(things[int(rng.integers(len(things)))], face, np.array(cv2.mean(small, face)[:3]), rng)
    colors, alpha = (cv2.resize(part, image.shape[1::-1]) for part in (placed.colors, placed.alpha))
    return np.rint(image + alpha[..., None] * (colors - image)).astype(np.uint8)


def _random_transform(augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Rotation, zoom, shift, flip and stretch about the centre: float64 (2, 3), image to transformed image."""
    angle = rng.uniform(-augmentation.rotation, augmentation.rotation)
    scale = rng.uniform(1 - augmentation.zoom, 1 + augmentation.zoom)
    matrix: np.ndarray = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), angle, scale)
    matrix[:, 2] += rng.uniform(-augmentation.shift, augmentation.shift, 2) * SIDE
    if rng.random() < augmentation.flip:
        matrix[0] *= -1
        matrix[0, 2] += SIDE - 1
    return _stretch(augmentation.stretch, rng) @ np.vstack([matrix, [0, 0, 1]]) if augmentation.stretch else matrix


def _stretch(most: float, rng: np.random.Generator) -> np.ndarray:
    """A change of height and width, against each other, and shear about the centre: float64 (2, 3)."""
    broader, *sheared = rng.uniform(-most, most, 3)
    linear = np.array([[1 + broader, sheared[0]], [sheared[1], 1 / (1 + broader)]])
    centre = np.full(2, SIDE / 2)
    return np.column_stack([linear, centre - linear @ centre])


def _warp_grid(augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Noisy control points of the warp: float64 (5, 5, 2), (x, y) in the transformed image."""
    half_width = rng.integers(augmentation.warp_half_width[0], augmentation.warp_half_width[1], endpoint=True)
    line = np.linspace(SIDE / 2 - half_width, SIDE / 2 + half_width, GRID)
    grid = np.stack(np.meshgrid(line, line), axis=-1)
    return grid + rng.normal(scale=rng.uniform(*augmentation.warp_noise), size=grid.shape)


def _warp_map(grid: np.ndarray, resolution: int) -> np.ndarray:
    """Where each pixel of the warped input comes from: float64 (R, R, 2).

    OpenCV's resize puts the outer control points a tenth of the side inside the edge; the inner 80 % is
    what lies between them.
    """
    side = 80 * resolution // 64
    edge = side // 10
    return cv2.resize(grid, (side, side))[edge:-edge, edge:-edge]


def _field_at(field: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The values (R, R, 2) of a field over the image at positions in the image, (R, R, 2)."""
    x, y = np.moveaxis((positions * ((FIELD_SIDE - 1) / (SIDE - 1))).astype(np.float32), -1, 0)
    return cv2.remap(
        field, np.ascontiguousarray(x), np.ascontiguousarray(y), cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
    )


def _target_to_image(grid: np.ndarray, to_image: np.ndarray, resolution: int) -> np.ndarray:
    """Matrix float64 (2, 3) from target pixels to image pixels: the similarity nearest to the warp, undone."""
    line = np.arange(GRID) * 16 * resolution / 64
    regular = np.stack(np.meshgrid(line, line), axis=-1)
    to_target = estimate_similarity(grid.reshape(-1, 2), regular.reshape(-1, 2))
    from_target = cv2.invertAffineTransform(to_target)
    matrix = to_image[:, :2] @ from_target
    matrix[:, 2] += to_image[:, 2]
    return matrix


def _motion_kernel(rng: np.random.Generator) -> np.ndarray:
    size = int(rng.choice([5, 7, 9, 11]))
    line = np.zeros((size, size), np.float32)
    line[size // 2] = 1
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), rng.uniform(0, 180), 1)
    kernel = cv2.warpAffine(line, turn, (size, size))
    return np.asarray(kernel / kernel.sum())


def _resized(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1 or image.shape[2] == 0:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _sample_map(image: np.ndarray, positions: np.ndarray, shrink: float) -> np.ndarray:
    positions = ((positions + 0.5) * shrink - 0.5).astype(np.float32)
    x, y = np.ascontiguousarray(positions[..., 0]), np.ascontiguousarray(positions[..., 1])
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _sample_affine(image: np.ndarray, to_image: np.ndarray, resolution: int, shrink: float) -> np.ndarray:
    if image.shape[2] == 0:
        return np.zeros((resolution, resolution, 0), np.float32)
    matrix = to_image * shrink
    matrix[:, 2] += 0.5 * shrink - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (resolution, resolution), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _to_network_range(image: np.ndarray, color: np.ndarray) -> np.ndarray:
    """uint8 RGB through the colour map, clipped, to float32 [-1, 1]."""
    changed = image.astype(np.float32) @ color[:, :3].T.astype(np.float32) + color[:, 3].astype(np.float32)
    return np.clip(changed, 0, 255) / np.float32(127.5) - np.float32(1)
