"""Trains a saved model on saved batches under one engine and prints every step's losses, one JSON object a line.

    KERAS_BACKEND=jax python tests/engine_losses.py FOLDER

FOLDER holds a model as `save_model` wrote it and `batches.npz` with arrays `step/side/name`. Nothing is left to the
engine's chance: mixup's factor, too, is drawn here.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from fsgan_utils.training import LossWeights, TrainConfig, find_perceptual_loss, load_model

MOST_TERMS = LossWeights(mask_hinge_floor=0.7, dssim=1.0, background=0.5, face_mask=0.1)
WEIGHTS = {"lite": MOST_TERMS, "compact": replace(MOST_TERMS, cycle=1.0, perceptual=1.0)}
"""Every term takes part, but in the larger networks not the two that take JAX a minute to compile."""
SETTINGS = TrainConfig(learning_rate=5e-6, discriminator_learning_rate=1e-5)
"""Slow, for a training's start is chaotic: at the usual rates rounding errors grow a hundred thousand times in it."""


def main(folder):
    model = load_model(folder)
    factor = inject_mix_factor(model)
    model.prepare(SETTINGS, find_perceptual_loss("mobilenet"))
    model.set_loss_weights(WEIGHTS[model.config.capacity])
    rng = np.random.default_rng(0)
    for batch in read_batches(folder / "batches.npz"):
        factor.assign(rng.beta(0.2, 0.2))
        model.reset_metrics()
        losses = model.train_on_batch(batch, return_dict=True)
        numbers = {name: float(keras.ops.convert_to_numpy(value)) for name, value in losses.items()}
        print(json.dumps(numbers))  # noqa: T201


def inject_mix_factor(model):
    """Let the model mix by a variable, which is returned, in place of its own random draw."""
    factor = model.add_weight(shape=(), trainable=False, name="mix_factor")
    model.draw_mix_factor = lambda: keras.ops.convert_to_tensor(factor)
    return factor


def read_batches(path):
    batches = {}
    with np.load(path) as arrays:
        for key in arrays.files:
            step, side, name = key.split("/")
            batches.setdefault(int(step), {}).setdefault(side, {})[name] = arrays[key]
    return [batches[step] for step in sorted(batches)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
