"""Second pass of a conversion: draw the faces, average colours and masks over time, lay the faces into the frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import NamedTuple

import cv2
import numpy as np
from prefetch_generator import BackgroundGenerator

from fsgan_utils.conversion.bending import Scene, make_room
from fsgan_utils.conversion.color import ColorTransfer
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.covering import Covering, find_coverings
from fsgan_utils.conversion.generator import Generator
from fsgan_utils.conversion.placing import PlacedFace
from fsgan_utils.conversion.steps import (
    COVERED,
    Drawing,
    GeneratedFace,
    Swapped,
    compared_region,
    compose,
    draw,
    finish,
    fit,
)
from fsgan_utils.video import Frame

WINDOW = 2.0
"""Colours and masks are averaged over so many standard deviations before and after a frame."""
ALIKE = 0.03
"""How far the points of a face may lie apart in two frames, as a part of the crop's side, for the mask and the colours
of the one to hold for the other: the standard deviation of a Gaussian."""


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """One face as the network drew it, before anything is averaged.

    Attributes:
        placed: where it lies.
        source: uint8 RGB (S, S, 3), what lies there in the picture.
        drawn: float32 (res, res, 4), alpha, 0 to 1, and RGB, 0 to 255.
        transfer: how the drawing gets the source's colours.
        alpha: float32 (res, res), 0 to 1.
        covering: what lies before the face; None if that is not looked for.
        region: bool (res, res), where the colours of drawing and source are compared.
        tint: float64 (3,), mean red, green and blue of the source there, 0 to 255.
        contrast: float64 (3,), how much higher they are in the drawing with its colours changed.
    """

    placed: PlacedFace
    source: np.ndarray
    drawn: np.ndarray
    transfer: ColorTransfer
    alpha: np.ndarray
    covering: Covering | None
    region: np.ndarray
    tint: np.ndarray
    contrast: np.ndarray

    @classmethod
    def of(
        cls,
        placed: PlacedFace,
        source: np.ndarray,
        drawn: np.ndarray,
        covering: Covering | None,
        config: ConvertConfig,
    ) -> DrawnFace:
        """Fit the colours of one face, as if there were no other frame."""
        transfer, alpha = fit(source, drawn, config, placed, covering)
        region = compared_region(alpha, placed.mesh, len(source), covering)
        small = cv2.resize(source, alpha.shape[::-1], interpolation=cv2.INTER_AREA)
        tint = _mean_color(small, region)
        contrast = _mean_color(transfer.apply(drawn[..., 1:]), region) - tint
        return cls(placed, source, drawn, transfer, alpha, covering, region, tint, contrast)

    def averaged_with(self, others: Sequence[DrawnFace], weights: np.ndarray) -> DrawnFace:
        """Give the face the mean colours and mask of several of its track.

        The mean of what the colour transfers do lets through how the network's own brightness wavers. So the mean
        colour is set last: as far from the source's as it is on average.

        Args:
            others: faces of the track, this one among them.
            weights: float64, one for each, of sum 1.
        """
        parameters = _weighted_sum(weights, [one.transfer.parameters for one in others])
        alpha = _weighted_sum(weights.astype(np.float32), [one.alpha for one in others])
        toning = _weighted_sum(weights, [one.transfer.toning for one in others])
        transfer = replace(self.transfer, parameters=parameters, toning=toning)
        expected = self.tint + _weighted_sum(weights, [one.contrast for one in others])
        shift = expected - _mean_color(transfer.apply(self.drawn[..., 1:]), self.region)
        coverings = [one.covering for one in others if one.covering is not None]
        covering = self.covering and self.covering.steadied(coverings, weights)
        return replace(self, transfer=replace(transfer, shift=shift), alpha=alpha, covering=covering)


@dataclass(frozen=True, eq=False)
class SwappedFrame:
    """One frame after the swap.

    Attributes:
        frame: the source's frame.
        swapped: the picture.
        tints: of each swapped face its track, the mean colour of its region in the result, and in the source: 7
            numbers.
    """

    frame: Frame
    swapped: Swapped
    tints: list[list[float]]


class _Batch(NamedTuple):
    """Frames, the faces to swap in each of them, and what the network sees of each of these."""

    frames: list[Frame]
    faces: list[list[PlacedFace]]
    seen: list[list[np.ndarray]]


class _Drawn(NamedTuple):
    """A frame, the faces to swap in it, and of each what the network drew and what lies before it."""

    frame: Frame
    faces: list[PlacedFace]
    seen: list[np.ndarray]
    drawings: list[np.ndarray]
    coverings: list[Covering | None]


class _Fitted(NamedTuple):
    """A frame, made ready for the new faces, and these as they were drawn."""

    frame: Frame
    scene: Scene
    faces: list[DrawnFace]


def window_radius(config: ConvertConfig) -> int:
    """How many frames before and after a frame have a say in its colours and mask."""
    return int(np.ceil(WINDOW * config.steady_colors))


def swapped_frames(
    frames: Iterable[Frame],
    faces: Mapping[int, list[PlacedFace]],
    model: Generator,
    config: ConvertConfig,
    workers: ThreadPoolExecutor,
) -> Iterator[Future[SwappedFrame]]:
    """Swap frame after frame; the network sees `config.batch` frames at once.

    Args:
        frames: the source's frames, in a row.
        faces: by the frame's index, the faces that are swapped in it.
        model: the trained model.
        config: the settings.
        workers: fit the colours, and lay the faces into the frames; meanwhile the network draws the next.

    Yields:
        The frames in their order, as promises; those at the beginning lack what came before them.
    """
    radius = window_radius(config)
    window: deque[_Fitted] = deque()
    due = 0
    batches = BackgroundGenerator(_cut_out(frames, faces, config), 1)
    drawn = BackgroundGenerator(_drawn(batches, model, config), config.batch)
    for frame, scene, promised in BackgroundGenerator(_made_ready(drawn, config, workers), config.batch):
        window.append(_Fitted(frame, scene, [face.result() for face in promised]))
        if len(window) > due + radius:
            yield workers.submit(_swapped, *_averaged(window, due, config), config)
            due += 1
        if due > radius:
            window.popleft()
            due -= 1
    while due < len(window):
        yield workers.submit(_swapped, *_averaged(window, due, config), config)
        due += 1


def _cut_out(frames: Iterable[Frame], faces: Mapping[int, list[PlacedFace]], config: ConvertConfig) -> Iterator[_Batch]:
    remaining = iter(frames)
    while some := list(islice(remaining, config.batch)):
        groups = [faces.get(frame.index, []) for frame in some]
        seen = [[face.alignment.warp(frame.image) for face in group] for frame, group in zip(some, groups, strict=True)]
        yield _Batch(some, groups, seen)


def _drawn(batches: Iterable[_Batch], model: Generator, config: ConvertConfig) -> Iterator[_Drawn]:
    """Let the network draw batch after batch."""
    for batch in batches:
        faces, seen = list(chain.from_iterable(batch.faces)), list(chain.from_iterable(batch.seen))
        coverings = iter(find_coverings(seen, faces, model, config))
        drawings = iter(draw(seen, model, config, faces))
        for frame, group, crops in zip(batch.frames, batch.faces, batch.seen, strict=True):
            count = len(group)
            yield _Drawn(frame, group, crops, [*islice(drawings, count)], [*islice(coverings, count)])


def _made_ready(
    drawn: Iterable[_Drawn], config: ConvertConfig, workers: ThreadPoolExecutor
) -> Iterator[tuple[Frame, Scene, list[Future[DrawnFace]]]]:
    """Bend frame after frame for its new faces, without waiting for the colours of the last to be fitted."""
    for frame, faces, seen, drawings, coverings in drawn:
        scene = make_room(frame.image, faces, config, coverings)
        sources = [face.alignment.warp(scene.image) for face in faces] if scene.bent else seen
        promised = [
            workers.submit(DrawnFace.of, *one, config)
            for one in zip(scene.faces, sources, drawings, coverings, strict=True)
        ]
        yield frame, scene, promised


def _averaged(window: deque[_Fitted], due: int, config: ConvertConfig) -> _Fitted:
    """A frame of the window whose faces have the mean colours and masks of their tracks, see `_weight`."""
    fitted = window[due]
    if not config.steady_colors:
        return fitted
    index = fitted.frame.index
    near = [((other.frame.index - index) / config.steady_colors, one) for other in window for one in other.faces]
    result = []
    for face in fitted.faces:
        own = [(distance, one) for distance, one in near if one.placed.track == face.placed.track]
        weights = np.array([_weight(distance, one.placed, face.placed) for distance, one in own])
        result.append(face.averaged_with([one for _, one in own], weights / weights.sum()))
    return fitted._replace(faces=result)


def _weight(distance: float, other: PlacedFace, face: PlacedFace) -> float:
    """How much a face has to say of another of its track, at a distance in standard deviations of time.

    Both in time and in how the points lie it is a Gaussian: a mouth that opens or a head that turns does not get the
    mask of another pose.

    Reference:
        Tomasi and Manduchi, "Bilateral filtering for gray and color images", ICCV 1998.
    """
    weight = float(np.exp(-0.5 * distance**2))
    if other.mesh is None or face.mesh is None or other is face:
        return weight
    apart = np.sqrt(((other.mesh[:, :2] - face.mesh[:, :2]) ** 2).sum(axis=1).mean()) / face.alignment.size
    return weight * float(np.exp(-0.5 * (apart / ALIKE) ** 2))


def _swapped(frame: Frame, scene: Scene, faces: list[DrawnFace], config: ConvertConfig) -> SwappedFrame:
    finished: list[Drawing] = []
    tints = []
    for face in faces:
        generated = finish(face.source, face.drawn, face.transfer, face.alpha, face.placed.mesh, config, face.covering)
        opacity = face.placed.opacity
        finished.append((face.placed.alignment, replace(generated, alpha=np.float32(opacity) * generated.alpha)))
        tint = _tint(generated)
        if tint is not None and opacity == 1:
            tints.append([float(face.placed.track), *tint.tolist()])
    return SwappedFrame(frame, compose(scene.image, finished, config, bent=scene.bent), tints)


def _tint(face: GeneratedFace) -> np.ndarray | None:
    """Mean red, green and blue where a face is replaced, in the result and in the source, float64 (6,), 0 to 255.

    They are measured at the size of the drawing; None where nothing is replaced.
    """
    size = face.drawn.shape[1::-1]
    alpha, source = (cv2.resize(full, size, interpolation=cv2.INTER_AREA) for full in (face.alpha, face.source))
    covered = alpha > COVERED
    if not covered.any():
        return None
    result = source + alpha[..., None] * (face.recolored - source)
    return np.concatenate([_mean_color(result, covered), _mean_color(source, covered)])


def _weighted_sum(weights: np.ndarray, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Σ w · a. A matrix product would set the algebra library's threads to work, which then wait for more and waste the
    time of the other threads."""
    return np.einsum("n,n...->...", weights, np.array(arrays))


def _mean_color(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Mean red, green and blue of an image in a region, float64 (3,)."""
    return np.array(cv2.mean(image, region.astype(np.uint8))[:3])
