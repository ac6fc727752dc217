"""Writes weight files in v2.2's layout, with the values of tests/parity's formula, and reads what v2.2 computed."""

import json
from pathlib import Path

import h5py
import numpy as np

from fsgan_utils.training.config import ModelConfig

PARITY = Path(__file__).parent / "parity"


def recorded(configuration):
    """The recorded description of a configuration such as "64-lite-instancenorm-attn"."""
    return json.loads((PARITY / f"{configuration}.json").read_text())


def model_config(configuration):
    record = recorded(configuration)
    side = record["resolution"]
    return ModelConfig.from_v22((side, side, 3), record["norm"], record["self_attention"], record["capacity"])


def write_v22_file(path, layers, names_as=bytes, group=None, chunks=1):
    """Write the .h5 that Keras 2 would have for `layers`, a list of [name, [[weight name, shape], ...]]."""
    values = iter(formula(layers))
    with h5py.File(path, "w") as file:
        root = file.create_group(group) if group else file
        write_names(root, "layer_names", [name for name, _ in layers], names_as, chunks)
        for name, weights in layers:
            stored = root.create_group(name)
            write_names(stored, "weight_names", [weight for weight, _ in weights], names_as, 1)
            for weight, _ in weights:
                stored[weight] = next(values)
    return path


def write_names(group, attribute, names, names_as, chunks):
    """Store names as Keras 2 did: as bytes or str, in one attribute or, where it would be too long, in several."""
    names = np.array(names, dtype="S" if names_as is bytes else h5py.string_dtype())
    for index, part in enumerate(np.array_split(names, chunks)):
        group.attrs[attribute if chunks == 1 else f"{attribute}{index}"] = part


def formula(layers):
    """The formula's tensors, one after the other."""
    weights = [weight for _, weights in layers for weight in weights]
    for index, (name, shape) in enumerate(weights):
        value = np.random.RandomState(index).randn(*shape)
        last = name.rsplit("/", 1)[-1]
        if len(shape) >= 2:
            value = value / np.sqrt(np.prod(shape[:-1]))
        elif "variance" in last:
            value = 1 + 0.1 * np.abs(value)
        elif "gamma" in last:
            value = 1 + 0.1 * value
        else:
            value = 0.1 * value
        yield value.astype("float32")


def signal(seed, shape):
    """The formula's images: values in (-1, 1)."""
    return np.tanh(np.random.RandomState(seed).randn(*shape)).astype("float32")
