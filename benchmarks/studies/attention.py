"""Full against pooled self-attention: the same lite network, start, batches and steps.

    python -m benchmarks.studies.attention --workspace runs/demo --steps 600

Both train on the faces that `make demo` made, with the losses that show a face soonest. The results go to
`benchmarks/results/attention`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from benchmarks.studies._training import follow, load_faces, unseen_faces, write_results
from fsgan_utils.training import Augmentation, FaceSwapGAN, ModelConfig, PairedBatches, TrainConfig
from fsgan_utils.training.phases import compact_phases

SETTINGS = TrainConfig(batch_size=4, learning_rate=3e-4, beta_1=0.9)
WARP = (104, 122)
SEED = 0


def main() -> None:
    """Train both networks and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path("runs/demo"))
    parser.add_argument("--steps", type=int, default=600)
    given = parser.parse_args()
    training, unseen = load_faces(given.workspace), unseen_faces()
    augmentation = Augmentation(warp_half_width=WARP)
    batches = PairedBatches(training, 64, SETTINGS.batch_size, augmentation=augmentation, seed=SEED)
    curves, pictures = {}, {}
    for attention in ("full", "pooled"):
        keras.utils.set_random_seed(SEED)
        model = FaceSwapGAN(ModelConfig(capacity="lite", attention=attention))
        model.prepare(SETTINGS)
        model.set_loss_weights(compact_phases()[0].weights)
        step = lambda number, model=model: model.train_on_batch(batches.batch(number))  # noqa: E731
        curves[attention], (pictures[attention],) = follow(
            model, step, unseen, given.steps, given.steps // 20, attention, pictures_at=[given.steps]
        )
    write_results("attention", curves, pictures, {"steps": given.steps})


if __name__ == "__main__":
    main()
