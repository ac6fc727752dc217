"""The training run: batches, phases, previews and saving, around the stock `fit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import keras
from tqdm.auto import tqdm

from fsgan_utils.locking import only_run_on
from fsgan_utils.training.augmentation import Augmentation
from fsgan_utils.training.callbacks import IterationCounter, PhaseSchedule
from fsgan_utils.training.checkpoints import CARD, load_model, read_card, restore_optimizer, save_model, saved_config
from fsgan_utils.training.config import ModelConfig, TrainConfig
from fsgan_utils.training.data import FaceSet, PairedBatches
from fsgan_utils.training.gan import FaceSwapGAN
from fsgan_utils.training.history import History
from fsgan_utils.training.legacy import LEGACY_FILES, import_legacy_model
from fsgan_utils.training.pair import check_pair, find_pair
from fsgan_utils.training.perceptual import PerceptualLoss, find_perceptual_loss
from fsgan_utils.training.phases import Phase, default_phases, phase_end
from fsgan_utils.training.reshaping import find_proportions
from fsgan_utils.training.scoring import Board, Scorer, note_scores
from fsgan_utils.workspace import resolve


def open_model(
    folder: Path,
    config: ModelConfig,
    settings: TrainConfig,
    perceptual: PerceptualLoss | None = None,
    start: str | Path | None = None,
) -> FaceSwapGAN:
    """Get the model to train: the one in the folder with its optimizers' state, or a new one if the folder has none.

    Args:
        folder: where the model lies, or will be saved by `train`. Nothing is written here.
        config: the networks' shape.
        settings: how they will be trained.
        perceptual: what the perceptual term compares by.
        start: a folder that a new model begins with: of a trained model, or of v2.2's weight files.

    Raises:
        ValueError: a file is damaged or does not fit, a folder holds a model of another shape, or `folder` v2.2's
            files.
        FileNotFoundError: a file of the saved model, or of that to start from, is missing.
    """
    if (folder / CARD).exists():
        model = _saved_model(folder, config)
        model.prepare(settings, perceptual)
        restore_optimizer(model, folder)
        return model
    _refuse_legacy_folder(folder)
    keras.utils.set_random_seed(settings.seed)
    model = FaceSwapGAN(config) if start is None else _model_to_start_from(Path(start), config)
    model.prepare(settings, perceptual)
    return model


def train(
    model: FaceSwapGAN,
    faces: Mapping[str, FaceSet],
    settings: TrainConfig,
    folder: Path,
    augmentation: Augmentation = Augmentation(),  # noqa: B008
    phases: Sequence[Phase] | None = None,
    preview: Callable[[FaceSwapGAN, History], None] | None = None,
    scorer: Scorer | None = None,
) -> History:
    """Train up to `settings.last_iteration`, counted from the model's first step ever.

    The model is saved at each preview, at the end, and when the user interrupts. TensorBoard shows what is in
    the model's folder under `logs`.

    Args:
        model: from `open_model`.
        faces: training images by side, "a" and "b".
        settings: how to train.
        folder: where the model and `history.csv` are saved.
        augmentation: how far training images are changed.
        phases: the schedule; by default the one made for the model's capacity. If a phase uses the perceptual loss
            and the model has none, it gets the default one, and the progress bar says which.
        preview: called with the model and the history at each preview.
        scorer: called with the model before each preview; its scores join the history, and the model that scores
            best is kept in the model's folder under `best`, beside the last one.

    Returns:
        The history of this model's losses.

    Raises:
        FloatingPointError: the loss is no longer finite. The last saved model is untouched.
        BusyError: another run is training into this folder.
        ValueError: the phases are not a schedule, the model is guided and the faces are not from
            `learn_proportions`, the folder holds a model that has been trained further, or one of other people, or of
            the same two exchanged (`check_pair`).
    """
    phases = default_phases(model.config) if phases is None else phases
    schedule = PhaseSchedule(phases, settings)
    _provide_perceptual(model, settings, phases)
    pair = find_pair(faces, model.config.crop)
    if model.pair is not None:
        check_pair(model.pair, pair, folder)
    model.pair = pair
    if model.config.guide:
        model.proportions = find_proportions(faces)
    with only_run_on(folder), ExitStack() as opened:
        _check_newest(model, folder)
        history = History.open(folder / "history.csv", model.iteration)
        board = opened.enter_context(closing(Board(folder / "logs")))
        progress = opened.enter_context(
            tqdm(total=settings.last_iteration, initial=model.iteration, desc="training", unit="step")
        )
        try:
            while model.iteration < settings.last_iteration:
                stop = _next_stop(model.iteration, settings, phases)
                logs = _fit(model, faces, settings, augmentation, stop, [schedule, IterationCounter(progress)])
                history.append(model.iteration, logs)
                backup = model.iteration % settings.backup_every == 0
                finished = model.iteration == settings.last_iteration
                preview_due = model.iteration % settings.preview_every == 0 or finished
                if preview_due and scorer is not None:
                    note_scores(model, scorer, history, folder)
                board.write(history.rows[-1])
                if backup or preview_due:
                    save_model(model, folder, keep=backup)
                    history.save()
                if preview_due and preview is not None:
                    preview(model, history)
        except KeyboardInterrupt:
            save_model(model, folder)
            history.save()
            tqdm.write(f"interrupted: saved at iteration {model.iteration}; run again to go on from there")
    return history


def _check_newest(model: FaceSwapGAN, folder: Path) -> None:
    """Raise if saving the model would replace one that has been trained further meanwhile, in another notebook, say."""
    saved = read_card(folder)["iteration"] if (folder / CARD).exists() else 0
    if saved > model.iteration:
        raise ValueError(
            f"the model in {folder} has been trained to iteration {saved} since this one was opened, which is at "
            f"{model.iteration}; open it anew, or train into another folder"
        )


def _next_stop(iteration: int, settings: TrainConfig, phases: Sequence[Phase]) -> int:
    """Return the next iteration at which a preview, a backup or another phase is due."""
    due = [every * (iteration // every + 1) for every in (settings.preview_every, settings.backup_every)]
    due += [phase_end(phase, settings.iterations) for phase in phases]
    return min(step for step in [*due, settings.last_iteration] if step > iteration)


def _fit(
    model: FaceSwapGAN,
    faces: Mapping[str, FaceSet],
    settings: TrainConfig,
    augmentation: Augmentation,
    stop: int,
    callbacks: list[keras.callbacks.Callback],
) -> dict[str, float]:
    """Train up to iteration `stop`; return the mean losses on the way."""
    batches = PairedBatches(
        faces,
        model.config.resolution,
        settings.batch_size,
        stop - model.iteration,
        augmentation,
        settings.seed,
        first_batch=model.iteration,
        guided=model.config.guide,
    )
    model.reseed((settings.seed, model.iteration))
    fitted = model.fit(batches, shuffle=False, verbose=0, callbacks=[*callbacks, keras.callbacks.TerminateOnNaN()])
    if model.stop_training:
        raise FloatingPointError(
            f"the loss is not finite at iteration {model.iteration}; the last saved model is untouched. "
            "Lower the learning rate, or go on from the last saved model with another seed"
        )
    return {name: values[-1] for name, values in fitted.history.items()}


def _saved_model(folder: Path, config: ModelConfig) -> FaceSwapGAN:
    saved = saved_config(read_card(folder))
    if saved != config:
        raise ValueError(
            f"{folder} holds a model of another shape ({saved}). Received: {config}. "
            "Train with the same settings, or choose another folder for the new model"
        )
    return load_model(folder)


def _model_to_start_from(start: Path, config: ModelConfig) -> FaceSwapGAN:
    folder = resolve(start)
    if not (folder / CARD).exists():
        return import_legacy_model(folder, config)
    model = _saved_model(folder, config)
    model.iteration, model.exchanged, model.pair = 0, False, None
    return model


def _refuse_legacy_folder(folder: Path) -> None:
    found = [name for name in LEGACY_FILES if (folder / name).exists()]
    if found:
        raise ValueError(
            f"{folder} holds weight files of v2.2 ({', '.join(found)}). "
            "Name it as the folder to import from, and choose another folder for the new model: v2.2's is left as it is"
        )


def _provide_perceptual(model: FaceSwapGAN, settings: TrainConfig, phases: Sequence[Phase]) -> None:
    if model.perceptual is None and any(phase.weights.perceptual for phase in phases):
        model.perceptual = find_perceptual_loss()
        tqdm.write(model.perceptual.description)
