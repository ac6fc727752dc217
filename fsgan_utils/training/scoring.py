"""What is noted of a training beside its losses: scores of faces held out, the best model, TensorBoard's curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from math import isfinite
from pathlib import Path

from fsgan_utils.training.checkpoints import save_model
from fsgan_utils.training.gan import FaceSwapGAN
from fsgan_utils.training.history import History

BEST = "best"
"""The folder, in the model's, of the model with the highest score."""
MERIT = "score"
"""The one of a scorer's numbers that decides which model is best; larger is better."""

Scorer = Callable[[FaceSwapGAN], Mapping[str, float]]
"""Gives a model's scores by name, `MERIT` among them."""


def note_scores(model: FaceSwapGAN, scorer: Scorer, history: History, folder: Path) -> None:
    """Score a model, add the scores to the history's last row, and save the model in `BEST` if it is the best so far.

    It is compared with those that were measured alike: rows that lack one of its scores were written by an earlier
    version, whose scores mean something else.

    Args:
        model: the model.
        scorer: what scores it.
        history: of this model.
        folder: the model's folder.

    Raises:
        KeyError: the scorer gives no `MERIT`.
    """
    scores = dict(scorer(model))
    alike = [row for row in history.rows if all(isfinite(row.get(name, float("nan"))) for name in scores)]
    earlier = [row[MERIT] for row in alike]
    history.rows[-1].update(scores)
    if scores[MERIT] > max(earlier, default=float("-inf")):
        save_model(model, folder / BEST)


class Board:
    """Writes the rows of a history for TensorBoard.

    Args:
        folder: where its files are put; give it to `tensorboard --logdir`.
    """

    def __init__(self, folder: Path) -> None:
        """Open a file; TensorBoard is loaded only now, for it loads TensorFlow."""
        self._writer = import_module("tensorboard.summary").Writer(str(folder))

    def write(self, row: Mapping[str, float]) -> None:
        """Add a row of the history."""
        for name, value in row.items():
            if name != "iteration":
                group = "scores" if name.startswith(MERIT) else "losses"
                self._writer.add_scalar(f"{group}/{name}", value, int(row["iteration"]))

    def close(self) -> None:
        """Write what is still held back."""
        self._writer.close()
