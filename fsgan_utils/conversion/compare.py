"""Contact sheets from which a user chooses colours, masks and the face's shape by eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fsgan_utils.conversion.color import METHODS
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.covering import Covering, find_coverings
from fsgan_utils.conversion.frames import expected_frames, source_frames
from fsgan_utils.conversion.generator import Generator
from fsgan_utils.conversion.placing import PlacedFace
from fsgan_utils.conversion.steps import Swapped, draw
from fsgan_utils.conversion.swap import build_detector, chosen, lay, swap_faces
from fsgan_utils.extraction import FaceTracker, Sighting, Source
from fsgan_utils.images import contact_sheet

TILE = 192
"""Side of each picture of a sheet in pixels."""
VIEW = 1.5
"""How much wider than what the network sees a picture shows."""
MASKS: dict[str, dict[str, Any]] = {
    "mask = attention": {"mask": "attention"},
    "mask = hull": {"mask": "hull"},
    "mask = both": {"mask": "both"},
    "mask = attention, forehead = 1": {"mask": "attention", "forehead": 1.0},
    "mask = attention, mask_grow = -0.05": {"mask": "attention", "mask_grow": -0.05},
    "mask = attention, mask_blur = 0.05": {"mask": "attention", "mask_blur": 0.05},
    "mask = attention, keep = mouth": {"mask": "attention", "keep": ("mouth",)},
    "mask = attention, keep = eyes": {"mask": "attention", "keep": ("eyes",)},
}
"""By the text above its row, settings that `compare_masks` shows."""
SHAPES: dict[str, dict[str, Any]] = {
    "face_shape = 1, bend = 1": {"face_shape": 1.0, "bend": 1.0},
    "face_shape = 1, bend = 0.5": {"face_shape": 1.0, "bend": 0.5},
    "face_shape = 1, bend = 0": {"face_shape": 1.0, "bend": 0.0},
    "face_shape = 0.5, bend = 1": {"face_shape": 0.5, "bend": 1.0},
    "face_shape = 0.5, bend = 0": {"face_shape": 0.5, "bend": 0.0},
    "face_shape = 0, bend = 0": {"face_shape": 0.0, "bend": 0.0},
}
"""By the text above its row, settings that `compare_shapes` shows."""


@dataclass(frozen=True, eq=False)
class _Moment:
    """One picture with its largest face, placed."""

    image: np.ndarray
    sighting: Sighting
    face: PlacedFace

    @property
    def source(self) -> np.ndarray:
        """What the network sees."""
        return self.face.alignment.warp(self.image)

    def swapped(self, drawn: np.ndarray, covering: Covering | None, config: ConvertConfig) -> Swapped:
        return lay(self.image, [self.face], [drawn], [covering], config)

    def view(self, image: np.ndarray) -> np.ndarray:
        """The square about the face."""
        alignment = self.face.alignment
        centre = alignment.inverse @ [alignment.size / 2, alignment.size / 2, 1]
        side = VIEW * alignment.size / alignment.scale
        return cv2.getRectSubPix(np.ascontiguousarray(image), (round(side), round(side)), tuple(map(float, centre)))


def compare_colors(
    source: str | Path, model: Generator, config: ConvertConfig | None = None, frames: int = 6
) -> np.ndarray:
    """Draw all colour corrections side by side: the source, then one row for each.

    Args:
        source: a video or photographs, as for `convert_video`; the largest face of frames at even distances is
            shown, whoever it is.
        model: the trained model.
        config: the other settings.
        frames: how many frames.

    Returns:
        uint8 RGB (H, W, 3), each row under its setting.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is neither a video nor a picture, or there is no face to swap in these frames.
    """
    rows = {f"color_correction = {method}": {"color_correction": method} for method in METHODS}
    return _compare(source, model, config or ConvertConfig(), frames, rows)


def compare_masks(
    source: str | Path, model: Generator, config: ConvertConfig | None = None, frames: int = 6
) -> np.ndarray:
    """Draw masks side by side: the source, then one row for each of `MASKS`, with the mask in a corner.

    Args, Returns and Raises are those of `compare_colors`.
    """
    return _compare(source, model, config or ConvertConfig(), frames, MASKS, show_mask=True)


def compare_shapes(
    source: str | Path, model: Generator, config: ConvertConfig | None = None, frames: int = 6
) -> np.ndarray:
    """Draw the new face in its own shape and nearer to that of the face it replaces, with the picture about it bent or
    as it is: the source, then one row for each of `SHAPES`.

    Args, Returns and Raises are those of `compare_colors`; the model must be guided.
    """
    config = config or ConvertConfig()
    moments = _moments(source, model, config, frames)
    pictures = {"source": [moment.view(moment.image) for moment in moments]}
    images, sightings = [moment.image for moment in moments], [[moment.sighting] for moment in moments]
    for title, settings in SHAPES.items():
        results = swap_faces(images, sightings, model, replace(config, **settings))
        pictures[title] = [m.view(r.image) for m, r in zip(moments, results, strict=True)]
    return contact_sheet(pictures, TILE)


def _compare(
    source: str | Path,
    model: Generator,
    config: ConvertConfig,
    frames: int,
    rows: Mapping[str, dict[str, Any]],
    show_mask: bool = False,
) -> np.ndarray:
    moments = _moments(source, model, config, frames)
    faces = [moment.face for moment in moments]
    sources = [moment.source for moment in moments]
    drawings, coverings = draw(sources, model, config, faces), find_coverings(sources, faces, model, config)
    pictures = {"source": [moment.view(moment.image) for moment in moments]}
    for title, settings in rows.items():
        changed = replace(config, **settings)
        laid = zip(moments, drawings, coverings, strict=True)
        pairs = [(moment, moment.swapped(drawn, covering, changed)) for moment, drawn, covering in laid]
        pictures[title] = [_with_mask(m, r) if show_mask else m.view(r.image) for m, r in pairs]
    return contact_sheet(pictures, TILE)


def _moments(path: str | Path, model: Generator, config: ConvertConfig, frames: int) -> list[_Moment]:
    """Frames at even distances in which a face can be swapped."""
    if frames < 1:
        raise ValueError(f"frames must be 1 or more. Received: {frames}")
    tracker = FaceTracker(build_detector(config), config.landmarks)
    source, largest = Source.open(path), replace(config, faces="largest")
    moments: list[_Moment] = []
    for frame in islice(source_frames(source, config), 0, None, max(1, expected_frames(source, config) // frames)):
        tracker.reset()
        for found in chosen(tracker.update(frame.image)[0], model, largest):
            sighting = tracker.refined(found)
            face = PlacedFace.seen(sighting, model, config)
            if face is not None:
                moments.append(_Moment(frame.image, sighting, face))
        if len(moments) == frames:
            break
    if not moments:
        raise ValueError(f"no face to swap was found in frames of {source.path}; try a smaller min_face or min_score")
    return moments


def _with_mask(moment: _Moment, result: Swapped) -> np.ndarray:
    """The face, and a small picture of the mask in its lower left corner."""
    picture, mask = (cv2.resize(moment.view(image), (TILE, TILE)) for image in (result.image, result.mask))
    small = np.rint(255 * cv2.resize(mask, (TILE // 4, TILE // 4), interpolation=cv2.INTER_AREA)).astype(np.uint8)
    picture[-TILE // 4 :, : TILE // 4] = small[..., None]
    return picture
