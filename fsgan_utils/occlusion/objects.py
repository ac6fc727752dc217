"""Invented things that may come before a face: hands, cups, microphones, strands of hair, sheets of paper, anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fsgan_utils.guides import FRACTION_BITS, fixed_point
from fsgan_utils.occlusion.textures import (
    any_color,
    any_light,
    any_texture,
    clouds,
    shading,
    skin_color,
    skin_texture,
)

OBJECT_SIDE = 160
"""Side in pixels of the square that an object is drawn in, as large as what the network sees of a face."""
POOL = 600
"""Objects that are drawn once, and then turned, sized and colored anew each time."""


@dataclass(frozen=True, eq=False)
class Thing:
    """One object.

    Attributes:
        colors: float32 RGB (160, 160, 3), 0 to 255.
        alpha: float32 (160, 160), 0 to 1, where it is.
        skin: whether it is a part of a body, whose color may be that of the face.
        fixed: whether it reaches in from the edge of the picture, and keeps about its place and size.
    """

    colors: np.ndarray
    alpha: np.ndarray
    skin: bool = False
    fixed: bool = False


def draw_things(seed: int, pictures: Sequence[np.ndarray] = (), count: int = POOL) -> list[Thing]:
    """Draw objects of all kinds.

    Args:
        seed: start of every random draw.
        pictures: uint8 RGB (H, W, 3) each, of which pieces may serve as surfaces.
        count: how many.
    """
    rng = np.random.default_rng((seed, 1))
    kinds, weights = zip(*KINDS, strict=True)
    chances = np.array(weights) / sum(weights)
    return [kinds[kind](rng, pictures) for kind in rng.choice(len(kinds), size=count, p=chances)]


class _Canvas:
    """A square on which an object comes about, part over part; lengths and places in parts of its side."""

    def __init__(self) -> None:
        self.colors = np.zeros((OBJECT_SIDE, OBJECT_SIDE, 3), np.float32)
        self.alpha = np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.float32)

    def add(self, shape: np.ndarray, surface: np.ndarray, light: np.ndarray | None = None) -> None:
        """Lay a part, uint8 (160, 160), over the others, rounded under a light from a direction, (3,)."""
        share = shape.astype(np.float32) / 255
        shaded = surface if light is None else surface * shading(shape, light)[..., None]
        self.colors += share[..., None] * (shaded - self.colors)
        self.alpha = np.maximum(self.alpha, share)

    def thing(self, skin: bool = False, fixed: bool = False) -> Thing:
        """The object; around it the colors go on, so that it has no rim when it is resized."""
        spread = cv2.GaussianBlur(self.colors * self.alpha[..., None], (0, 0), 2)
        weight = cv2.GaussianBlur(self.alpha, (0, 0), 2)[..., None]
        colors = np.where(self.alpha[..., None] > 0.5, self.colors, spread / np.maximum(weight, 1e-3))
        return Thing(np.clip(colors, 0, 255), self.alpha, skin, fixed)


def _filled(points: np.ndarray) -> np.ndarray:
    """A closed outline (N, 2), filled: uint8 (160, 160)."""
    shape = np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.uint8)
    cv2.fillPoly(shape, [fixed_point(points * OBJECT_SIDE)], 255, cv2.LINE_AA, FRACTION_BITS)
    return shape


def _line(points: np.ndarray, width: float) -> np.ndarray:
    """A line through points (N, 2) with round ends: uint8 (160, 160)."""
    shape = np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.uint8)
    thickness = max(1, round(width * OBJECT_SIDE))
    cv2.polylines(shape, [fixed_point(points * OBJECT_SIDE)], False, 255, thickness, cv2.LINE_AA, FRACTION_BITS)
    return shape


def _ellipse(middle: np.ndarray, axes: Sequence[float], angle: float = 0.0, count: int = 40) -> np.ndarray:
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return _turned(np.stack([np.cos(turns) * axes[0], np.sin(turns) * axes[1]], axis=1), angle) + middle


def _box(middle: np.ndarray, width: float, height: float, corner: float) -> np.ndarray:
    """A rectangle with rounded corners."""
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    round_part = np.stack([np.cos(turns), np.sin(turns)], axis=1) * corner
    square = np.sign(round_part) * [width / 2 - corner, height / 2 - corner]
    return round_part + square + middle


def _turned(points: np.ndarray, angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return points @ np.array([[cosine, sine], [-sine, cosine]])


def _curve(rng: np.random.Generator, start: np.ndarray, stop: np.ndarray, sag: float, count: int = 16) -> np.ndarray:
    """A curve that sags at random: (count, 2)."""
    return _bezier(start, (start + stop) / 2 + rng.normal(scale=sag, size=2), stop, count)


def _bezier(start: np.ndarray, middle: np.ndarray, stop: np.ndarray, count: int) -> np.ndarray:
    """A quadratic Bézier curve: (count, 2)."""
    share = np.linspace(0, 1, count)[:, None]
    return (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * stop


def _blob(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """Any shape: a polygon, an ellipse, or what waves of some radii make."""
    canvas, kind = _Canvas(), rng.random()
    if kind < 0.35:
        turns = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 10)))
        radii = rng.uniform(0.1, 0.48, len(turns))
    else:
        turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        waves = (
            sum(rng.normal() / n * np.cos(n * turns + rng.uniform(0, 6)) for n in range(2, 7)) if kind < 0.8 else 0.0
        )
        radii = np.clip(rng.uniform(0.15, 0.35) * (1 + 0.35 * waves), 0.04, 0.49) * np.ones(len(turns))
    points = 0.5 + np.stack([np.cos(turns), np.sin(turns)], axis=1) * radii[:, None] * [1, rng.uniform(0.4, 1)]
    texture = any_texture(OBJECT_SIDE, rng, pictures)
    canvas.add(_filled(points), texture, any_light(rng) if rng.random() < 0.5 else None)
    if rng.random() < 0.3:
        canvas.add(_filled(0.5 + (points - 0.5) * rng.uniform(0.3, 0.8)), any_texture(OBJECT_SIDE, rng, pictures))
    return canvas.thing(skin=bool(rng.random() < 0.2))


def _bars(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """One or a few sticks, straight or bent; or a grid of them."""
    canvas, light, texture = _Canvas(), any_light(rng), any_texture(OBJECT_SIDE, rng, pictures)
    width = rng.choice([rng.uniform(0.015, 0.05), rng.uniform(0.04, 0.2)])
    for _ in range(rng.choice([1, 1, 1, 2, 3, 5])):
        angle, middle = rng.uniform(0, np.pi), rng.uniform(0.3, 0.7, 2)
        along = np.array([np.cos(angle), np.sin(angle)]) * rng.choice([0.3, 0.9])
        curve = _curve(rng, middle - along, middle + along, rng.choice([0, 0, 0.15]))
        canvas.add(_line(curve, width), texture, light if rng.random() < 0.7 else None)
    return canvas.thing()


def _hand(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """A hand: palm, fingers in two joints, nails, an arm that may be sleeved."""
    canvas, light, color = _Canvas(), any_light(rng), skin_color(rng)
    surface = skin_texture(OBJECT_SIDE, color, rng)
    palm = np.array([0.5, rng.uniform(0.55, 0.7)])
    width, spread = rng.uniform(0.055, 0.1), rng.uniform(0.02, 0.3)
    arm = _line(np.array([palm, np.add(palm, [rng.normal(scale=0.2), 0.7])]), rng.uniform(2.2, 3.2) * width)
    canvas.add(arm, surface if rng.random() < 0.6 else any_texture(OBJECT_SIDE, rng, pictures), light)
    canvas.add(_filled(_ellipse(palm, (2.1 * width, rng.uniform(2, 2.8) * width))), surface, light)
    bent = rng.uniform(-1, 1)
    for place in np.arange(rng.integers(1, 5)) - 1.5:
        direction = _turned(np.array([[0.0, -1.0]]), spread * place + rng.normal(scale=0.06))[0]
        root = np.add(palm, [place * 1.05 * width, -1.6 * width])
        length = rng.uniform(2.2, 4) * width * (1 - 0.1 * abs(place))
        joint = root + direction * length * 0.5
        tip = joint + _turned(direction[None], bent + rng.normal(scale=0.1))[0] * length * 0.5
        _finger(canvas, np.array([root, joint, tip]), width, surface, light, rng)
    if rng.random() < 0.7:
        side = rng.choice([-1, 1])
        root = np.add(palm, [side * 1.7 * width, 0])
        thumb = root + width * np.array([[0, 0], [side, -1.2], [side * rng.uniform(0, 2), -2.6]])
        _finger(canvas, thumb, 1.15 * width, surface, light, rng)
    return canvas.thing(skin=True)


def _finger(
    canvas: _Canvas, joints: np.ndarray, width: float, surface: np.ndarray, light: np.ndarray, rng: np.random.Generator
) -> None:
    """Draw a finger with a darker edge towards what lies below it, and perhaps a nail."""
    shape = _line(joints, width)
    canvas.add(_line(joints, 1.12 * width) // 3, 0.5 * surface)
    canvas.add(shape, surface * rng.uniform(0.92, 1.06), light)
    if rng.random() < 0.4:
        along = joints[-1] - joints[-2]
        nail = _ellipse(joints[-1], (0.3 * width, 0.42 * width), np.arctan2(along[1], along[0]) + np.pi / 2)
        varnish = surface * [1.1, 1.05, 1.08] if rng.random() < 0.7 else np.full_like(surface, any_color(rng))
        canvas.add(_filled(nail), np.clip(varnish, 0, 255).astype(np.float32), None)


def _cup(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """A cup or mug with or without handle, a glass, a bottle."""
    canvas, light, texture = _Canvas(), any_light(rng), any_texture(OBJECT_SIDE, rng, pictures)
    width, height, narrower = rng.uniform(0.2, 0.45), rng.uniform(0.25, 0.6), rng.uniform(0.6, 1.1)
    if rng.random() < 0.65:
        ring = _ellipse(np.array([0.5 + width / 2, 0.5]), (rng.uniform(0.08, 0.16), rng.uniform(0.25, 0.4) * height))
        canvas.add(_line(np.vstack([ring, ring[:1]]), rng.uniform(0.03, 0.07)), texture, light)
    if rng.random() < 0.25:
        canvas.add(_filled(_box(np.array([0.5, 0.5 - height / 2]), 0.4 * width, 0.5 * height, 0.03)), texture, light)
    x, y = width / 2, height / 2
    body = np.array([[-x, -y], [x, -y], [x * narrower, y], [-x * narrower, y]]) + 0.5
    canvas.add(_filled(body), texture, light)
    canvas.add(_filled(_ellipse(np.array([0.5, 0.5 + y]), (x * narrower, 0.12 * width))), texture, light)
    if rng.random() < 0.7:
        rim = np.array([0.5, 0.5 - y])
        canvas.add(_filled(_ellipse(rim, (x, 0.16 * width))), np.clip(texture * rng.uniform(0.8, 1.2), 0, 255))
        canvas.add(_filled(_ellipse(rim, (0.88 * x, 0.12 * width))), np.full_like(texture, any_color(rng)))
    return canvas.thing()


def _microphone(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """A microphone on a handle or a boom."""
    canvas, light, dark = _Canvas(), any_light(rng), np.full((OBJECT_SIDE, OBJECT_SIDE, 3), any_color(rng), np.float32)
    head, radius = np.array([0.5, 0.3]), rng.uniform(0.05, 0.2)
    handle = _curve(rng, head, np.array([rng.uniform(0.2, 0.8), 1.2]), rng.choice([0, 0.2]))
    canvas.add(_line(handle, rng.uniform(0.15, 1.1) * radius), any_texture(OBJECT_SIDE, rng, pictures), light)
    mesh = dark * (1 + 0.3 * np.sign(clouds(OBJECT_SIDE, rng, OBJECT_SIDE // 3)))[..., None]
    surface = dark if rng.random() < 0.5 else np.clip(mesh, 0, 255).astype(np.float32)
    canvas.add(_filled(_ellipse(head, (radius, radius * rng.uniform(0.9, 1.5)))), surface, light)
    return canvas.thing()


def _flat(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """A phone, a book, a card, a sheet of paper."""
    canvas = _Canvas()
    width, height = rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.9)
    outline = _box(np.full(2, 0.5), width, height, rng.uniform(0.005, 0.06)) + rng.normal(scale=0.005, size=2)
    sheared = 0.5 + (outline - 0.5) @ (np.eye(2) + rng.uniform(-0.25, 0.25, (2, 2)))
    canvas.add(_filled(sheared), any_texture(OBJECT_SIDE, rng, pictures))
    if rng.random() < 0.6:
        canvas.add(_filled(0.5 + (sheared - 0.5) * rng.uniform(0.75, 0.95)), any_texture(OBJECT_SIDE, rng, pictures))
    return canvas.thing()


def _sheet(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """What comes in from one side: a cloth, a curtain, a shoulder, another's head."""
    canvas = _Canvas()
    along = np.linspace(-0.3, 1.3, 30)
    waves = sum(rng.normal(scale=0.05) * np.sin(2 * np.pi * n * along + rng.uniform(0, 6)) for n in (0.5, 1, 2, 4))
    edge = np.stack([along, rng.uniform(0.55, 0.95) + waves], axis=1)
    outline = np.vstack([edge, [[1.3, 2], [-0.3, 2]]])
    turned = 0.5 + _turned(outline - 0.5, rng.uniform(0, 2 * np.pi))
    canvas.add(_filled(turned), any_texture(OBJECT_SIDE, rng, pictures), any_light(rng) if rng.random() < 0.4 else None)
    return canvas.thing(skin=bool(rng.random() < 0.2), fixed=True)


def _strands(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """Hair that hangs in from above or from a side: locks or single strands."""
    canvas, color = _Canvas(), any_color(rng) if rng.random() < 0.3 else skin_color(rng) * rng.uniform(0.1, 0.9)
    from_above = rng.random() < 0.6
    root, reach, side = rng.uniform(0.1, 0.9), rng.uniform(0.2, 1.0), rng.choice([0.02, 0.98])
    spread, fall = rng.uniform(0.02, 0.3), rng.normal(scale=0.25)
    lock = rng.normal(scale=0.1, size=2)
    for _ in range(int(rng.integers(4, 90))):
        aside = rng.normal(scale=spread)
        start = np.array([root + aside, -0.1]) if from_above else np.array([side + 0.3 * aside, rng.uniform(-0.1, 0.3)])
        length = reach * rng.uniform(0.6, 1.1)
        sideways = fall + 0.3 * rng.normal(scale=spread) - (0.5 * aside if rng.random() < 0.5 else 0)
        stop = np.add(start, [sideways, length])
        strand = _bezier(start, (start + stop) / 2 + lock + rng.normal(scale=0.02, size=2), stop, 14)
        shade = np.clip(color * rng.uniform(0.6, 1.4), 0, 255)
        canvas.add(_line(strand, rng.uniform(0.006, 0.02)), np.full_like(canvas.colors, shade))
    return canvas.thing(fixed=True)


def _strip(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> Thing:
    """A dark or light band along a side, as a curtain of hair or a scarf makes it."""
    canvas, color = _Canvas(), any_color(rng) if rng.random() < 0.3 else skin_color(rng) * rng.uniform(0.1, 0.8)
    side = rng.choice([-1, 1])
    down = np.linspace(-0.1, rng.uniform(0.4, 1.1), 20)
    inner = 0.5 + side * (rng.uniform(0.22, 0.42) + 0.06 * np.sin(rng.uniform(1, 6) * down + rng.uniform(0, 6)))
    outer = inner + side * rng.uniform(0.05, 0.3) * np.linspace(1, rng.uniform(0.1, 1), 20)
    outline = np.vstack([np.stack([inner, down], axis=1), np.stack([outer, down], axis=1)[::-1]])
    fibers = 1 + 0.25 * cv2.resize(rng.normal(size=(4, OBJECT_SIDE)).astype(np.float32), (OBJECT_SIDE, OBJECT_SIDE))
    canvas.add(_filled(outline), np.clip(color * fibers[..., None], 0, 255).astype(np.float32))
    return canvas.thing(fixed=True)


KINDS: Sequence[tuple[Callable[[np.random.Generator, Sequence[np.ndarray]], Thing], float]] = (
    (_blob, 1.2),
    (_bars, 1.2),
    (_hand, 2.5),
    (_cup, 1.0),
    (_microphone, 1.0),
    (_flat, 1.0),
    (_sheet, 0.8),
    (_strands, 1.0),
    (_strip, 0.8),
)
"""How each kind of object is drawn, and how often."""
