import keras
import numpy as np
import pytest

from fsgan_utils.training import ModelConfig, TrainConfig, open_model, train
from fsgan_utils.training.muon import ConvolutionMuon

COMPACT = ModelConfig(capacity="compact")
RATE = 1e-3


def stepped(shape, steps=1):
    """How far each step moves a kernel whose gradient is of one direction with a little noise."""
    rng = np.random.default_rng(0)
    variable = keras.Variable(np.zeros(shape, np.float32))
    optimizer = ConvolutionMuon(RATE)
    optimizer.build([variable])
    direction = rng.normal(size=(int(np.prod(shape[:-1])), 1)) @ rng.normal(size=(1, shape[-1]))
    for _ in range(steps):
        gradient = direction.reshape(shape) + 0.1 * rng.normal(size=shape)
        optimizer.apply_gradients([(keras.ops.convert_to_tensor(gradient.astype(np.float32)), variable)])
    return keras.ops.convert_to_numpy(variable).reshape(-1, shape[-1])


def test_a_kernel_moves_alike_in_all_directions_of_its_gradient():
    singular = np.linalg.svd(stepped((3, 3, 32, 64)), compute_uv=False)
    assert singular.max() < 2 * singular.min()
    assert np.sqrt(np.mean(stepped((3, 3, 32, 64)) ** 2)) == pytest.approx(0.2 * RATE, rel=0.3)


@pytest.mark.parametrize("shape", [(3, 3, 64, 4), (5, 5, 3, 64), (64,)])
def test_the_ends_and_the_biases_are_left_to_adam(shape):
    assert np.median(np.abs(stepped(shape))) == pytest.approx(2 * RATE, rel=0.01)


def test_a_training_goes_on_with_its_state(faces, tmp_path):
    settings = TrainConfig(iterations=2, batch_size=2, preview_every=1, optimizer="muon", learning_rate=RATE)
    whole = train(open_model(tmp_path / "whole", COMPACT, settings), faces, settings, tmp_path / "whole")

    def interrupt(model, history):
        raise KeyboardInterrupt

    folder = tmp_path / "parts"
    train(open_model(folder, COMPACT, settings), faces, settings, folder, preview=interrupt)
    parts = train(open_model(folder, COMPACT, settings), faces, settings, folder)
    assert parts.rows[-1]["reconstruction"] == pytest.approx(whole.rows[-1]["reconstruction"], rel=1e-3)
