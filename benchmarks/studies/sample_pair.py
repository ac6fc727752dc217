"""What makes the best swap of the sample pair in the same processor time: one change to the training at a time.

Run `python -m benchmarks.studies.sample_pair WORKSPACE`, where the workspace holds images and masks of
`python -m tools.train_sample_pair`. Each row is trained with the same seed for so many processor seconds, from noise or
from a model given by `--start`, converts `a_target.mp4`, and is scored against `b_target.mp4`; neither is ever trained
on.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
from tqdm import tqdm

from benchmarks.studies._training import RESULTS, load_faces
from fsgan_utils.conversion import ConvertConfig, convert_video
from fsgan_utils.evaluation import ClipJudge
from fsgan_utils.images import write_bytes
from fsgan_utils.training import (
    Augmentation,
    FaceSwapGAN,
    LossWeights,
    ModelConfig,
    PairedBatches,
    TrainConfig,
    learn_proportions,
    load_model,
)
from fsgan_utils.training.perceptual import find_perceptual_loss
from fsgan_utils.training.phases import COMPACT_WEIGHTS, V22_WEIGHTS
from fsgan_utils.training.reshaping import find_proportions
from tools.demo import CLIPS, MOVES, TARGET, TRAINING_CLIPS, TRUTH, UNLIKE
from tools.train_sample_pair import LEARNING_RATE, MODEL, SEED

LAST_RATE = 0.03
"""What the learning rate falls to, along a cosine, as a part of what it begins with."""
SCORES = ("identity_retrieval", "expression_error", "ssim_gain", "gaze_error", "feature_distance", "flicker", "jitter")


@dataclass(frozen=True)
class Row:
    """One training: what differs from the one that is shipped."""

    config: ModelConfig = MODEL
    weights: LossWeights = COMPACT_WEIGHTS
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(**MOVES, **UNLIKE))
    optimizer: str = "muon"
    learning_rate: float = LEARNING_RATE
    batch_size: int = 8


ROWS = {
    "shipped": Row(),
    "no guide": Row(replace(MODEL, guide=False)),
    "Adam": Row(optimizer="adam", learning_rate=1e-3),
    "own proportions": Row(augmentation=Augmentation(**{**MOVES, **UNLIKE, "reshape": 0.0})),
    "own colours": Row(augmentation=Augmentation(**{**MOVES, **UNLIKE, "color_jitter": 0.0})),
    "v2.2's augmentation": Row(augmentation=Augmentation(warp_half_width=(104, 122))),
    "no colours of others": Row(augmentation=Augmentation(**MOVES, **UNLIKE, color_match=0.0)),
    "no mouth, eyes as the rest": Row(weights=replace(COMPACT_WEIGHTS, mouth=0.0, eyes=0.0)),
    "no structural dissimilarity": Row(weights=replace(COMPACT_WEIGHTS, dssim=0.0)),
    "background counts as the face": Row(weights=replace(COMPACT_WEIGHTS, background=1.0)),
    "batches of 4": Row(batch_size=4),
    "half the learning rate": Row(learning_rate=LEARNING_RATE / 2),
    "v2.2's lite networks and losses": Row(
        ModelConfig(64, "lite"), replace(V22_WEIGHTS, perceptual=0.0), optimizer="adam", learning_rate=1e-4
    ),
    "weak adversary": Row(weights=replace(COMPACT_WEIGHTS, adversarial=0.03)),
    "perceptual loss": Row(weights=replace(COMPACT_WEIGHTS, perceptual=0.3)),
    "lite networks, our losses": Row(ModelConfig(64, "lite"), optimizer="adam", learning_rate=1e-4),
}


def main() -> None:
    """Train, convert and score every row, and write `results.json`."""
    arguments = _parse_arguments()
    judge = ClipJudge(CLIPS / TARGET, CLIPS / TRUTH, **_galleries())
    faces, results = learn_proportions(load_faces(arguments.workspace), MODEL.crop), {}
    for name in arguments.rows:
        row = replace(ROWS[name], learning_rate=ROWS[name].learning_rate * arguments.slower)
        model, steps = trained(row, faces, arguments.seconds, name, arguments.start)
        output = arguments.workspace / "study.mp4"
        convert_video(CLIPS / TARGET, output, model, ConvertConfig(layout="result"))
        summary = judge.score(output).summary()
        results[name] = {"steps": steps, **{score: summary[score] for score in SCORES}}
        print(name, json.dumps(results[name]), flush=True)
        settings = {"seconds": arguments.seconds, "seed": SEED, "start": str(arguments.start or "noise")}
        content = json.dumps({"settings": settings, "rows": results}, indent=1) + "\n"
        write_bytes(RESULTS / "sample_pair" / "results.json", content.encode())


def trained(row: Row, faces: dict, seconds: float, name: str, start: Path | None = None) -> tuple[FaceSwapGAN, int]:
    """Train for so many processor seconds, from noise or a model; returns the model and the steps it made."""
    keras.utils.set_random_seed(SEED)
    model = load_model(start) if start else FaceSwapGAN(row.config)
    settings = TrainConfig(
        optimizer=row.optimizer, learning_rate=row.learning_rate, beta_1=0.5 if row.config.capacity == "lite" else 0.9
    )
    model.prepare(settings, find_perceptual_loss() if row.weights.perceptual else None)
    model.set_loss_weights(row.weights)
    model.proportions = find_proportions(faces) if row.config.guide else None
    batches = PairedBatches(
        faces,
        row.config.resolution,
        row.batch_size,
        augmentation=row.augmentation,
        seed=SEED,
        guided=row.config.guide,
    )
    model.train_on_batch(batches.batch(0))  # traces the graph
    begun, steps = time.process_time(), 1
    with tqdm(total=seconds, desc=name, unit="s") as progress:
        while (spent := time.process_time() - begun) < seconds:
            falling = LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * spent / seconds)) / 2
            model.generator_optimizer.learning_rate = row.learning_rate * falling
            model.train_on_batch(batches.batch(steps))
            steps += 1
            progress.update(time.process_time() - begun - progress.n)
    return model, steps


def _galleries() -> dict[str, list[Path]]:
    return {f"gallery_{side.lower()}": [CLIPS / clip for clip in clips] for side, clips in TRAINING_CLIPS.items()}


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path, help="holds images and masks, as tools.train_sample_pair makes them")
    parser.add_argument("--seconds", type=float, default=300, help="processor time of each training")
    parser.add_argument("--start", type=Path, help="folder of a model that every row begins with; else from noise")
    parser.add_argument("--slower", type=float, default=1.0, help="what all learning rates are multiplied by")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="which rows to run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
