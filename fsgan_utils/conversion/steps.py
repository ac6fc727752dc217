"""The steps of a swap: place, draw, fit, finish, compose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fsgan_utils.conversion.blending import Patch, Region, feather, paste
from fsgan_utils.conversion.color import ColorTransfer, fit_color
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.generator import Generator, proportions_of
from fsgan_utils.conversion.masking import below_forehead, face_mask, to_edge
from fsgan_utils.conversion.toning import fit_toning
from fsgan_utils.faces import Alignment, margin
from fsgan_utils.guides import GUIDE_CHANNELS, draw_guide
from fsgan_utils.masks.regions import outline_mask
from fsgan_utils.training.data import to_network

if TYPE_CHECKING:
    from fsgan_utils.conversion.covering import Covering
    from fsgan_utils.conversion.placing import PlacedFace

CROP_SIZE = 256
"""Side of the aligned crop in pixels, as in training."""
COVERED = 0.1
"""Alpha from which a pixel counts as face when colours are compared."""
HIDDEN = 0.5
"""How sure it must be that something lies before a pixel, for its colour not to count."""

Drawing = tuple[Alignment, "GeneratedFace"]
"""A generated face, and the alignment from the picture to what the network saw."""


@dataclass(frozen=True, eq=False)
class GeneratedFace:
    """One generated face and the steps to it; S is the side of the crop's central part, which the network saw.

    Attributes:
        source: uint8 RGB (S, S, 3), what lies there in the picture: what the network saw, unless that was bent since.
        drawn: float32 RGB (res, res, 3), 0 to 255, what it drew.
        transfer: how the drawing gets the source's colours.
        alpha: float32 (S, S), 0 to 1, where it replaces the source.
    """

    source: np.ndarray
    drawn: np.ndarray
    transfer: ColorTransfer
    alpha: np.ndarray

    @property
    def raw(self) -> np.ndarray:
        """uint8 RGB (S, S, 3): what the network drew, at full size."""
        return _enlarged(self.drawn, len(self.source))

    @cached_property
    def recolored(self) -> np.ndarray:
        """float32 RGB (res, res, 3), 0 to 255: the drawing with the source's colours, at its own size."""
        return self.transfer.apply(self.drawn)

    @cached_property
    def corrected(self) -> np.ndarray:
        """uint8 RGB (S, S, 3): the same with the source's colours."""
        return _enlarged(self.recolored, len(self.source))

    @property
    def blended(self) -> np.ndarray:
        """uint8 RGB (S, S, 3): the corrected face laid over the source."""
        return cv2.blendLinear(self.corrected, self.source, self.alpha, 1 - self.alpha)


@dataclass(frozen=True, eq=False)
class Swapped:
    """One picture after the swap.

    Attributes:
        image: uint8 RGB (H, W, 3).
        patches: what was replaced in it, one for each face that is in sight.
        swapped: number of faces replaced.
        left_alone: number of faces that stay as they were.
        bent: parts of the picture that gave way to the faces, see `make_room`.
    """

    image: np.ndarray
    patches: Sequence[Patch]
    swapped: int
    left_alone: int
    bent: Sequence[Region] = ()

    @property
    def changed(self) -> list[Region]:
        """The parts of the picture outside which it is as it was."""
        return [*self.bent, *(patch.region for patch in self.patches)]

    @cached_property
    def mask(self) -> np.ndarray:
        """float32 (H, W), 0 to 1: where and how strongly the picture was replaced."""
        mask = np.zeros(self.image.shape[:2], np.uint8)
        for patch in self.patches:
            np.maximum(mask[patch.region.slices], patch.weight, out=mask[patch.region.slices])
        return mask.astype(np.float32) / 255


def place(landmarks: np.ndarray, model: Generator, config: ConvertConfig) -> Alignment | None:
    """Align what the network sees of a face: the central part of its crop, `roi_coverage` wide.

    Args:
        landmarks: (5, 2), `(x, y)` in pixels, as `Face.landmarks`.
        model: the trained model; it knows the crop it was trained on.
        config: the settings.

    Returns:
        The alignment from the picture to that part; its `warp` gives `draw` its sources. None where the landmarks do
        not determine one.
    """
    try:
        whole = Alignment.from_landmarks(landmarks, CROP_SIZE, model.config.crop)
    except ValueError:
        return None
    rim = margin(CROP_SIZE, config.roi_coverage)
    return Alignment(whole.matrix - [[0, 0, rim], [0, 0, rim]], CROP_SIZE - 2 * rim)


def draw(
    sources: Sequence[np.ndarray],
    model: Generator,
    config: ConvertConfig,
    faces: Sequence[PlacedFace | None] | None = None,
) -> np.ndarray:
    """Run the network on a batch of faces.

    Args:
        sources: uint8 RGB (S, S, 3) each, placed by `place`.
        model: the trained model.
        config: `direction` counts, and whether `face_shape` asks for a guided model.
        faces: the faces in these sources; they tell a guided model where to draw the features. None where one is not
            known.

    Returns:
        float32 (N, res, res, 4): alpha, 0 to 1, and RGB, 0 to 255.

    Raises:
        ValueError: the settings need a guided model and this one is not, or it returned something else than it should.
    """
    if config.face_shape != 1 and proportions_of(model) is None:
        raise ValueError(
            "only a guided model (ModelConfig.guide) can give a face another shape, and this one is not. Leave "
            f"face_shape at 1. Received: {config.face_shape}"
        )
    side = model.config.resolution
    if not sources:
        return np.zeros((0, side, side, 4), np.float32)
    guided = faces is not None and any(face is not None and face.features is not None for face in faces)
    guides = {"guides": _guides(sources, faces, side)} if guided and faces is not None else {}
    drawn = model.generate(to_network(sources, side), config.direction, **guides)
    if drawn.shape != (len(sources), side, side, 4):
        raise ValueError(f"expected (N, {side}, {side}, 4) from model.generate. Received: {drawn.shape}")
    if not np.isfinite(drawn).all():
        raise ValueError("the model drew values that are not finite; its weights are damaged, train it again")
    alpha, rgb = np.clip(drawn[..., :1], 0, 1), np.clip((drawn[..., 1:] + 1) * 127.5, 0, 255)
    return np.concatenate([alpha, rgb], axis=-1).astype(np.float32)


def fit(
    source: np.ndarray,
    drawn: np.ndarray,
    config: ConvertConfig,
    face: PlacedFace | None = None,
    covering: Covering | None = None,
) -> tuple[ColorTransfer, np.ndarray]:
    """Find out, of one face, what may be averaged over a video's frames before `finish`.

    Args:
        source: uint8 RGB (S, S, 3), what lies there in the picture.
        drawn: float32 (res, res, 4), from `draw`.
        config: `color_correction`, `complexion`, `mask` and `forehead` count.
        face: the face in the source. Colours are compared within the hull of its mesh only, not where the network's
            mask reaches over the background; and its features tell where the forehead is. None, or no mesh, compares
            all that the network's mask covers.
        covering: what lies before the face; its colours are not compared. None for nothing.

    Returns:
        How the drawing gets the source's colours; and its alpha, float32 (res, res), 0 to 1.
    """
    alpha, side = drawn[..., 0], len(drawn)
    mesh, features = (face.mesh, face.features) if face else (None, None)
    if features is not None and config.mask != "hull":
        alpha = to_edge(alpha) * below_forehead(features * (side / len(source)), side, config.forehead)
    reduced = cv2.resize(source, (side, side), interpolation=cv2.INTER_AREA)
    covered = compared_region(alpha, mesh, len(source), covering)
    transfer = fit_color(config.color_correction, drawn[..., 1:], reduced, covered, config.complexion)
    return (transfer if transfer.method == "none" else replace(transfer, toning=fit_toning(source))), alpha


def compared_region(
    alpha: np.ndarray, mesh: np.ndarray | None, side: int, covering: Covering | None = None
) -> np.ndarray:
    """Where the colours of a drawing and of its source are compared: bool (res, res).

    Args:
        alpha: float32 (res, res), the drawing's mask.
        mesh: (468 or 470, 2), in pixels of the source, or None; see `fit`.
        side: of the source in pixels.
        covering: what lies before the face, or None.
    """
    covered = alpha * feather(len(alpha)) >= COVERED
    if mesh is not None:
        covered &= outline_mask(np.asarray(mesh) * (len(alpha) / side), len(alpha)) > 0
    return covered if covering is None else covered & (covering.at(len(alpha)) < HIDDEN)


def finish(
    source: np.ndarray,
    drawn: np.ndarray,
    transfer: ColorTransfer,
    alpha: np.ndarray,
    mesh: np.ndarray | None,
    config: ConvertConfig,
    covering: Covering | None = None,
) -> GeneratedFace:
    """Give one face its colours and its mask.

    Args:
        source: uint8 RGB (S, S, 3), what lies there in the picture.
        drawn: float32 (res, res, 4), from `draw`.
        transfer: from `fit`, or averaged.
        alpha: float32 (res, res), from `fit`, or averaged.
        mesh: (468 or 470, 2), in pixels of the source: `alignment.apply(sighting.mesh[:, :2])`; None where there
            is none.
        config: the mask's settings count.
        covering: what lies before the face, and stays the source's; None for nothing.

    Raises:
        ValueError: the settings need a mesh and there is none.
    """
    enlarged = cv2.resize(alpha, (len(source), len(source)), interpolation=cv2.INTER_CUBIC)
    mask = face_mask(enlarged, mesh, config)
    return GeneratedFace(source, drawn[..., 1:], transfer, mask if covering is None else mask * covering.free(source))


def compose(
    image: np.ndarray,
    faces: Sequence[Drawing],
    config: ConvertConfig,
    left_alone: int = 0,
    bent: Sequence[Region] = (),
) -> Swapped:
    """Blend faces into a picture.

    Args:
        image: uint8 RGB (H, W, 3); not changed.
        faces: each with its alignment, from `place`.
        config: `enhance` counts.
        left_alone: faces of the picture that are not among them; only counted.
        bent: parts of the picture that gave way to the faces; only noted.
    """
    canvas = image.copy() if faces else image
    patches = [paste(canvas, face.corrected, face.alpha, alignment, config.enhance) for alignment, face in faces]
    return Swapped(canvas, [patch for patch in patches if patch is not None], len(faces), left_alone, bent)


def _guides(sources: Sequence[np.ndarray], faces: Sequence[PlacedFace | None], side: int) -> np.ndarray:
    """A guide for each face, blank where its features are not known: float32 (N, res, res, 3)."""
    guides = np.zeros((len(sources), side, side, GUIDE_CHANNELS), np.float32)
    for guide, source, face in zip(guides, sources, faces, strict=True):
        if face is not None and face.features is not None:
            guide[:] = draw_guide(face.features, len(source), side)
    return guides


def _enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """Bring an image, float32 with values 0 to 255, to another size, uint8."""
    enlarged = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    return cv2.addWeighted(enlarged, 1, enlarged, 0, 0, dtype=cv2.CV_8U)  # rounds and clips in one go
