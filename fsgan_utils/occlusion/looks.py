"""Faces as they may also look: bearded, made up, with glasses, in other light, in a worse picture."""

from __future__ import annotations

import cv2
import numpy as np

from fsgan_utils.guides import FRACTION_BITS, MESH_BROWS, MESH_FACE_EDGE, fixed_point
from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS, MESH_LIPS
from fsgan_utils.masks.regions import region_mask
from fsgan_utils.occlusion.faces import KnownFace
from fsgan_utils.occlusion.objects import OBJECT_SIDE
from fsgan_utils.occlusion.textures import any_color, clouds

NOSE_BASE, CHIN, CHEEKS = 2, 152, [50, 280]
"""FaceMesh points."""


def dressed(face: KnownFace, rng: np.random.Generator) -> np.ndarray:
    """Paint on a face what belongs to it and covers nothing: beard, make-up, marks, glasses, teeth.

    Returns:
        float32 RGB (160, 160, 3), 0 to 255.
    """
    image = face.image.astype(np.float32)
    for chance, paint in ((0.12, _beard), (0.15, _make_up), (0.12, _marks), (0.1, _teeth), (0.15, _glasses)):
        if rng.random() < chance:
            paint(image, face, rng)
    return np.clip(image, 0, 255)


def lit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change complexion and light of a picture, float32 RGB (S, S, 3), 0 to 255: the same again."""
    image = 255 * cv2.pow(np.clip(image, 0, 255) / 255, np.exp(rng.normal(scale=0.25)))
    mixing = np.eye(3)
    if rng.random() < 0.2:  # from fair to dark and back, more than a light can
        mixing += rng.uniform(-0.8, 0.6) * (np.eye(3) - 1 / 3)
        mixing *= np.array([1, 0.82, 0.72])[:, None] ** rng.uniform(-1, 1.5)
    if rng.random() < 0.06:
        mixing = np.full((3, 3), 1 / 3)
    mixing *= np.exp(rng.normal(scale=rng.choice([0.03, 0.06, 0.12, 0.25]), size=3))[:, None]
    image = cv2.transform(image, mixing)
    if rng.random() < 0.4:
        image *= _uneven_light(len(image), rng)
    if rng.random() < 0.25:
        image += _highlights(len(image), rng)
    contrast, middle = rng.uniform(0.7, 1.3), float(np.mean(cv2.mean(image)[:3]))
    image = image * contrast + (middle * np.exp(rng.normal(scale=0.2)) - contrast * middle)
    return np.clip(image, 0, 255)


def recorded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make a picture, float32 RGB (S, S, 3), 0 to 255, as a camera and an encoder leave it: uint8."""
    side = len(image)
    if rng.random() < 0.3:
        small = int(side * rng.uniform(0.4, 0.9))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (side, side))
    if rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.5))
    if rng.random() < 0.3:
        image = image + np.float32(rng.uniform(1, 8)) * rng.standard_normal(image.shape, np.float32)
    result = np.rint(np.clip(image, 0, 255)).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
        result = np.asarray(cv2.imdecode(cv2.imencode(".jpg", result, quality)[1], cv2.IMREAD_COLOR))
    return result


def _mix(image: np.ndarray, mask: np.ndarray, color: np.ndarray, share: float | np.ndarray) -> None:
    """Lay a color over a part of an image, in place; `mask` is uint8 (160, 160)."""
    left, top, width, height = cv2.boundingRect(mask)
    part = slice(top, top + height), slice(left, left + width)
    strength = share[part] if isinstance(share, np.ndarray) else share
    weight = np.asarray(mask[part] * (strength / 255), np.float32)[..., None]
    image[part] += weight * (np.asarray(color, np.float32) - image[part])


def _filled(points: np.ndarray) -> np.ndarray:
    shape = np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.uint8)
    cv2.fillPoly(shape, [fixed_point(points)], 255, cv2.LINE_AA, FRACTION_BITS)
    return shape


def _soft(mask: np.ndarray, deviation: float) -> np.ndarray:
    return cv2.GaussianBlur(mask, (0, 0), deviation)


def _beard(image: np.ndarray, face: KnownFace, rng: np.random.Generator) -> None:
    """Stubble, a full beard, a moustache or a goatee."""
    mesh, unit = face.mesh, float(np.linalg.norm(face.mesh[CHEEKS[1]] - face.mesh[CHEEKS[0]]))
    jaw = mesh[MESH_FACE_EDGE[9:28]]
    longer = (jaw - mesh[NOSE_BASE]) * rng.uniform(0.95, 1.15) + mesh[NOSE_BASE]
    region = _filled(np.vstack([longer, mesh[[205, NOSE_BASE, 425]]])[:, :2])
    if rng.random() < 0.4:  # only about the mouth
        near = _filled_circle((mesh[CHIN] + mesh[NOSE_BASE]) / 2, unit * rng.uniform(0.3, 0.5))
        region = cv2.min(region, near)
    region = cv2.min(_soft(region, rng.uniform(1, 4)), 255 - _soft(region_mask(mesh[MESH_LIPS][None], OBJECT_SIDE), 1))
    hairs = np.clip(0.8 + 0.35 * clouds(OBJECT_SIDE, rng, int(rng.integers(30, 79))), 0, 1)
    grey = rng.uniform(20, 200) if rng.random() < 0.3 else rng.uniform(10, 60)
    color = face.color * rng.uniform(0.1, 0.5) if rng.random() < 0.6 else grey + rng.normal(scale=5, size=3)
    _mix(image, region, color, hairs * rng.choice([rng.uniform(0.1, 0.5), rng.uniform(0.5, 1)]))


def _filled_circle(middle: np.ndarray, radius: float) -> np.ndarray:
    shape = np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.uint8)
    cv2.circle(shape, np.rint(middle).astype(int).tolist(), max(1, round(float(radius))), 255, -1, cv2.LINE_AA)
    return shape


def _make_up(image: np.ndarray, face: KnownFace, rng: np.random.Generator) -> None:
    """Lips, lids, brows, cheeks."""
    mesh = face.mesh
    lips = cv2.subtract(_filled(mesh[MESH_LIPS]), _filled(mesh[MESH_INNER_LIPS]))
    _mix(image, _soft(lips, 0.6), rng.uniform(0, 230, 3) * [1, 0.5, 0.7], rng.uniform(0, 0.8))
    brows = cv2.max(*(_filled(cv2.convexHull(mesh[brow])[:, 0]) for brow in MESH_BROWS))
    _mix(image, _soft(brows, 1), np.full(3, rng.uniform(5, 120)), rng.uniform(0, 0.8))
    lids = cv2.dilate(region_mask(mesh[MESH_EYELIDS], OBJECT_SIDE), np.ones((7, 5), np.uint8))
    around = cv2.subtract(_soft(lids, 1.5), region_mask(mesh[MESH_EYELIDS], OBJECT_SIDE))
    _mix(image, around, rng.uniform(0, 160, 3), rng.uniform(0, 0.7))
    blush = cv2.max(*(_soft(_filled_circle(mesh[cheek], 12), 6) for cheek in CHEEKS))
    _mix(image, blush, np.array([200, 80, 80]) * rng.uniform(0.4, 1.2), rng.uniform(0, 0.4))


def _marks(image: np.ndarray, face: KnownFace, rng: np.random.Generator) -> None:
    """Moles, freckles, wrinkles, scars, blemishes."""
    spots, lines = np.zeros((2, OBJECT_SIDE, OBJECT_SIDE), np.uint8)
    for _ in range(int(rng.choice([1, 3, 40]))):
        place = face.mesh[rng.integers(len(face.mesh))] + rng.normal(scale=2, size=2)
        cv2.circle(
            spots,
            fixed_point(place).tolist(),
            round(rng.uniform(0.5, 2) * 2**FRACTION_BITS),
            255,
            -1,
            cv2.LINE_AA,
            FRACTION_BITS,
        )
    for _ in range(int(rng.integers(0, 8))):
        place = face.mesh[rng.integers(len(face.mesh))]
        steps = rng.normal(scale=2, size=2) + rng.normal(scale=3, size=(6, 2))
        bend = np.cumsum(np.vstack([place, steps]), axis=0)
        cv2.polylines(lines, [fixed_point(bend)], False, 255, 1, cv2.LINE_AA, FRACTION_BITS)
    _mix(image, _soft(spots, 0.6), face.color * rng.uniform(0.3, 0.9), rng.uniform(0.2, 0.9))
    _mix(image, _soft(lines, 0.8), face.color * rng.choice([0.5, 1.3]), rng.uniform(0.2, 0.8))


def _teeth(image: np.ndarray, face: KnownFace, rng: np.random.Generator) -> None:
    """Teeth and tongue in the opening of the mouth, or the dark."""
    mouth = face.parts[..., 2]
    rows = np.flatnonzero(mouth.any(axis=1))
    if len(rows) < 4:
        return
    bright = face.color.mean() / 140
    dark, red = np.array([45, 15, 15]) * bright, np.array([190, 90, 90]) * bright * rng.uniform(0.5, 1.2)
    _mix(image, mouth, dark, rng.uniform(0.5, 1))
    low, high = np.zeros_like(mouth), np.zeros_like(mouth)
    height = len(rows)
    high[rows[0] : rows[0] + int(height * rng.uniform(0.2, 0.6))] = 255
    low[rows[0] + int(height * rng.uniform(0.5, 0.9)) :] = 255
    _mix(image, cv2.min(mouth, _soft(low, 1)), red, rng.uniform(0, 1))
    _mix(image, cv2.min(mouth, _soft(high, 0.7)), np.array([235, 228, 210]) * bright * rng.uniform(0.7, 1.2), 0.9)


def _glasses(image: np.ndarray, face: KnownFace, rng: np.random.Generator) -> None:
    """Glasses, with or without rims, clear, tinted or mirroring."""
    mesh = face.mesh
    eyes = mesh[MESH_EYELIDS].mean(axis=1)
    across = eyes[1] - eyes[0]
    apart = max(float(np.linalg.norm(across)), 8.0)
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    corner = rng.choice([1.0, 0.75, 0.5])  # of a superellipse
    circle = np.stack(
        [
            np.sign(np.cos(turns)) * np.abs(np.cos(turns)) ** corner,
            np.sign(np.sin(turns)) * np.abs(np.sin(turns)) ** corner,
        ],
        1,
    )
    axes = np.array([across / apart, [-across[1] / apart, across[0] / apart]])
    rims = [
        eye
        + circle * [rng.uniform(0.36, 0.46) * apart, rng.uniform(0.25, 0.42) * apart] @ axes
        + axes[1] * rng.uniform(0, 0.1) * apart
        for eye in eyes
    ]
    lenses = cv2.max(*(_filled(rim) for rim in rims))
    if rng.random() < 0.5:
        _mix(
            image, lenses, any_color(rng) * rng.uniform(0.1, 1), rng.choice([rng.uniform(0, 0.3), rng.uniform(0.5, 1)])
        )
    if rng.random() < 0.4:
        mirror = cv2.min(
            lenses, _soft(_filled_circle(eyes[rng.integers(2)] + rng.normal(scale=6, size=2), rng.uniform(2, 12)), 2)
        )
        _mix(image, mirror, rng.uniform(150, 255, 3), rng.uniform(0.2, 0.9))
    frame = np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.uint8)
    width = int(rng.choice([1, 1, 2, 3, 4]))
    for rim in rims:
        cv2.polylines(frame, [fixed_point(rim)], True, 255, width, cv2.LINE_AA, FRACTION_BITS)
    inner = [eyes[0] + 0.4 * across, eyes[1] - 0.4 * across]
    arms = [[eyes[0] - 0.42 * across, mesh[127]], [eyes[1] + 0.42 * across, mesh[356]]]
    for line in (inner, *arms):
        cv2.polylines(frame, [fixed_point(np.array(line))], False, 255, width, cv2.LINE_AA, FRACTION_BITS)
    _mix(image, frame, any_color(rng) * rng.uniform(0.1, 1), rng.uniform(0.5, 1))


def _uneven_light(side: int, rng: np.random.Generator) -> np.ndarray:
    """Colored light or shadow from one side, with a soft or a hard edge: float32 (side, side, 3), about 1."""
    angle, line = rng.uniform(0, 2 * np.pi), np.linspace(-1, 1, side // 2, dtype=np.float32)
    ramp = np.cos(angle) * line + np.sin(angle) * line[:, None] + 0.15 * clouds(side // 2, rng, 3)
    share = 1 / (1 + np.exp(-(ramp - rng.uniform(-0.5, 0.5)) * rng.choice([2, 4, 15, 40])))
    bright, dark = (np.exp(rng.normal(scale=0.15, size=3)) for _ in range(2))
    dark *= rng.uniform(0.2, 0.9)
    light = np.float32(dark) + np.asarray(share, np.float32)[..., None] * np.float32(bright - dark)
    return cv2.resize(light, (side, side))


def _highlights(side: int, rng: np.random.Generator) -> np.ndarray:
    """Bright spots as on moist skin: float32 (side, side, 1), added."""
    spots = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        middle = np.rint(rng.uniform(0.25, 0.75, 2) * side).astype(int).tolist()
        cv2.ellipse(spots, middle, rng.integers(1, 9, 2).tolist(), rng.uniform(0, 180), 0, 360, 1, -1)
    return cv2.GaussianBlur(spots, (0, 0), rng.uniform(1, 5))[..., None] * np.float32(rng.uniform(40, 200))
