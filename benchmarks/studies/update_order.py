"""One fused update on one batch against v2.2's order: discriminators, then generators on a fresh batch.

    python -m benchmarks.studies.update_order --workspace runs/demo --steps 400

From the same start, for v2.2's lite network with v2.2's losses and for the compact network with ours and an adversary.
The fused training goes on for `--longer` times as many steps, so that both can be compared at equal steps and at equal
time. The results go to `benchmarks/results/update_order`, one folder a case.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from benchmarks._v22_step import V22Step
from benchmarks.studies._training import follow, load_faces, unseen_faces, write_results
from fsgan_utils.training import Augmentation, FaceSwapGAN, LossWeights, ModelConfig, PairedBatches, TrainConfig
from fsgan_utils.training.phases import COMPACT_WEIGHTS

CASES = {
    "lite": (ModelConfig(capacity="lite"), TrainConfig(batch_size=4), LossWeights(mask_hinge=0.0)),
    "compact": (
        ModelConfig(capacity="compact"),
        TrainConfig(batch_size=4, learning_rate=1e-3, beta_1=0.9),
        replace(COMPACT_WEIGHTS, adversarial=0.1),
    ),
}
SEED = 0


def main() -> None:
    """Train each case both ways and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path("runs/demo"))
    parser.add_argument("--case", choices=CASES, action="append", help="may be given twice; all by default")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--longer", type=int, default=3)
    given = parser.parse_args()
    training, unseen = load_faces(given.workspace), unseen_faces()
    for case in given.case or CASES:
        config, settings, weights = CASES[case]
        augmentation = Augmentation(warp_half_width=(104, 122))
        batches = PairedBatches(training, 64, settings.batch_size, augmentation=augmentation, seed=SEED)
        curves, pictures = {}, {}
        for order, steps in (("alternating", given.steps), ("fused", given.longer * given.steps)):
            keras.utils.set_random_seed(SEED)
            model = FaceSwapGAN(config, weights)
            step = {"fused": _fused, "alternating": _alternating}[order](model, settings, batches)
            stops = sorted({given.steps, steps})
            curves[order], drawn = follow(
                model, step, unseen, steps, given.steps // 20, f"{case} {order}", pictures_at=stops
            )
            pictures |= {f"{order}, {stop} steps": image for stop, image in zip(stops, drawn, strict=True)}
        write_results(f"update_order/{case}", curves, pictures, {"steps": given.steps})


def _fused(model: FaceSwapGAN, settings: TrainConfig, batches: PairedBatches) -> Callable[[int], object]:
    model.prepare(settings)
    return lambda number: model.train_on_batch(batches.batch(number))


def _alternating(model: FaceSwapGAN, settings: TrainConfig, batches: PairedBatches) -> Callable[[int], object]:
    update = V22Step(model, settings)
    return lambda number: update(batches.batch(2 * number), batches.batch(2 * number + 1))


if __name__ == "__main__":
    main()
