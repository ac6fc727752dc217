"""Trains models side by side on the sample clips and measures how well each redraws faces it has never seen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

from fsgan_utils.conversion import ConvertConfig
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import Alignment
from fsgan_utils.images import write_bytes, write_image
from fsgan_utils.training import FaceSet, FaceSwapGAN
from fsgan_utils.training.data import to_network
from fsgan_utils.training.preview import OWN, central_part, preview_grid
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT, Workspace

RESULTS = PROJECT / "benchmarks" / "results"
UNSEEN = {"a": "a_target.mp4", "b": "b_target.mp4"}
EVERY = 4
"""Of the unseen clips every so many-th frame is used."""


@dataclass(frozen=True)
class Point:
    """One measurement of a training.

    Attributes:
        step: training steps so far.
        seconds: processor seconds of training so far.
        own: mean absolute error, of 255 levels, of each person's unseen faces redrawn by their own decoder.
        swap: the same of A's unseen faces redrawn as B, against B in the same pose.
    """

    step: int
    seconds: float
    own: float
    swap: float


def load_faces(workspace: Path) -> dict[str, FaceSet]:
    """Read the training faces that `make demo` made, with their masks."""
    folders = Workspace(workspace)
    return {side.lower(): FaceSet.load(folders.face_folder(side), folders.mask_folders(side)) for side in ("A", "B")}


def unseen_faces() -> dict[str, np.ndarray]:
    """Cut the faces out of the clips that are never trained on: uint8 RGB (N, S, S, 3) as conversion sees them."""
    detector, faces = FaceDetector(60), {}
    for side, clip in UNSEEN.items():
        frames = [frame.image for frame in read_frames(PROJECT / "data" / "clips" / clip, every=EVERY)]
        found = detector.detect(frames)
        crops = [
            Alignment.from_landmarks(face.landmarks, crop="full").warp(image)
            for image, (face, *_) in zip(frames, found, strict=True)
        ]
        faces[side] = central_part(np.stack(crops), ConvertConfig().roi_coverage)
    return faces


def follow(
    model: FaceSwapGAN,
    step: Callable[[int], object],
    faces: dict[str, np.ndarray],
    steps: int,
    every: int,
    name: str,
    pictures_at: Sequence[int] = (),
) -> tuple[list[Point], list[np.ndarray]]:
    """Train by `step(number)` and measure before the first step and after each stretch of `every`.

    Returns:
        The measurements, and one picture of three unseen faces of A redrawn after each of `pictures_at` steps.
    """
    points, pictures, seconds = [_measure(model, faces, 0, 0.0)], [], 0.0
    chosen = faces["a"][[0, len(faces["a"]) // 2, -1]]
    for number in tqdm(range(steps), desc=name):
        begun = time.process_time()
        step(number)
        seconds += time.process_time() - begun if number else 0.0  # the first step traces the graph
        if (number + 1) % every == 0:
            points.append(_measure(model, faces, number + 1, seconds))
        if number + 1 in pictures_at:
            pictures.append(preview_grid(model, chosen, "a"))
    return points, pictures


def write_results(
    name: str, curves: dict[str, list[Point]], pictures: dict[str, np.ndarray], settings: dict[str, object]
) -> None:
    """Write `results.json`, `curves.png` (both errors against steps and seconds) and `previews.png` to a folder.

    The previews stand one block below the other, in the order that `results.json` gives.
    """
    folder = RESULTS / name
    points = {line: [asdict(point) for point in measured] for line, measured in curves.items()}
    summary = {"settings": settings, "previews": list(pictures), "curves": points}
    write_bytes(folder / "results.json", (json.dumps(summary, indent=1) + "\n").encode())
    write_image(folder / "previews.png", np.vstack(list(pictures.values())))
    figure, axes = plt.subplots(2, 2, figsize=(10, 6), sharex="col", sharey="row")
    for row, error in zip(axes, ("own", "swap"), strict=True):
        for axis, against in zip(row, ("step", "seconds"), strict=True):
            for line, measured in points.items():
                axis.plot([p[against] for p in measured], [p[error] for p in measured], label=line)
            axis.set_xlabel({"step": "steps", "seconds": "processor seconds"}[against])
            axis.set_ylabel(f"{error}: error, of 255")
            axis.grid(alpha=0.3)
    axes[0, 0].legend()
    figure.tight_layout()
    figure.savefig(folder / "curves.png", dpi=70)
    plt.close(figure)


def _measure(model: FaceSwapGAN, faces: dict[str, np.ndarray], step: int, seconds: float) -> Point:
    seen = {side: to_network(faces[side], model.config.resolution) for side in faces}
    own = [_error(model.generate(seen[side], OWN[side]), seen[side]) for side in seen]
    return Point(step, seconds, float(np.mean(own)), _error(model.generate(seen["a"], "AtoB"), seen["b"]))


def _error(drawn: np.ndarray, real: np.ndarray) -> float:
    return float(127.5 * np.abs(drawn[..., 1:] - real).mean())
