"""Pictures with faces of many sizes, composed from what comes with the project: the sample clips and scikit-image."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from fsgan_utils.images import spread
from fsgan_utils.video import VideoWriter, read_frames
from fsgan_utils.workspace import PROJECT

HEIGHT, WIDTH = 720, 1280
CLIP_FACE = 125
"""About how many pixels high the face is in a frame of a sample clip, 320 pixels."""


TALK = ("a_train_studio.mp4", "a_train_cool.mp4", "a_target.mp4")
"""The clips of one head that talks."""


def talking_heads(count: int, seed: int = 0) -> list[np.ndarray]:
    """Compose pictures of two or three heads before different backgrounds, mildly blurred and noisy.

    Args:
        count: how many pictures.
        seed: the same seed composes the same pictures.

    Returns:
        uint8 RGB (720, 1280, 3) each. The heads' faces are 24 to 400 pixels high.
    """
    rng = np.random.default_rng(seed)
    clips = sorted((PROJECT / "data" / "clips").glob("*_t*.mp4"))
    frames = [[frame.image for frame in read_frames(clip, every=6)] for clip in clips]
    return [_scene(rng, frames) for _ in range(count)]


def write_talk(path: Path, most: int | None = None) -> Path:
    """Write a clip of 1280×720 pixels: A's head, as high as the picture, before a background without detail.

    Args:
        path: the file.
        most: frames after which it ends; None for all of A's sample clips, one after another.
    """
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    background = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 9), None, 40, 200, cv2.NORM_MINMAX)
    left = (WIDTH - HEIGHT) // 2
    heads = (frame.image for clip in TALK for frame in read_frames(PROJECT / "data" / "clips" / clip))
    with VideoWriter(path, rate=24, size=(WIDTH, HEIGHT)) as writer:
        for head in islice(heads, most):
            image = background.copy()
            image[:, left : left + HEIGHT] = cv2.resize(head, (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
            writer.write(image)
    return path


def one_head(count: int) -> list[np.ndarray]:
    """Take frames of the sample clips, alternately whole on a plain background and filling the picture.

    Args:
        count: about how many pictures.

    Returns:
        uint8 RGB (720, 1280, 3) each, with one face, about 380 or 680 pixels high; of the larger the edge cuts some.
    """
    clips = sorted((PROJECT / "data" / "clips").glob("*.mp4"))
    frames = [frame.image for clip in clips for frame in read_frames(clip)]
    chosen = [frames[index] for index in spread(len(frames), count)]
    return [_near(frame) if number % 2 else _far(frame) for number, frame in enumerate(chosen)]


def _near(frame: np.ndarray) -> np.ndarray:
    height = frame.shape[1] * HEIGHT // WIDTH
    top = (frame.shape[0] - height) // 2
    return cv2.resize(frame[top : top + height], (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _far(frame: np.ndarray) -> np.ndarray:
    picture = np.full((HEIGHT, WIDTH, 3), frame.mean(axis=(0, 1)), np.uint8)
    left = (WIDTH - HEIGHT) // 2
    picture[:, left : left + HEIGHT] = cv2.resize(frame, (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return picture


def _scene(rng: np.random.Generator, frames: list[list[np.ndarray]]) -> np.ndarray:
    picture = _background(rng)
    for column in np.array_split(np.arange(WIDTH), rng.integers(2, 4)):
        clip = frames[rng.integers(len(frames))]
        _paste_head(rng, picture, clip[rng.integers(len(clip))], column)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.2))
    noisy = picture + rng.normal(scale=rng.uniform(0, 5), size=picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _background(rng: np.random.Generator) -> np.ndarray:
    """Draw a flat wall, a gradient, coloured blobs, or a photograph without a face."""
    kind = rng.integers(4)
    if kind == 3:
        photograph = (skimage.data.coffee, skimage.data.rocket, skimage.data.chelsea)[rng.integers(3)]()
        return cv2.resize(photograph, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    cells = {0: (1, 1), 1: (1, 2), 2: (9, 16)}[int(kind)]
    colours = rng.integers(20, 235, (*cells, 3)).astype(np.uint8)
    return cv2.resize(colours, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _paste_head(rng: np.random.Generator, picture: np.ndarray, frame: np.ndarray, columns: np.ndarray) -> None:
    """Put a frame at a random size and place within some columns, faded into the background at its edge."""
    face = np.exp(rng.uniform(np.log(24), np.log(400)))
    side = int(min(frame.shape[0] * face / CLIP_FACE, HEIGHT, len(columns)))
    how = cv2.INTER_AREA if side < frame.shape[0] else cv2.INTER_CUBIC
    head = cv2.resize(frame, (side, side), interpolation=how)
    x = columns[0] + rng.integers(len(columns) - side + 1)
    y = rng.integers(HEIGHT - side + 1)
    distance = np.abs(np.linspace(-1, 1, side))
    opacity = np.clip((1 - np.maximum.outer(distance, distance)) * 8, 0, 1)[..., None]
    place = picture[y : y + side, x : x + side]
    place[:] = opacity * head + (1 - opacity) * place
