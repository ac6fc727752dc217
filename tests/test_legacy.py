import re

import h5py
import numpy as np
import pytest
from v22_files import formula, model_config, recorded, signal, write_v22_file

from fsgan_utils.training import TrainConfig, open_model
from fsgan_utils.training.config import ModelConfig
from fsgan_utils.training.legacy import LEGACY_FILES, import_legacy_model, load_legacy_weights, recognise_config
from fsgan_utils.training.networks import build_decoder, build_discriminator, build_encoder

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


def write_v22_folder(folder, configuration=CONFIGURATION):
    networks = recorded(configuration)["networks"]
    kinds = ("encoder", "decoder", "decoder", "discriminator", "discriminator")
    for name, kind in zip(LEGACY_FILES, kinds, strict=True):
        write_v22_file(folder / name, networks[kind]["layers"])
    return folder


def as_v22(builder, path, configuration):
    """One of v2.2's networks, which sees BGR."""
    network = builder(model_config(configuration))
    load_legacy_weights(network, path)
    return network


@pytest.mark.parametrize(
    ("configuration", "told"),
    [(CONFIGURATION, False), ("64-lite-batchnorm-attn", False), ("128-lite-groupnorm-attn", True)],
)
def test_an_imported_folder_draws_in_rgb_what_v22_drew_in_bgr(tmp_path, configuration, told):
    write_v22_folder(tmp_path, configuration)
    config = model_config(configuration)
    model = import_legacy_model(tmp_path, config if told else None)
    assert model.config == config and config.attention == "full"

    bgr = signal(7, (2, config.resolution, config.resolution, 3))
    code = as_v22(build_encoder, tmp_path / "encoder.h5", configuration).predict_on_batch(bgr)
    theirs = as_v22(build_decoder, tmp_path / "decoder_B.h5", configuration).predict_on_batch(code)
    theirs = theirs if isinstance(theirs, list) else [theirs]
    ours = model.decoders["b"].predict_on_batch(model.encoder.predict_on_batch(bgr[..., ::-1]))
    ours = ours if isinstance(ours, list) else [ours]
    for mine, other in zip(ours, theirs, strict=True):
        other = np.concatenate([other[..., :-3], other[..., :-4:-1]], axis=-1)
        np.testing.assert_allclose(mine, other, atol=1e-3 * other.std())

    pair = signal(8, (2, config.resolution, config.resolution, 6))
    judged = as_v22(build_discriminator, tmp_path / "netDA.h5", configuration).predict_on_batch(pair)
    turned = model.discriminators["a"].predict_on_batch(pair[..., [2, 1, 0, 5, 4, 3]])
    np.testing.assert_allclose(turned, judged, atol=1e-3 * judged.std())


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig.from_v22((128, 128, 3)),
        ModelConfig.from_v22(norm="hybrid"),
        ModelConfig.from_v22(norm="none", use_self_attn=False, model_capacity="lite"),
    ],
)
def test_the_shape_of_the_networks_is_read_off_the_encoder(tmp_path, config):
    shapes = enumerate(list(weight.shape) for weight in build_encoder(config).weights)
    layers = [[f"layer_{index}", [[f"layer_{index}/kernel:0", shape]]] for index, shape in shapes]
    assert recognise_config(write_v22_file(tmp_path / "encoder.h5", layers)) == config


def test_groupnorm_and_its_like_must_be_told_apart_by_the_user(tmp_path):
    with pytest.raises(ValueError, match=r"encoder\.h5 are the same for .*say which"):
        import_legacy_model(write_v22_folder(tmp_path, "128-lite-groupnorm-attn"))


def test_an_import_that_fails_names_the_file_and_starts_no_training(tmp_path):
    models, old = tmp_path / "models", tmp_path / "v22"
    old.mkdir()
    write_v22_folder(old)
    config = model_config(CONFIGURATION)

    def refused(error, message):
        before = {path: path.read_bytes() for path in old.iterdir()}
        with pytest.raises(error, match=message):
            open_model(models, config, TrainConfig(), start=old)
        assert not models.exists() and {path: path.read_bytes() for path in old.iterdir()} == before

    (old / "netDB.h5").rename(old / "aside.h5")
    refused(FileNotFoundError, r"netDB\.h5")
    (old / "aside.h5").rename(old / "netDB.h5")
    (old / "decoder_B.h5").write_bytes((old / "decoder_B.h5").read_bytes()[:5000])
    refused(ValueError, r"decoder_B\.h5 is damaged or cut short")
    write_v22_file(old / "decoder_B.h5", recorded("128-lite-groupnorm-attn")["networks"]["decoder"]["layers"])
    refused(ValueError, r"decoder_B\.h5 does not fit the decoder: tensor \d+: expected shape")


def test_v22s_own_folder_is_never_trained_in(tmp_path):
    before = {path: path.read_bytes() for path in write_v22_folder(tmp_path).iterdir()}
    with pytest.raises(ValueError, match=r"holds weight files of v2\.2 \(encoder\.h5"):
        open_model(tmp_path, model_config(CONFIGURATION), TrainConfig(), start=tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_pooled_attention_is_refused_for_v22s_weights(tmp_path):
    with pytest.raises(ValueError, match='attention="full"'):
        import_legacy_model(write_v22_folder(tmp_path), ModelConfig(capacity="lite"))
