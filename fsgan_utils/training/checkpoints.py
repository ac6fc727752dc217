"""Models on disk: written beside the old one and put in place in one stroke, checked when read."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from fsgan_utils.halving import halve_weights
from fsgan_utils.hashing import file_hash
from fsgan_utils.heads import Proportions
from fsgan_utils.images import write_bytes
from fsgan_utils.landmarks import REFINED_POINTS
from fsgan_utils.training.config import ModelConfig
from fsgan_utils.training.gan import SIDES, FaceSwapGAN

CARD = "model.json"
PROPORTIONS = "proportions.npz"
PAIR = "people.npz"
FORMAT = 1


def save_model(model: FaceSwapGAN, folder: Path, keep: bool = False, to_share: bool = False) -> Path:
    """Save a model; at every moment the folder holds a whole one.

    The weights go to a new folder `iteration-…` and then `model.json` is replaced to name it; the weights it named
    before are then removed, unless they were to be kept.

    Args:
        model: what to save, with its optimizers if it was prepared for training.
        folder: the model's folder, made if needed.
        keep: whether these weights stay when later ones are saved (a backup).
        to_share: whether to save half-precision weights and no optimizers, a sixth of the size: all that converting
            needs, and what another training can start from.

    Returns:
        The folder of the weights.

    Raises:
        FloatingPointError: a weight is not finite; nothing is saved, the model saved before stays.
    """
    for name, network in model.networks.items():
        if not all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in network.weights):
            raise FloatingPointError(
                f"the {name} has weights that are not finite at iteration {model.iteration}, so it is not saved; "
                f"the model in {folder} is the last good one. Lower the learning rate and run again"
            )
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"iteration-{model.iteration:08d}"
    partial = folder / f".{weights.name}.part"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for name, network in model.networks.items():
        network.save_weights(partial / f"{name}.weights.h5")
        if to_share:
            halve_weights(partial / f"{name}.weights.h5")
    if model.proportions is not None:
        a, b = (model.proportions.shapes[side].astype(np.float32) for side in SIDES)
        np.savez(partial / PROPORTIONS, a=a, b=b)
    if model.pair is not None:
        np.savez(partial / PAIR, a=model.pair["a"], b=model.pair["b"])
    if model.compiled and not to_share:
        values = [keras.ops.convert_to_numpy(variable) for variable in model.optimizer.variables]
        np.savez(partial / "optimizer.npz", *values)
    card = {
        "format": FORMAT,
        "config": asdict(model.config),
        "iteration": model.iteration,
        "exchanged": model.exchanged,
        "weights": weights.name,
        "keep": keep,
        "sha256": {path.name: file_hash(path) for path in sorted(partial.iterdir())},
    }
    write_bytes(partial / CARD, json.dumps({**card, "weights": "."}, indent=2).encode())
    previous = read_card(folder) if (folder / CARD).exists() else None
    shutil.rmtree(weights, ignore_errors=True)
    partial.replace(weights)
    write_bytes(folder / CARD, json.dumps(card, indent=2).encode())
    if previous and not previous["keep"] and previous["weights"] != weights.name:
        shutil.rmtree(folder / previous["weights"], ignore_errors=True)
    return weights


def load_model(folder: str | Path) -> FaceSwapGAN:
    """Load a trained model.

    Args:
        folder: what `save_model` wrote; or one `iteration-…` folder in it, a backup say.

    Returns:
        The model, ready to convert; `restore_optimizer` makes it ready to go on training.

    Raises:
        FileNotFoundError: the folder or one of its files is missing.
        ValueError: a file is damaged or does not fit the networks.
    """
    folder = Path(folder)
    card = read_card(folder)
    model = FaceSwapGAN(saved_config(card))
    for name, network in model.networks.items():
        path = _checked_file(folder, card, f"{name}.weights.h5")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # Keras only warns of layers that it finds no weights for
                network.load_weights(path)
        except (ValueError, OSError, KeyError, UserWarning) as error:
            raise ValueError(f"the weights in {path} do not fit the {name} of {card['config']}: {error}") from error
    if PROPORTIONS in card["sha256"]:
        with np.load(_checked_file(folder, card, PROPORTIONS)) as stored:
            shapes = {side: stored[side].astype(np.float64) for side in SIDES}
        if any(len(shape) != REFINED_POINTS for shape in shapes.values()):
            raise ValueError(
                f"{folder} holds a guided model of an older version, whose guides knew no irises: expected heads of "
                f"{REFINED_POINTS} points, received {[len(shape) for shape in shapes.values()]}; train it anew"
            )
        model.proportions = Proportions(shapes)
    if PAIR in card["sha256"]:
        with np.load(_checked_file(folder, card, PAIR)) as stored:
            model.pair = {side: stored[side] for side in SIDES}
    model.iteration, model.exchanged = card["iteration"], card.get("exchanged", False)
    return model


def add_pair(folder: Path, pair: Mapping[str, np.ndarray]) -> None:
    """Add to a saved model what its people look like; the rest of it stays as it is.

    Args:
        folder: what `save_model` wrote.
        pair: by side, from `training.pair.find_pair`.

    Raises:
        FileNotFoundError: there is no model.
        ValueError: its description is damaged.
    """
    weights = folder / read_card(folder)["weights"]
    np.savez(weights / PAIR, a=pair["a"], b=pair["b"])
    for place in (weights, folder):
        card = read_card(place)
        card["sha256"][PAIR] = file_hash(weights / PAIR)
        write_bytes(place / CARD, json.dumps(card, indent=2).encode())


def restore_optimizer(model: FaceSwapGAN, folder: str | Path) -> None:
    """Give a prepared model the optimizer state it was saved with.

    Raises:
        FileNotFoundError: the state is missing.
        ValueError: it is damaged or does not fit.
    """
    path = _checked_file(Path(folder), read_card(Path(folder)), "optimizer.npz")
    variables = model.optimizer.variables
    with np.load(path) as stored:
        values = [stored[f"arr_{index}"] for index in range(len(stored.files))]
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise ValueError(f"the optimizer state in {path} does not fit this model; start without it in a new folder")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def read_card(folder: Path) -> dict:
    """Read the description of a saved model.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is not one that this version understands.
    """
    path = folder / CARD
    if not path.exists():
        raise FileNotFoundError(f"there is no trained model in {folder} ({CARD} is missing); train one with notebook 3")
    try:
        card = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged, it is not valid JSON: {error}") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ValueError(f"{path} does not describe a model that this version can read (format {FORMAT})")
    return card


def saved_config(card: dict) -> ModelConfig:
    """Read the networks' shape off a model's description; one that names no crop is "half", as all once were."""
    return ModelConfig(**{"crop": "half", **card["config"]})


def _checked_file(folder: Path, card: dict, name: str) -> Path:
    path = folder / card["weights"] / name
    if not path.exists():
        raise FileNotFoundError(f"the model in {folder} is incomplete: {path} is missing")
    if file_hash(path) != card["sha256"].get(name):
        raise ValueError(
            f"{path} is damaged: it is not what was saved; load a backup (another iteration-… folder) instead"
        )
    return path
