import numpy as np

from fsgan_utils.embedding import ResNetEmbedder
from fsgan_utils.training import load_model, save_model
from fsgan_utils.training.data import to_network, to_pixels
from fsgan_utils.training.preview import central_part
from fsgan_utils.workspace import PROJECT

SAMPLE = PROJECT / "data" / "models" / "sample_pair"


def test_the_sample_model_redraws_b_and_turns_a_into_b(faces):
    model = load_model(SAMPLE)
    seen = {side: central_part(faces[side].images, 0.9) for side in "ab"}
    a, b = (to_network(seen[side], model.config.resolution) for side in "ab")
    own, swapped = model.generate(b, "AtoB"), model.generate(a, "AtoB")
    inside = own[..., :1] > 0.5
    assert np.abs(inside * (own[..., 1:] - b)).mean() < 0.1 * np.abs(b).mean()

    embedder = ResNetEmbedder()
    real_a, real_b = (embedder.embed(list(seen[side])) for side in "ab")
    drawn = embedder.embed(list(to_pixels(swapped[..., 1:])))
    assert ((drawn @ real_b.T).max(axis=1) > (drawn @ real_a.T).max(axis=1)).mean() > 0.5


def test_a_shared_model_draws_the_same_at_a_fraction_of_the_size(tmp_path):
    model, image = load_model(SAMPLE), np.zeros((1, 64, 64, 3), np.float32)
    weights = save_model(model, tmp_path, to_share=True)
    assert sum(file.stat().st_size for file in weights.iterdir()) < 25e6
    np.testing.assert_allclose(load_model(tmp_path).generate(image, "AtoB"), model.generate(image, "AtoB"), atol=5e-3)
