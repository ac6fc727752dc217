import contextlib

import keras
import numpy as np
import pytest
from v22_files import PARITY, model_config, recorded, signal, write_v22_file

from fsgan_utils.training.blocks import NearestUpBlock, PixelShuffleUpBlock
from fsgan_utils.training.config import NORMS, ModelConfig
from fsgan_utils.training.layers import MapNormalization, SelfAttention, normalization
from fsgan_utils.training.legacy import load_legacy_weights
from fsgan_utils.training.networks import build_decoder, build_discriminator, build_encoder

BUILDERS = {"encoder": build_encoder, "decoder": build_decoder, "discriminator": build_discriminator}
CONFIGURATIONS = sorted(path.stem for path in PARITY.glob("*attn.json"))


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_network_computes_what_v22_computed(configuration, kind, tmp_path):
    record = recorded(configuration)["networks"][kind]
    network = BUILDERS[kind](model_config(configuration))
    load_legacy_weights(network, write_v22_file(tmp_path / f"{kind}.h5", record["layers"]))
    outputs = network.predict(signal(7, record["input_shape"]), verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    expected = np.load(PARITY / f"{configuration}.npz")

    assert network.count_params() == record["params"]
    assert [list(output.shape) for output in outputs] == record["outputs"]
    for index, output in enumerate(outputs):
        reference = expected[f"{kind}_{index}"]
        assert np.abs(output - reference).max() < 1e-4 * reference.std()


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def shapes(network):
    outputs = network.output if isinstance(network.output, list) else [network.output]
    return [output.shape[1:] for output in outputs]


EVERY_SHAPE = [
    *(ModelConfig(256, "lite", norm, self_attention=norm == "hybrid") for norm in NORMS),
    *(ModelConfig(resolution, "compact") for resolution in (64, 128, 256)),
]


@pytest.mark.parametrize(
    "config", EVERY_SHAPE, ids=lambda config: f"{config.resolution}-{config.capacity}-{config.norm}"
)
def test_every_configuration_has_the_shapes_that_are_promised(config):
    side = config.resolution
    decoder, discriminator = build_decoder(config), build_discriminator(config)
    assert shapes(build_encoder(config)) == [decoder.input_shape[1:]]
    assert shapes(decoder) == [*((n, n, 3) for n in (64, 128) if n < side), (side, side, 4)]
    assert discriminator.input_shape[1:] == (side, side, 6)
    assert shapes(discriminator) == [(8, 8, 1)]


@pytest.mark.parametrize("norm", ["instancenorm", "groupnorm", "hybrid"])
def test_standard_capacity_takes_the_norms_that_depend_on_its_width(norm):
    assert shapes(build_decoder(ModelConfig(64, "standard", norm, self_attention=False))) == [(64, 64, 4)]


def test_auxiliary_heads_come_last_in_the_file_and_in_growing_order():
    decoder = build_decoder(ModelConfig(256, "lite", "none", self_attention=False))
    heads = [weight.path.split("/")[-2] for weight in decoder.weights[-8:]]
    assert heads == ["alpha"] * 2 + ["colour"] * 2 + ["colour_64"] * 2 + ["colour_128"] * 2


def test_compact_has_neither_norm_nor_attention_whatever_the_settings():
    plain, asked = ModelConfig(64, "compact", "none", False), ModelConfig(64, "compact", "layernorm", True)
    for build in BUILDERS.values():
        assert build(plain).count_params() == build(asked).count_params()


def test_layer_norm_is_over_the_whole_map():
    maps = 3 + 2 * signal(0, (2, 6, 5, 4))
    expected = [(one - one.mean()) / (one.std() + 1e-3) for one in maps]
    np.testing.assert_allclose(array(MapNormalization()(maps)), expected, atol=1e-5)
    np.testing.assert_allclose(array(MapNormalization()(np.full((1, 4, 4, 2), 7.0))), np.zeros((1, 4, 4, 2)), atol=1e-6)


def test_instance_norm_lets_four_channels_share_a_group_before_a_pixel_shuffle():
    maps = signal(0, (1, 6, 5, 8))
    expected = np.concatenate([(group - group.mean()) / group.std() for group in np.split(maps, 2, axis=-1)], axis=-1)
    np.testing.assert_allclose(array(normalization("instancenorm", 2)(maps)), expected, atol=1e-4)


def test_hybrid_norm_convolves_the_first_half_of_the_width_and_normalises_the_rest():
    maps, norm = signal(0, (2, 6, 5, 16)), normalization("hybrid", 4)
    result = array(norm(maps))
    kernel, bias, *_ = norm.get_weights()
    np.testing.assert_allclose(result[..., :2], maps[..., :2] @ kernel[0, 0] + bias, atol=1e-5)
    np.testing.assert_allclose(result[..., 2:], array(MapNormalization()(maps[..., 2:])), atol=1e-5)


def test_unknown_norm_is_refused():
    with pytest.raises(ValueError, match=r"norm must be one of layernorm.*Received: 'weightnorm'"):
        normalization("weightnorm", 8)


def test_attention_starts_as_the_identity():
    maps = signal(0, (1, 16, 16, 8))
    np.testing.assert_array_equal(array(SelfAttention(8)(maps)), maps)


@pytest.mark.parametrize(("side", "differs"), [(16, False), (32, True)])
def test_pooled_attention_pools_only_maps_of_32_pixels_or_more(side, differs):
    maps = signal(0, (1, side, side, 8))
    full, pooled = SelfAttention(8), SelfAttention(8, pooled=True)
    for attention in (full, pooled):
        attention(maps)
        attention.set_weights([signal(1 + index, weight.shape) for index, weight in enumerate(attention.weights)])
    difference = np.abs(array(full(maps)) - array(pooled(maps))).max()
    assert (difference > 1e-2) == differs
    np.testing.assert_allclose(array(pooled(maps)), attend_by_hand(pooled, maps, 2 if differs else 1), atol=1e-4)


@pytest.mark.parametrize("pooled", [False, True])
def test_attention_is_the_same_whether_all_is_looked_at_at_once_or_in_parts(pooled):
    maps, attention = signal(0, (3, 32, 32, 16)), SelfAttention(16, pooled)
    attention(maps)
    attention.set_weights([signal(1 + index, weight.shape) for index, weight in enumerate(attention.weights)])
    np.testing.assert_allclose(array(attention(maps)), array(attention(maps, training=True)), atol=1e-4)


def test_a_doubled_map_is_convolved_as_if_it_had_been_doubled_first():
    block, maps = NearestUpBlock(5), signal(0, (2, 4, 6, 3))
    block(maps)
    block.set_weights([signal(1 + index, weight.shape) for index, weight in enumerate(block.weights)])
    kernel, bias = (array(weight) for weight in block.weights)
    doubled = np.pad(maps.repeat(2, axis=1).repeat(2, axis=2), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(doubled, (3, 3), axis=(1, 2))
    np.testing.assert_allclose(array(block(maps)), np.einsum("bhwcij,ijco->bhwo", windows, kernel) + bias, atol=1e-4)


def attend_by_hand(attention, maps, pool):
    *tensors, gamma = attention.get_weights()
    project = [maps @ kernel[0, 0] + bias for kernel, bias in zip(tensors[::2], tensors[1::2], strict=True)]
    _, height, width, channels = maps.shape
    keys, values = (
        part.reshape(height // pool, pool, width // pool, pool, -1).max(axis=(1, 3)).reshape(-1, part.shape[-1])
        for part in project[1:]
    )
    scores = np.exp(project[0].reshape(height * width, -1) @ keys.T)
    return maps + gamma * (scores / scores.sum(1, keepdims=True) @ values).reshape(1, height, width, channels)


def test_a_fresh_pixel_shuffle_draws_flat_patches():
    drawn = array(PixelShuffleUpBlock(6)(signal(0, (1, 4, 4, 3))))
    patches = drawn.reshape(4, 2, 4, 2, 6)
    assert drawn.std() > 0.1
    np.testing.assert_allclose(patches, np.broadcast_to(patches[:, :1, :, :1], patches.shape), atol=1e-6)


def test_weight_decay_is_on_the_kernels_of_the_blocks():
    discriminator = build_discriminator(ModelConfig(64, "lite", "layernorm"))
    kernels = [weight for weight in discriminator.weights if weight.path.endswith("kernel")]
    expected = 1e-4 * sum(float(np.square(array(kernel)).sum()) for kernel in kernels)
    assert float(array(sum(discriminator.losses))) == pytest.approx(expected, rel=1e-4)


def test_bfloat16_networks_end_in_float32_and_draw_nearly_the_same():
    keras.utils.set_random_seed(0)
    config, code = ModelConfig(64, "lite", "layernorm"), 0.3 * signal(0, (1, 8, 8, 256))
    exact = build_decoder(config)
    with bfloat16():
        mixed = build_decoder(config)
    mixed.set_weights(exact.get_weights())
    assert {mixed.get_layer(name).compute_dtype for name in ("alpha", "colour")} == {"float32"}
    assert mixed.get_layer("residual").compute_dtype == "bfloat16"
    assert np.abs(array(mixed(code)) - array(exact(code))).mean() < 0.01


@contextlib.contextmanager
def bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_network_survives_saving(tmp_path):
    encoder = build_encoder(ModelConfig(64, "compact"))
    discriminator = build_discriminator(ModelConfig(64, "lite", "hybrid"))
    for network in (encoder, discriminator):
        network.save(tmp_path / "network.keras")
        loaded = keras.models.load_model(tmp_path / "network.keras")
        pixels = signal(0, (1, *network.input_shape[1:]))
        np.testing.assert_array_equal(array(loaded(pixels)), array(network(pixels)))


def test_a_norm_of_a_constant_map_lets_training_go_on():
    start = keras.layers.Conv2D(2, 1, kernel_initializer="zeros")
    network = keras.Sequential([keras.Input((4, 4, 3)), start, MapNormalization(), keras.layers.Conv2D(1, 1)])
    network.compile(optimizer="sgd", loss="mse")
    network.fit(signal(0, (2, 4, 4, 3)), signal(1, (2, 4, 4, 1)), verbose=0)
    assert all(np.isfinite(weight).all() for weight in network.get_weights())
