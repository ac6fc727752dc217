import numpy as np

from fsgan_utils.training import load_model, save_model
from fsgan_utils.training.data import to_network
from fsgan_utils.training.preview import central_part
from fsgan_utils.workspace import PROJECT

SAMPLE = PROJECT / "data" / "models" / "sample_pair"


def test_the_sample_model_redraws_b_and_puts_b_on_a(faces):
    model = load_model(SAMPLE)
    a, b = (to_network(central_part(faces[side].images, 0.9), 64) for side in "ab")
    own, swapped = model.generate(b, "AtoB"), model.generate(a, "AtoB")
    assert np.abs(own[..., 1:] - b).mean() < 0.6 * np.abs(own[..., 1:] - b.mean(axis=(1, 2), keepdims=True)).mean()
    assert np.abs(swapped[..., 1:] - a).mean() > 0.05
    assert 0.2 < swapped[..., 0].mean() < 0.9


def test_a_shared_model_draws_the_same_at_a_fraction_of_the_size(tmp_path):
    model, image = load_model(SAMPLE), np.zeros((1, 64, 64, 3), np.float32)
    weights = save_model(model, tmp_path, to_share=True)
    assert sum(file.stat().st_size for file in weights.iterdir()) < 25e6
    np.testing.assert_allclose(load_model(tmp_path).generate(image, "AtoB"), model.generate(image, "AtoB"), atol=5e-3)
