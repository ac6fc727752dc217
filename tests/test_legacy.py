import re

import h5py
import numpy as np
import pytest
from v22_files import formula, recorded, write_v22_file

from fsgan_utils.training.config import ModelConfig
from fsgan_utils.training.legacy import load_legacy_weights
from fsgan_utils.training.networks import build_decoder, build_encoder

CONFIGURATION = "64-lite-instancenorm-attn"
DECODER = recorded(CONFIGURATION)["networks"]["decoder"]["layers"]


@pytest.fixture
def decoder():
    return build_decoder(ModelConfig.from_v22(model_capacity="lite"))


def assert_refused(network, path, message, error=ValueError):
    """Loading raises an error that names the file and says `message`, and changes nothing."""
    before = network.get_weights()
    with pytest.raises(error, match=message) as caught:
        load_legacy_weights(network, path)
    assert str(path) in str(caught.value)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "layout", [{}, {"names_as": str}, {"group": "model_weights"}, {"chunks": 3}, {"names_as": str, "chunks": 2}]
)
def test_every_layout_of_keras_2_is_read(decoder, tmp_path, layout):
    load_legacy_weights(decoder, write_v22_file(tmp_path / "decoder_A.h5", DECODER, **layout))
    for weight, expected in zip(decoder.get_weights(), formula(DECODER), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_group_norm_tensors_lose_their_leading_ones(tmp_path):
    layers = recorded("128-lite-groupnorm-attn")["networks"]["decoder"]["layers"]
    network = build_decoder(ModelConfig(128, "lite", "groupnorm"))
    load_legacy_weights(network, write_v22_file(tmp_path / "decoder_B.h5", layers))
    np.testing.assert_array_equal(network.get_weights()[2], list(formula(layers))[2].ravel())


def test_a_missing_file_is_named(decoder, tmp_path):
    assert_refused(decoder, tmp_path / "decoder_A.h5", "there is no file", FileNotFoundError)


def test_a_folder_is_refused(decoder, tmp_path):
    assert_refused(decoder, tmp_path, "found a folder", IsADirectoryError)


@pytest.mark.parametrize("content", [b"", b"<html>404: Not Found</html>"])
def test_a_file_that_is_not_hdf5_is_refused(decoder, tmp_path, content):
    path = tmp_path / "decoder_A.h5"
    path.write_bytes(content)
    assert_refused(decoder, path, "expected a Keras 2 weight file")


@pytest.mark.parametrize("kept", [0.1, 0.6, 0.99])
def test_a_truncated_file_is_refused(decoder, tmp_path, kept):
    path = write_v22_file(tmp_path / "decoder_A.h5", DECODER)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    assert_refused(decoder, path, "damaged or cut short")


def test_an_hdf5_file_of_another_kind_is_refused(decoder, tmp_path):
    path = tmp_path / "decoder_A.h5"
    with h5py.File(path, "w") as file:
        file["frames"] = np.zeros(3)
    assert_refused(decoder, path, "layer_names, weight_names")


def test_another_networks_file_is_refused(decoder, tmp_path):
    layers = recorded(CONFIGURATION)["networks"]["discriminator"]["layers"]
    path = write_v22_file(tmp_path / "decoder_A.h5", layers)
    shapes = re.escape("expected shape (3, 3, 256, 128) (up_to_16/convolution/kernel), received shape (4, 4, 6, 64)")
    assert_refused(
        decoder, path, f"does not fit the decoder: tensor 0: {shapes}.*conv2d_25/kernel:0.*another resolution"
    )


def test_a_file_of_another_resolution_is_refused_at_the_first_tensor_that_differs(tmp_path):
    encoder = build_encoder(ModelConfig(64, "lite", "groupnorm", attention="full"))
    layers = recorded("128-lite-groupnorm-attn")["networks"]["encoder"]["layers"]
    path = write_v22_file(tmp_path / "encoder.h5", layers)
    shapes = re.escape("tensor 25: expected shape (4096, 1024) (bottleneck/kernel), received shape (3, 3, 256, 256)")
    assert_refused(encoder, path, f"{shapes}.*conv2d_11/kernel:0")


def test_a_file_that_ends_early_is_refused(decoder, tmp_path):
    layers = [layer for layer in DECODER if layer[0] != "conv2d_24"]
    path = write_v22_file(tmp_path / "decoder_A.h5", layers)
    assert_refused(decoder, path, r"expected shape \(5, 5, 32, 3\) \(colour/kernel\), received the end of the file")


def test_a_file_with_more_tensors_is_refused(decoder, tmp_path):
    path = write_v22_file(tmp_path / "decoder_A.h5", [*DECODER, ["dense_9", [["dense_9/kernel:0", [2, 2]]]]])
    assert_refused(decoder, path, r"expected no more tensors, received shape \(2, 2\) \(dense_9/kernel:0\)")


def test_a_file_with_nan_is_refused(decoder, tmp_path):
    path = write_v22_file(tmp_path / "decoder_A.h5", DECODER)
    with h5py.File(path, "r+") as file:
        file["conv2d_24/conv2d_24/bias:0"][1] = np.nan
    assert_refused(decoder, path, r"tensor \d+ \(conv2d_24/bias:0\).*NaN")
