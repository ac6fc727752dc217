"""Training in bfloat16: half the memory, and half the time where the processor has it."""

from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest

from fsgan_utils.training import (
    FaceSwapGAN,
    LossWeights,
    ModelConfig,
    PairedBatches,
    TrainConfig,
    find_perceptual_loss,
    load_model,
    save_model,
)

WEIGHTS = LossWeights(mask_hinge_floor=0.7, dssim=1.0, background=0.5, face_mask=0.1)
COMPACT = ModelConfig(capacity="compact")


@pytest.fixture
def mixed_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def batch(faces):
    return PairedBatches(faces, 64, 2, seed=1).batch(0)


def prepared(config, weights):
    model = FaceSwapGAN(config)
    model.prepare(TrainConfig(), find_perceptual_loss("mobilenet"))
    model.set_loss_weights(weights)
    return model


def dtypes(variables):
    return {keras.backend.standardize_dtype(variable.dtype) for variable in variables}


def values(model):
    return [keras.ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables]


@pytest.mark.parametrize(
    ("config", "weights"),
    [(ModelConfig(capacity="lite"), WEIGHTS), (COMPACT, replace(WEIGHTS, perceptual=1.0))],
    ids=["lite", "compact"],
)
def test_steps_have_finite_losses_and_leave_weights_in_float32(batch, mixed_bfloat16, config, weights, tmp_path):
    model = prepared(config, weights)
    for network in model.networks.values():
        assert "bfloat16" in {layer.compute_dtype for layer in network.layers}
    before = values(model)
    model.train_on_batch(batch)  # at first some layers do nothing, and what is before them learns later
    losses = model.train_on_batch(batch, return_dict=True)
    assert np.isfinite(list(losses.values())).all() and losses["generator"] > 0 and losses["discriminator"] > 0
    after = values(model)
    assert all(np.isfinite(new).all() for new in after)
    assert not any(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    assert dtypes(model.trainable_variables) == {"float32"}
    assert model.generate(batch["a"]["target"], "AtoB").dtype == np.float32
    assert saved_dtypes(save_model(model, tmp_path)) == {"float32"}


def saved_dtypes(folder):
    found = set()
    for path in folder.glob("*.weights.h5"):
        with h5py.File(path) as file:
            file.visititems(lambda _, item: found.add(item.dtype.name) if isinstance(item, h5py.Dataset) else None)
    return found


def test_bfloat16_computes_nearly_the_losses_of_float32(batch, mixed_bfloat16, tmp_path):
    mixed = prepared(COMPACT, replace(WEIGHTS, adversarial=0.0))
    save_model(mixed, tmp_path)
    keras.config.set_dtype_policy("float32")
    exact = load_model(tmp_path)
    exact.prepare(TrainConfig())
    exact.set_loss_weights(replace(WEIGHTS, adversarial=0.0))
    losses = [model.train_on_batch(batch, return_dict=True) for model in (exact, mixed)]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    assert losses[0]["reconstruction"] != losses[1]["reconstruction"]
