"""Time of one training step, ours against v2.2's structure.

    python -m benchmarks.training_step --resolution 64 --capacity lite [--json]

Ours is a step of `FaceSwapGAN.fit` with its defaults. The other is v2.2's (see `_v22_step`): separate functions for
both discriminators and both generators. Both train the same loss terms on batches of the same size, in float32, and
are timed in turn. "compact", which v2.2 had not, is measured against v2.2's "lite".
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks._timing import alternate
from benchmarks._v22_step import V22Step
from fsgan_utils.training import FaceSwapGAN, ModelConfig, TrainConfig
from fsgan_utils.training.config import CAPACITIES, NORMS, RESOLUTIONS


def measure(config: ModelConfig, batch_size: int = 8, repeats: int = 5) -> dict[str, object]:
    """Time both steps.

    Args:
        config: the shape of our networks; v2.2's get the same, but always full self-attention.
        batch_size: faces of each person in a step.
        repeats: timed steps of each; the median counts.

    Returns:
        "ratio" (v2.2's time / ours), the seconds of both, and what was measured.
    """
    capacity = "lite" if config.capacity == "compact" else config.capacity
    settings = TrainConfig(batch_size=batch_size)
    theirs = V22Step(FaceSwapGAN(replace(config, capacity=capacity, attention="full")), settings)
    ours = FaceSwapGAN(config)
    ours.prepare(settings)
    first, second = (_batch(config.resolution, batch_size, seed) for seed in (0, 1))
    seconds = alternate(
        {"v22": lambda: theirs(first, second), "ours": lambda: ours.train_on_batch(first, return_dict=True)},
        repeats=repeats,
    )
    return {
        "ratio": seconds["v22"] / seconds["ours"],
        "v22_seconds": seconds["v22"],
        "seconds": seconds["ours"],
        "resolution": config.resolution,
        "capacity": config.capacity,
        "v22_capacity": capacity,
        "norm": config.norm,
        "attention": config.attention if config.self_attention else "none",
        "batch": batch_size,
        "precision": keras.config.dtype_policy().name,
        "backend": keras.backend.backend(),
    }


def _batch(resolution: int, size: int, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Make a batch of noise with an eye mask, as `PairedBatches` gives it."""
    rng = np.random.default_rng(seed)
    eyes = np.zeros((size, resolution, resolution, 1), np.float32)
    eyes[:, resolution // 4 : resolution // 2] = 1
    images = lambda: rng.uniform(-1, 1, (size, resolution, resolution, 3)).astype(np.float32)  # noqa: E731
    return {side: {"warped": images(), "target": images(), "eyes": eyes} for side in "ab"}


def main() -> None:
    """Measure what the command line asks for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, choices=RESOLUTIONS, default=64)
    parser.add_argument("--capacity", choices=CAPACITIES, default="lite")
    parser.add_argument("--norm", choices=NORMS, default="layernorm")
    parser.add_argument("--attention", choices=("full", "pooled", "none"), default="pooled", help="of our networks")
    parser.add_argument("--batch", type=int, default=8, help="faces of each person in a step")
    parser.add_argument("--repeats", type=int, default=5, help="timed steps of each")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    attends = given.attention != "none"
    config = ModelConfig(
        given.resolution, given.capacity, given.norm, attends, given.attention if attends else "pooled"
    )
    result = measure(config, given.batch, given.repeats)
    if given.json:
        print(json.dumps(result))
        return
    print(f"One training step, {given.resolution} pixels, {given.capacity}, batch {given.batch} + {given.batch}:")
    print(f"  v2.2's structure  {result['v22_seconds']:8.3f} s")
    print(f"  ours              {result['seconds']:8.3f} s   {result['ratio']:.2f} times as fast")


if __name__ == "__main__":
    main()
