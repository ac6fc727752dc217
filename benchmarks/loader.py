"""Speed of making training samples, ours against a loader of v2.2's structure; and how best to feed `fit`.

    python -m benchmarks.loader [--json]

Ours reads images once and resamples each output once, near its final size. The other reads two images a sample from
disk, corrects colours, transforms and warps the whole 256-pixel image in turn, as v2.2 did. Both are timed in turn, in
processor seconds, so the figures are per core. Then the compact networks are trained for some steps, fed by two of
Keras' own worker threads, by one, which Keras leaves to `tf.data`, and by `prefetch_generator`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
from prefetch_generator import BackgroundGenerator

from benchmarks._timing import alternate
from fsgan_utils.faces import estimate_similarity
from fsgan_utils.images import list_images, square_image, write_image
from fsgan_utils.training import FaceSet, FaceSwapGAN, ModelConfig, PairedBatches, TrainConfig, default_phases
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT

CLIPS = {"a": "a_train_studio.mp4", "b": "b_train_warm.mp4"}
SAMPLES = 200
STEPS = 40


def measure(repeats: int = 5) -> dict[str, object]:
    """Time both loaders and both ways to feed `fit`.

    Args:
        repeats: timed calls of each; the median counts.

    Returns:
        "samples_per_second_per_core", "ratio" (ours / v2.2-style), and the seconds of `STEPS` steps of training fed by
        Keras' workers, by one of them and by prefetch_generator, with the ratios of the latter to the first (above 1:
        the workers are faster).
    """
    with tempfile.TemporaryDirectory() as folder:
        faces = {side: _frames_as_faces(Path(folder) / side, clip) for side, clip in CLIPS.items()}
        batches = PairedBatches(faces, 64, batch_size=SAMPLES // 2)
        paths = [path for side in CLIPS for path in list_images(Path(folder) / side)]
        seconds = alternate(
            {
                "ours": lambda: batches.batch(0),
                "v22": lambda: [_v22_sample(paths, np.random.default_rng(i)) for i in range(SAMPLES)],
            },
            warm_up=1,
            repeats=repeats,
            clock=time.process_time,
        )
        feeding = _feeding_seconds(faces, repeats)
    return {
        "samples_per_second_per_core": SAMPLES / seconds["ours"],
        "v22_samples_per_second_per_core": SAMPLES / seconds["v22"],
        "ratio": seconds["v22"] / seconds["ours"],
        "keras_workers_seconds": feeding["keras_workers"],
        "one_worker_seconds": feeding["one_worker"],
        "prefetch_generator_seconds": feeding["prefetch_generator"],
        "one_worker_ratio": feeding["one_worker"] / feeding["keras_workers"],
        "prefetch_generator_ratio": feeding["prefetch_generator"] / feeding["keras_workers"],
        "steps": STEPS,
    }


def _frames_as_faces(folder: Path, clip: str) -> FaceSet:
    folder.mkdir()
    for frame in read_frames(PROJECT / "data" / "clips" / clip, every=4):
        write_image(folder / f"{frame.index}.png", square_image(frame.image))
    return FaceSet.load(folder)


def _feeding_seconds(faces: dict[str, FaceSet], repeats: int) -> dict[str, float]:
    config = ModelConfig(capacity="compact")
    model = FaceSwapGAN(config, default_phases(config)[0].weights)
    model.prepare(TrainConfig())
    batches, by_one = (PairedBatches(faces, 64, batch_size=4, steps=STEPS, workers=workers) for workers in (2, 1))

    def prefetched() -> Iterator[tuple]:
        yield from BackgroundGenerator((batches[index] for index in range(STEPS)), max_prefetch=8)

    return alternate(
        {
            "keras_workers": lambda: model.fit(batches, verbose=0, shuffle=False),
            "one_worker": lambda: model.fit(by_one, verbose=0, shuffle=False),
            "prefetch_generator": lambda: model.fit(prefetched(), steps_per_epoch=STEPS, verbose=0),
        },
        warm_up=1,
        repeats=repeats,
    )


def _v22_sample(paths: list[Path], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Make one sample the way v2.2's loader is built: every step on the whole image, one after another."""
    image = cv2.imread(str(paths[rng.integers(len(paths))])).astype(np.float32)
    if rng.random() < 0.5:
        other = cv2.imread(str(paths[rng.integers(len(paths))])).astype(np.float32)[60:-60, 60:-60]
        centre = image[60:-60, 60:-60]
        image = (image - centre.mean((0, 1))) / centre.std((0, 1)) * other.std((0, 1)) + other.mean((0, 1))
        image = np.clip(image, 0, 255)
    turn = cv2.getRotationMatrix2D((128, 128), rng.uniform(-10, 10), rng.uniform(0.9, 1.1))
    turn[:, 2] += rng.uniform(-0.05, 0.05, 2) * 256
    image = cv2.warpAffine(image, turn, (256, 256), borderMode=cv2.BORDER_REPLICATE)
    image = image[:, ::-1] if rng.random() < 0.5 else image
    line = np.linspace(128 - 88, 128 + 88, 5)
    grid = np.stack(np.meshgrid(line, line), axis=-1) + rng.normal(scale=5.6, size=(5, 5, 2))
    x, y = (cv2.resize(axis, (80, 80))[8:72, 8:72].astype(np.float32) for axis in np.moveaxis(grid, -1, 0))
    warped = cv2.remap(np.ascontiguousarray(image), x, y, cv2.INTER_LINEAR)
    regular = np.stack(np.meshgrid(np.arange(5) * 16, np.arange(5) * 16), axis=-1)
    to_target = estimate_similarity(grid.reshape(-1, 2), regular.reshape(-1, 2))
    target = cv2.warpAffine(np.ascontiguousarray(image), to_target, (64, 64))
    return warped / 127.5 - 1, target / 127.5 - 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="timed calls of each; the median counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.repeats)
    print(json.dumps(result) if arguments.json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
