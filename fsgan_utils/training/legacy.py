"""Weight files of v2.2: the HDF5 layout in which Keras 2 saved `encoder.h5`, `decoder_A.h5` and the others."""

from __future__ import annotations

from pathlib import Path

import h5py
import keras
import numpy as np

from fsgan_utils.workspace import existing_file


def load_legacy_weights(network: keras.Model, path: str | Path) -> None:
    """Fill a network with the tensors of a v2.2 weight file.

    Tensors are matched by position, since the names in such files count from an arbitrary start. They are taken as
    they are: the filled network computes what v2.2's did, on BGR images. Nothing is assigned unless everything fits.

    Args:
        network: made by `build_encoder`, `build_decoder` or `build_discriminator` with the settings the file was
            trained with (`ModelConfig.from_v22` takes v2.2's own names).
        path: the file, as written by Keras 2's `save_weights` or `save`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not HDF5, is cut short, is not in Keras 2's layout, or a tensor does not fit or is not
            finite; the message names the first such tensor.
    """
    file = existing_file(path)
    tensors = read_legacy_tensors(file)
    network.set_weights(_fit(tensors, network, file))


def read_legacy_tensors(path: str | Path) -> list[tuple[str, np.ndarray]]:
    """Read every tensor of a Keras 2 weight file as (name, array), in the file's order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not HDF5, is cut short, or is not in Keras 2's layout.
    """
    file = existing_file(path)
    if not h5py.is_hdf5(file):
        raise ValueError(f"expected a Keras 2 weight file (HDF5), received something else, or an empty file: {file}")
    try:
        with h5py.File(file, "r") as opened:
            return _tensors(opened)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"the weight file {file} is damaged or cut short; copy it again ({error})") from error
    except KeyError as error:
        raise ValueError(
            f"expected the layout of Keras 2's save_weights (layer_names, weight_names) in {file}; "
            f"received an HDF5 file without it ({error})"
        ) from error


def _tensors(opened: h5py.File) -> list[tuple[str, np.ndarray]]:
    root = opened.get("model_weights", opened)
    tensors = []
    for layer in _names(root, "layer_names"):
        for name in _names(root[layer], "weight_names"):
            tensors.append((name, np.asarray(root[layer][name], dtype="float32")))
    return tensors


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """Read a list of names, which Keras split over `attribute0`, `attribute1`… where it was long."""
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        parts = []
        while f"{attribute}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{attribute}{len(parts)}"])
        if not parts:
            raise KeyError(f"{group.name} has no attribute {attribute}")
    return [name.decode("utf-8") if isinstance(name, bytes) else str(name) for part in parts for name in part]


def _fit(tensors: list[tuple[str, np.ndarray]], network: keras.Model, file: Path) -> list[np.ndarray]:
    """Return the arrays in the network's shapes, or raise an error about the first that does not fit."""
    weights, fitted = network.weights, []
    for index in range(max(len(weights), len(tensors))):
        name, array = tensors[index] if index < len(tensors) else ("", None)
        expected = tuple(weights[index].shape) if index < len(weights) else None
        if array is None or expected is None or not _same_shape(array.shape, expected):
            raise ValueError(_misfit(file, network, index, name, expected, array))
        if not np.isfinite(array).all():
            raise ValueError(f"tensor {index} ({name}) of {file} holds NaN or infinity; use an earlier backup")
        fitted.append(array.reshape(expected))
    return fitted


def _same_shape(received: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Compare shapes; v2.2's group norm stored (1, 1, 1, C) for (C,)."""
    return received == expected or (len(expected) == 1 and received == (1, 1, 1, *expected))


def _misfit(
    file: Path, network: keras.Model, index: int, name: str, expected: tuple | None, array: np.ndarray | None
) -> str:
    wanted = "no more tensors" if expected is None else f"shape {expected} ({network.weights[index].path})"
    received = "the end of the file" if array is None else f"shape {array.shape} ({name})"
    return (
        f"{file} does not fit the {network.name}: tensor {index}: expected {wanted}, received {received}. "
        "Was it trained with another resolution, capacity, norm or self-attention, or is it another network's file? "
        "No weight was changed."
    )
