"""What happens while the stock `fit` runs: the schedule is followed, iterations are counted."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from tqdm.auto import tqdm

from fsgan_utils.training.config import TrainConfig
from fsgan_utils.training.exchange import exchange_decoders
from fsgan_utils.training.phases import Phase, check_phases, phase_at


class PhaseSchedule(keras.callbacks.Callback):
    """Gives a `FaceSwapGAN` the loss weights and the learning rates of the phase that it is in, at each epoch's begin.

    Nothing is rebuilt and the optimizers keep their state; the training step is traced anew only where a costly term
    comes in or goes. Train so that no phase ends within an epoch: `train` does.

    Args:
        phases: the schedule.
        settings: the learning rates that the phases' factors apply to, and the length of the schedule.

    Raises:
        ValueError: the phases are not a schedule.
    """

    def __init__(self, phases: Sequence[Phase], settings: TrainConfig) -> None:
        """See the class."""
        super().__init__()
        check_phases(phases)
        self.phases, self.settings = phases, settings

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Enter the phase of the model's iteration."""
        model = self.model
        phase = phase_at(self.phases, model.iteration, self.settings.iterations)
        begun = self.phases[: self.phases.index(phase) + 1]
        if any(earlier.exchange_decoders for earlier in begun) and not model.exchanged:
            exchange_decoders(model)
        model.set_loss_weights(phase.weights)
        rate, discriminator_rate = phase.rates
        model.generator_optimizer.learning_rate = self.settings.learning_rate * rate
        model.discriminator_optimizer.learning_rate = self.settings.discriminator_learning_rate * discriminator_rate


class IterationCounter(keras.callbacks.Callback):
    """Counts a model's iterations and moves the progress bar.

    Args:
        progress: the bar.
    """

    def __init__(self, progress: tqdm) -> None:
        """See the class."""
        super().__init__()
        self.progress = progress

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count one more."""
        self.model.iteration += 1
        self.progress.update()
        if logs and self.model.iteration % 10 == 0:
            self.progress.set_postfix(reconstruction=f"{logs['reconstruction']:.3f}", refresh=False)
