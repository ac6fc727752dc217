from dataclasses import replace

import keras
import numpy as np
import pytest

from fsgan_utils.training import (
    FaceSwapGAN,
    LossWeights,
    ModelConfig,
    PairedBatches,
    TrainConfig,
    default_phases,
    find_perceptual_loss,
)

LITE = ModelConfig(capacity="lite")
COMPACT = ModelConfig(capacity="compact")


@pytest.fixture(scope="module")
def batch(faces):
    return PairedBatches(faces, 64, 2, seed=1).batch(0)


def prepared(config, weights, **settings):
    keras.utils.set_random_seed(0)
    model = FaceSwapGAN(config, weights)
    model.prepare(TrainConfig(**settings))
    return model


@pytest.fixture(scope="module")
def perceptual():
    return find_perceptual_loss("mobilenet")


def values(network):
    return [keras.ops.convert_to_numpy(variable) for variable in network.trainable_variables]


def moved(before, network):
    return any(not np.array_equal(old, new) for old, new in zip(before, values(network), strict=True))


@pytest.mark.parametrize(
    ("config", "weights", "adversary"),
    [
        (LITE, LossWeights(), "mixup_lsgan"),
        (COMPACT, LossWeights(cycle=10.0, dssim=1.0, face_mask=1.0), "relativistic_lsgan"),
    ],
)
def test_one_step_trains_all_five_networks(batch, config, weights, adversary):
    model = prepared(config, weights, adversary=adversary)
    before = {name: values(network) for name, network in model.networks.items()}
    logs = model.train_on_batch(batch, return_dict=True)
    assert all(moved(before[name], network) for name, network in model.networks.items())
    assert np.isfinite(list(logs.values())).all() and logs["generator"] > 0 and logs["discriminator"] > 0


def test_without_an_adversary_the_discriminators_rest(batch):
    model = prepared(COMPACT, LossWeights(adversarial=0.0, weight_decay=0.0))
    before = {name: values(network) for name, network in model.networks.items()}
    model.train_on_batch(batch)
    assert {name for name, network in model.networks.items() if moved(before[name], network)} == {
        "encoder",
        "decoder_A",
        "decoder_B",
    }


def test_generator_does_not_learn_from_the_discriminators_term(batch):
    """With the generator's terms all at 0 only the discriminators move."""
    none = LossWeights(**dict.fromkeys(vars(LossWeights()), 0.0))
    model = prepared(COMPACT, replace(none, adversarial=1e-30))
    before = {name: values(network) for name, network in model.networks.items()}
    model.train_on_batch(batch)
    assert moved(before["netDA"], model.networks["netDA"])
    largest = max(
        np.abs(old - new).max()
        for name in ("encoder", "decoder_A", "decoder_B")
        for old, new in zip(before[name], values(model.networks[name]), strict=True)
    )
    assert largest < 1e-12


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 1e-3), ("muon", 5e-4)])
def test_training_draws_the_faces_better(faces, optimizer, rate):
    model = prepared(COMPACT, default_phases(COMPACT)[0].weights, learning_rate=rate, optimizer=optimizer)
    history = model.fit(PairedBatches(faces, 64, 4, steps=12), epochs=3, verbose=0, shuffle=False)
    assert history.history["reconstruction"][-1] < 0.75 * history.history["reconstruction"][0]


def test_fit_trains_on_the_batches_from_the_first_on(faces, perceptual):
    """Keras peeks at a batch for what is not built, and its epoch is then over."""
    model = FaceSwapGAN(COMPACT)
    model.prepare(TrainConfig(), perceptual)
    model.set_loss_weights(LossWeights(adversarial=0.0, edge=0.0, weight_decay=0.0))
    batches = PairedBatches(faces, 64, 1, steps=2, first_batch=5)
    model.fit(batches, verbose=0, shuffle=False)
    assert batches.first_batch == 7


def test_weights_change_without_losing_the_optimizers_state(batch):
    model = prepared(COMPACT, LossWeights(adversarial=0.0))
    model.train_on_batch(batch)
    momentum = keras.ops.convert_to_numpy(model.generator_optimizer.variables[3])
    model.set_loss_weights(LossWeights(adversarial=0.1))
    assert np.array_equal(momentum, keras.ops.convert_to_numpy(model.generator_optimizer.variables[3]))
    before = values(model.networks["netDB"])
    assert model.train_on_batch(batch, return_dict=True)["discriminator"] > 0
    assert moved(before, model.networks["netDB"]) and int(model.generator_optimizer.iterations) == 2


@pytest.mark.parametrize("guide", [False, True])
@pytest.mark.parametrize("resolution", [64, 128])
def test_generate_draws_each_person_with_their_own_decoder(resolution, guide):
    model = FaceSwapGAN(ModelConfig(resolution, "compact", guide=guide))
    images = np.tanh(np.random.default_rng(0).normal(size=(3, resolution, resolution, 3))).astype(np.float32)
    guides = np.abs(images) if guide else None
    to_b, to_a = model.generate(images, "AtoB", guides), model.generate(images, "BtoA", guides)
    assert to_b.shape == (3, resolution, resolution, 4) and to_b.dtype == np.float32
    assert to_b[..., 0].min() >= 0 and to_b[..., 0].max() <= 1 and np.abs(to_b[..., 1:]).max() <= 1
    code = model.encoder(images)
    inputs = [code, keras.ops.convert_to_tensor(guides)] if guide else code
    drawn = model.decoders["b"](inputs)  # one operation after another: a compiled network may join some into one
    drawn = drawn[-1] if isinstance(drawn, list) else drawn
    np.testing.assert_allclose(to_b, keras.ops.convert_to_numpy(drawn), atol=1e-4)
    assert np.abs(to_a - to_b).max() > 0.01


def test_the_perceptual_term_trains_the_generators_alone(batch, perceptual):
    none = LossWeights(**dict.fromkeys(vars(LossWeights()), 0.0))
    model = FaceSwapGAN(COMPACT)
    model.prepare(TrainConfig(), perceptual)
    model.set_loss_weights(replace(none, perceptual=1.0))
    before = {name: values(network) for name, network in model.networks.items()}
    frozen = [keras.ops.convert_to_numpy(weight).copy() for weight in perceptual.weights]
    logs = model.train_on_batch(batch, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["perceptual"]) and logs["perceptual"] > 0.05
    assert {name for name, network in model.networks.items() if moved(before[name], network)} == {
        "encoder",
        "decoder_A",
        "decoder_B",
    }
    assert all(np.array_equal(old, new) for old, new in zip(frozen, perceptual.weights, strict=True))


def test_the_perceptual_term_comes_in_and_goes_without_losing_the_optimizers_state(batch, perceptual):
    model = FaceSwapGAN(COMPACT)
    model.prepare(TrainConfig(), perceptual)
    model.set_loss_weights(LossWeights(adversarial=0.0))
    assert model.train_on_batch(batch, return_dict=True)["perceptual"] == 0
    model.set_loss_weights(LossWeights(adversarial=0.0, perceptual=1.0))
    assert model.train_on_batch(batch, return_dict=True)["perceptual"] > 0.05
    assert int(model.generator_optimizer.iterations) == 2


def test_a_perceptual_weight_needs_something_to_compare_by():
    with pytest.raises(ValueError, match="find_perceptual_loss"):
        FaceSwapGAN(COMPACT, LossWeights(perceptual=1.0))


def test_a_fingerprint_tells_models_apart_by_what_generate_uses():
    model = FaceSwapGAN(ModelConfig(capacity="compact"))
    before = model.fingerprint()
    discriminator, decoder = model.discriminators["a"].weights[0], model.decoders["b"].weights[0]
    discriminator.assign(discriminator + 1)
    assert model.fingerprint() == before
    decoder.assign(decoder * 1.0001)
    assert model.fingerprint() != before


def test_generate_refuses_wrong_input():
    model = FaceSwapGAN(COMPACT)
    with pytest.raises(ValueError, match="AtoB, BtoA"):
        model.generate(np.zeros((1, 64, 64, 3), np.float32), "AB")
    with pytest.raises(ValueError, match=r"\(N, 64, 64, 3\)"):
        model.generate(np.zeros((1, 32, 32, 3), np.float32), "AtoB")


@pytest.mark.parametrize("config", [LITE, COMPACT], ids=["lite", "compact"])
def test_no_two_weights_share_a_path(config):
    """PyTorch would never reset the gradient of one of them, and train it on the sum of all steps."""
    paths = [variable.path for variable in FaceSwapGAN(config).variables]
    assert len(set(paths)) == len(paths)
