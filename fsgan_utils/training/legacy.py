"""Weight files of v2.2: one of them into a network as it is, or a folder of them into a model of ours.

Keras 2 saved them as HDF5.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import keras
import numpy as np

from fsgan_utils.training.config import ModelConfig
from fsgan_utils.training.gan import FaceSwapGAN
from fsgan_utils.workspace import existing_file, resolve

LEGACY_FILES = ("encoder.h5", "decoder_A.h5", "decoder_B.h5", "netDA.h5", "netDB.h5")
"""What v2.2 left in its `models` folder."""
Tensors = list[tuple[str, np.ndarray]]


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


def import_legacy_model(folder: str | Path, config: ModelConfig | None = None) -> FaceSwapGAN:
    """Make a model of ours from a folder of v2.2's weight files.

    v2.2's networks see BGR; the kernels that touch colours are turned round once, so that the model draws from RGB
    exactly what v2.2 drew from BGR. The folder is only read.

    Args:
        folder: holds `encoder.h5`, `decoder_A.h5`, `decoder_B.h5`, `netDA.h5` and `netDB.h5`.
        config: the networks' shape (`ModelConfig.from_v22` takes v2.2's own names); by default read off the encoder's
            tensors.

    Returns:
        The model, at iteration 0, ready to convert or to be prepared for training.

    Raises:
        FileNotFoundError: the folder or one of the files is missing.
        ValueError: a file is damaged or does not fit; the message names it and its first tensor that does not. Or the
            config has pooled attention or another crop, which v2.2 had not; or it is needed, because the
            encoder's tensors do not tell.
    """
    folder = resolve(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; expected one with v2.2's {', '.join(LEGACY_FILES)}")
    files = [existing_file(folder / name) for name in LEGACY_FILES]
    if config is None:
        config = recognise_config(files[0])
    elif config.self_attention and config.attention != "full":
        raise ValueError(f'v2.2\'s networks have full self-attention: set attention="full". Received: {config}')
    elif config.crop != "half":
        raise ValueError(f'v2.2\'s networks know faces cut its way: set crop="half". Received: {config}')
    model = FaceSwapGAN(config)
    for file in files:
        load_legacy_weights(model.networks[file.stem], file)
    _turn_colours_round(model)
    return model


def recognise_config(path: str | Path) -> ModelConfig:
    """Read the networks' shape off the tensors of v2.2's `encoder.h5`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not an encoder of v2.2, or its tensors fit two of v2.2's norms.
    """
    file = existing_file(path)
    shapes = [array.shape for _, array in read_legacy_tensors(file)]
    convolutions = [index for index, shape in enumerate(shapes) if shape[:2] == (3, 3) and len(shape) == 4]
    dense = next((index for index, shape in enumerate(shapes) if len(shape) == 2), 0)
    halvings = sum(index < dense for index in convolutions)
    if shapes[:1] not in ([(5, 5, 3, 64)], [(5, 5, 3, 32)]) or halvings not in (4, 5, 6):
        raise ValueError(
            f"{file} is no encoder of v2.2: expected a first tensor of shape (5, 5, 3, 64) or (5, 5, 3, 32) and 4 to 6 "
            f"halvings, received {shapes[0] if shapes else 'no tensor'} and {halvings}"
        )
    return ModelConfig(
        resolution=4 * 2**halvings,
        capacity="standard" if shapes[0][-1] == 64 else "lite",
        norm=_recognise_norm(shapes, convolutions[1], file),
        self_attention=any(shape[:2] == (1, 1) and shape[-1] == shape[-2] // 8 for shape in shapes if len(shape) == 4),
        attention="full",
        crop="half",
    )


def read_legacy_tensors(path: str | Path) -> Tensors:
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


def _tensors(opened: h5py.File) -> Tensors:
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


def _fit(tensors: Tensors, network: keras.Model, file: Path) -> list[np.ndarray]:
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


def _recognise_norm(shapes: list[tuple], convolution: int, file: Path) -> str:
    """Tell the norm by what follows the first normalised convolution."""
    width = shapes[convolution][-1]
    following = [int(np.prod(shape)) for shape in shapes[convolution + 1 : convolution + 5]]
    if following[:2] == [1, 1]:
        return "layernorm"
    if following == [(width // 2) ** 2, width // 2, 1, 1]:
        return "hybrid"
    if following == [width] * 4:
        return "batchnorm"
    if following[:2] == [width] * 2:
        raise ValueError(
            f'the tensors of {file} are the same for v2.2\'s norms "layernorm" and "groupnorm": '
            'say which, as in import_legacy_model(folder, ModelConfig.from_v22(norm="groupnorm", …))'
        )
    return "none"


def _turn_colours_round(model: FaceSwapGAN) -> None:
    """Turn BGR into RGB at every kernel that sees or draws colours."""
    _turn(model.encoder.weights[0], axis=2)
    for decoder in model.decoders.values():
        for layer in decoder.layers:
            if layer.name.startswith("colour"):
                for weight in layer.weights:
                    _turn(weight, axis=-1)
    for discriminator in model.discriminators.values():
        _turn(discriminator.weights[0], axis=2)


def _turn(weight: keras.Variable, axis: int) -> None:
    """Reverse each colour triple along an axis."""
    values = keras.ops.convert_to_numpy(weight)
    channels = np.arange(values.shape[axis]).reshape(-1, 3)[:, ::-1].ravel()
    weight.assign(values.take(channels, axis))
