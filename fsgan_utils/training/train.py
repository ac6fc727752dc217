"""The training run: batches, phases, previews and saving, around the stock `fit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
from tqdm.auto import tqdm

from fsgan_utils.training.augmentation import Augmentation
from fsgan_utils.training.checkpoints import CARD, load_model, read_card, restore_optimizer, save_model
from fsgan_utils.training.config import ModelConfig, TrainConfig
from fsgan_utils.training.data import FaceSet, PairedBatches
from fsgan_utils.training.gan import FaceSwapGAN
from fsgan_utils.training.history import History
from fsgan_utils.training.phases import Phase, check_phases, default_phases, phase_at


def open_model(folder: Path, config: ModelConfig, settings: TrainConfig) -> FaceSwapGAN:
    """Get the model to train: the one in the folder with its optimizers' state, or a new one if the folder has none.

    Raises:
        ValueError: the folder holds a model of another shape, or a damaged one. Nothing is overwritten.
        FileNotFoundError: a file of the saved model is missing.
    """
    if not (folder / CARD).exists():
        keras.utils.set_random_seed(settings.seed)
        model = FaceSwapGAN(config, seed=settings.seed)
        model.prepare(settings)
        return model
    saved = ModelConfig(**read_card(folder)["config"])
    if saved != config:
        raise ValueError(
            f"{folder} holds a model of another shape ({saved}). Received: {config}. "
            "Train with the same settings, or choose another folder for the new model"
        )
    model = load_model(folder)
    model.prepare(settings)
    restore_optimizer(model, folder)
    return model


def train(
    model: FaceSwapGAN,
    faces: Mapping[str, FaceSet],
    settings: TrainConfig,
    folder: Path,
    augmentation: Augmentation = Augmentation(),  # noqa: B008
    phases: Sequence[Phase] | None = None,
    preview: Callable[[FaceSwapGAN, History], None] | None = None,
) -> History:
    """Train up to `settings.iterations`, counted from the model's first step ever.

    The model is saved at each preview, at the end, and when the user interrupts.

    Args:
        model: from `open_model`.
        faces: training images by side, "a" and "b".
        settings: how to train.
        folder: where the model and `history.csv` are saved.
        augmentation: how far training images are changed.
        phases: the schedule; by default the one made for the model's capacity.
        preview: called with the model and the history at each preview.

    Returns:
        The history of this model's losses.

    Raises:
        FloatingPointError: the loss is no longer finite. The last saved model is untouched.
        ValueError: the phases are not a schedule.
    """
    phases = default_phases(model.config) if phases is None else phases
    check_phases(phases)
    history = History.open(folder / "history.csv", model.iteration)
    progress = tqdm(total=settings.iterations, initial=model.iteration, desc="training", unit="step")
    try:
        while model.iteration < settings.iterations:
            stop = _next_stop(model.iteration, settings, phases)
            _enter_phase(model, settings, phase_at(phases, model.iteration, settings.iterations))
            logs = _fit(model, faces, settings, augmentation, stop, progress)
            history.append(model.iteration, logs)
            backup, finished = model.iteration % settings.backup_every == 0, model.iteration == settings.iterations
            preview_due = model.iteration % settings.preview_every == 0 or finished
            if backup or preview_due:
                save_model(model, folder, keep=backup)
                history.save()
            if preview_due and preview is not None:
                preview(model, history)
    except KeyboardInterrupt:
        save_model(model, folder)
        history.save()
        tqdm.write(f"interrupted: saved at iteration {model.iteration}; run again to go on from there")
    finally:
        progress.close()
    return history


def _next_stop(iteration: int, settings: TrainConfig, phases: Sequence[Phase]) -> int:
    """Return the next iteration at which a preview, a backup or another phase is due."""
    due = [every * (iteration // every + 1) for every in (settings.preview_every, settings.backup_every)]
    due += [round(phase.stop * settings.iterations) for phase in phases]
    return min(step for step in [*due, settings.iterations] if step > iteration)


def _enter_phase(model: FaceSwapGAN, settings: TrainConfig, phase: Phase) -> None:
    model.set_loss_weights(phase.weights)
    model.generator_optimizer.learning_rate = settings.learning_rate * phase.rate
    model.discriminator_optimizer.learning_rate = settings.discriminator_learning_rate * phase.rate


def _fit(
    model: FaceSwapGAN,
    faces: Mapping[str, FaceSet],
    settings: TrainConfig,
    augmentation: Augmentation,
    stop: int,
    progress: tqdm,
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
    )
    counter = _Counter(model, progress)
    fitted = model.fit(batches, shuffle=False, verbose=0, callbacks=[counter, keras.callbacks.TerminateOnNaN()])
    if model.stop_training:
        raise FloatingPointError(
            f"the loss is not finite at iteration {model.iteration}; the last saved model is untouched. "
            "Lower the learning rate, or go on from the last saved model with another seed"
        )
    return {name: values[-1] for name, values in fitted.history.items()}


class _Counter(keras.callbacks.Callback):
    """Counts the model's iterations and moves the progress bar."""

    def __init__(self, counted: FaceSwapGAN, progress: tqdm) -> None:
        super().__init__()
        self.counted, self.progress = counted, progress

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.counted.iteration += 1
        self.progress.update()
        if logs and self.counted.iteration % 10 == 0:
            self.progress.set_postfix(reconstruction=f"{logs['reconstruction']:.3f}", refresh=False)
