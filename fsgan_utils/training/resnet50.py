"""The VGGFace ResNet-50, the perceptual loss's backbone in v2.2, and the file that holds its weights.

The weights were published in `rcmalli_vggface_tf_notop_resnet50.h5`. They do not come with the project: whoever has
the file points to it, or lets it be downloaded once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras
from keras import layers

from fsgan_utils.hashing import file_hash
from fsgan_utils.images import write_bytes
from fsgan_utils.training.legacy import load_legacy_weights

SIZE = 224
MEANS = (91.4953, 103.8827, 131.0912)
"""What the network subtracts from blue, green and red, 0 to 255."""
STAGES = ((2, 3, 64), (3, 4, 128), (4, 6, 256), (5, 3, 512))
"""Number, blocks and width of each stage."""
FILE_NAME = "rcmalli_vggface_tf_notop_resnet50.h5"
ADDRESS = f"https://github.com/rcmalli/keras-vggface/releases/download/v2.0/{FILE_NAME}"


def build_vggface_resnet50(dtype: Any = None) -> keras.Model:
    """Build the network, its weights in the order of the published file.

    The sum of block m of stage n is the output of layer `conv<n>_<m>_sum`, and its ReLU of layer `conv<n>_<m>`; the
    first convolution is `conv1`.

    Args:
        dtype: the layers' dtype policy; that in force if None.

    Returns:
        (N, 224, 224, 3) BGR, 0 to 255, less `MEANS` → feature map (N, 7, 7, 2048). Not trainable.

    Reference:
        He et al., "Deep residual learning for image recognition", CVPR 2016; Cao et al., "VGGFace2", FG 2018.
    """
    image = keras.Input((SIZE, SIZE, 3), dtype="float32")
    x = layers.Conv2D(64, 7, strides=2, padding="same", use_bias=False, name="conv1", dtype=dtype)(image)
    x = layers.BatchNormalization(name="conv1_norm", dtype=dtype)(x)
    x = layers.MaxPooling2D(3, 2, dtype=dtype)(layers.ReLU(dtype=dtype)(x))
    for stage, blocks, width in STAGES:
        for block in range(1, blocks + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            x = _block(x, f"conv{stage}_{block}", width, stride, projected=block == 1, dtype=dtype)
    network = keras.Model(image, x, name="vggface_resnet50")
    network.trainable = False
    return network


def load_vggface_resnet50(path: str | Path) -> keras.Model:
    """Build the network and fill it from a file of the published layout.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or a tensor does not fit; the message names the first such tensor.
    """
    network = build_vggface_resnet50()
    load_legacy_weights(network, path)
    return network


def cached_file() -> Path:
    """Where Keras' downloads put the published file: `~/.keras/models/vggface`, or the same under $KERAS_HOME."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models" / "vggface" / FILE_NAME


def load_cached() -> keras.Model:
    """Load the file that `cached_file` names.

    Its SHA-256 is noted beside it (`<file>.sha256`) on first use and compared on every later one.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it has changed since it was first used, is damaged or does not fit.
    """
    file = cached_file()
    record = file.with_name(f"{file.name}.sha256")
    digest = file_hash(file)
    if record.exists() and record.read_text().split()[:1] != [digest]:
        raise ValueError(
            f"{file} has changed since it was first used: expected the SHA-256 in {record}, received {digest}. "
            "Delete both files and download it again"
        )
    network = load_vggface_resnet50(file)
    if not record.exists():
        write_bytes(record, f"{digest}  {file.name}\n".encode())
    return network


def download() -> None:
    """Download the published file (94 MB) to where `cached_file` says; it appears there whole or not at all.

    Raises:
        ConnectionError: it could not be downloaded.
    """
    file = cached_file()
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.get_file(
            partial.name, ADDRESS, cache_subdir=file.parent.name, cache_dir=file.parents[1], force_download=True
        )
        load_vggface_resnet50(partial)
        partial.replace(file)
    except Exception as error:  # Keras reports a failed download as a plain Exception.
        raise ConnectionError(
            f"the VGGFace ResNet-50 could not be downloaded ({error}). Put the file from {ADDRESS} at {file}, "
            'or choose the backbone "mobilenet", which comes with the project'
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _block(x: keras.KerasTensor, name: str, width: int, stride: int, projected: bool, dtype: Any) -> keras.KerasTensor:
    """A bottleneck: to `width` channels, 3×3, to 4 · `width`, beside a shortcut that may be projected."""

    def convolved(x: keras.KerasTensor, part: str, filters: int, size: int, stride: int = 1) -> keras.KerasTensor:
        options = {"padding": "same", "use_bias": False, "dtype": dtype}
        x = layers.Conv2D(filters, size, strides=stride, name=f"{name}_{part}", **options)(x)
        return layers.BatchNormalization(name=f"{name}_{part}_norm", dtype=dtype)(x)

    path = layers.ReLU(dtype=dtype)(convolved(x, "reduce", width, 1, stride))
    path = layers.ReLU(dtype=dtype)(convolved(path, "middle", width, 3))
    path = convolved(path, "increase", 4 * width, 1)
    shortcut = convolved(x, "project", 4 * width, 1, stride) if projected else x
    total = layers.Add(name=f"{name}_sum", dtype=dtype)([path, shortcut])
    return layers.ReLU(name=name, dtype=dtype)(total)
