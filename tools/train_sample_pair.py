"""Train the model of the sample clips' two people, in legs: each goes on where the one before it stopped."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from fsgan_utils.conversion import ConvertConfig
from fsgan_utils.extraction import copy_to, extract_faces
from fsgan_utils.masks import make_masks
from fsgan_utils.training import (
    Augmentation,
    FaceSet,
    FaceSwapGAN,
    LivePreview,
    ModelConfig,
    TrainConfig,
    learn_proportions,
    load_model,
    open_model,
    redraw_faces,
    save_model,
    train,
)
from fsgan_utils.training.history import History
from fsgan_utils.workspace import PROJECT, SIDES, Workspace
from tools.demo import CLIPS, COMPACT, MOVES, SAMPLE_MODEL, TRAINING_CLIPS, UNLIKE

MODEL = ModelConfig(64, "compact", guide=True)
LEARNING_RATE, EVERY, SEED = 5e-4, 250, 0
PARTS = ("eyes", "mouth", "outline")
"""The masks that a training takes."""


def main() -> None:
    """Train for so many minutes, at most up to the schedule's end; then write the model that is shipped."""
    arguments = _parse_arguments()
    workspace = Workspace(arguments.workspace)
    if not workspace.models.exists():
        find_faces(workspace, TRAINING_CLIPS)
        make_masks(workspace, PARTS)
    faces = learn_proportions(load_faces(workspace), MODEL.crop)
    if arguments.redrawn:
        faces = redraw_faces(faces, load_model(arguments.start))
    moves = Augmentation(**MOVES, **UNLIKE, redrawn=arguments.redrawn, stretch=arguments.stretch)
    settings = TrainConfig(
        iterations=arguments.iterations,
        batch_size=arguments.batch_size,
        preview_every=EVERY,
        backup_every=arguments.iterations + 1,
        optimizer=COMPACT["optimizer"],
        learning_rate=LEARNING_RATE,
        beta_1=COMPACT["beta_1"],
        seed=SEED,
    )
    model = open_model(workspace.models, MODEL, settings, start=arguments.start)
    preview = _Until(LivePreview(faces, workspace.previews, ConvertConfig().roi_coverage), arguments.minutes)
    train(model, faces, settings, workspace.models, moves, preview=preview)
    save_model(model, arguments.output, to_share=True)
    print(f"{arguments.output}: {model.iteration} of {settings.last_iteration} steps, {preview.spent:.0f} minutes")


def load_faces(workspace: Workspace) -> dict[str, FaceSet]:
    """Read the training images with their masks of eyes, mouth and outline."""
    return {side.lower(): FaceSet.load(workspace.face_folder(side), workspace.mask_folders(side)) for side in SIDES}


def find_faces(workspace: Workspace, clips: Mapping[str, Sequence[str]]) -> None:
    """Fill faceA and faceB from every frame of sample clips, given by person, "A" and "B"."""
    for side, names in clips.items():
        for name in names:
            extract_faces(CLIPS / name, workspace, detect_every=1)
            copy_to(side, workspace)


class _Until:
    """A preview that stops the training after some minutes, as the stop button would: it is saved and can go on."""

    def __init__(self, preview: LivePreview, minutes: float) -> None:
        self._preview, self._minutes, self._begun = preview, minutes, time.monotonic()

    @property
    def spent(self) -> float:
        """Minutes since the training began."""
        return (time.monotonic() - self._begun) / 60

    def __call__(self, model: FaceSwapGAN, history: History) -> None:
        self._preview(model, history)
        print(f"{self.spent:.1f} min, step {model.iteration}: {history.rows[-1]['reconstruction']:.4f}", flush=True)
        if self.spent > self._minutes:
            raise KeyboardInterrupt


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    workspace = PROJECT / "runs" / "sample_pair"
    parser.add_argument("--workspace", type=Path, default=workspace, help="folder for images and legs")
    parser.add_argument("--output", type=Path, default=SAMPLE_MODEL, help="folder of the shipped model")
    parser.add_argument("--iterations", type=int, default=14_000, help="steps of the whole schedule")
    parser.add_argument("--batch-size", type=int, default=COMPACT["batch_size"], help="faces of each person in a step")
    parser.add_argument("--minutes", type=float, default=120, help="length of this leg")
    parser.add_argument("--start", type=Path, help="folder of a model that a new training begins with")
    parser.add_argument("--redrawn", type=float, default=0, help="share of inputs that the start's model draws")
    parser.add_argument("--stretch", type=float, default=0, help="how far faces and guides are stretched alike")
    arguments = parser.parse_args()
    if arguments.redrawn and not arguments.start:
        parser.error("--redrawn needs a model that draws; give --start")
    return arguments


if __name__ == "__main__":
    main()
