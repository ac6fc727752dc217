import cv2
import numpy as np
import pytest

from fsgan_utils.conversion import ConvertConfig, convert_video, generate_faces
from fsgan_utils.embedding import ResNetEmbedder
from fsgan_utils.evaluation import score_clip
from fsgan_utils.training import load_model, save_model
from fsgan_utils.workspace import PROJECT

SAMPLE = PROJECT / "data" / "models" / "sample_pair"


def test_the_sample_model_redraws_b_and_turns_a_into_b(faces):
    model, config = load_model(SAMPLE), ConvertConfig("AtoB")
    own = generate_faces(list(faces["b"].images), model, config, person="b")
    for face in own:
        true = cv2.resize(face.source, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
        inside = cv2.resize(face.alpha, (64, 64), interpolation=cv2.INTER_AREA)[..., None] > 0.5
        assert inside.mean() > 0.2 and np.abs(face.drawn - true)[inside[..., 0]].mean() < 25

    embedder = ResNetEmbedder()
    swapped = generate_faces(list(faces["a"].images), model, config)
    real_a, real_b = (embedder.embed([face.source for face in one]) for one in (swapped, own))
    drawn = embedder.embed([face.raw for face in swapped])
    assert ((drawn @ real_b.T).max(axis=1) > (drawn @ real_a.T).max(axis=1)).mean() > 0.5


def test_a_shared_model_draws_the_same_at_a_fraction_of_the_size(tmp_path):
    model, image = load_model(SAMPLE), np.zeros((1, 64, 64, 3), np.float32)
    weights = save_model(model, tmp_path, to_share=True)
    assert sum(file.stat().st_size for file in weights.iterdir()) < 25e6
    np.testing.assert_allclose(load_model(tmp_path).generate(image, "AtoB"), model.generate(image, "AtoB"), atol=5e-3)


@pytest.mark.long
def test_the_sample_swap_is_as_good_as_the_readme_says(tmp_path):
    clips = PROJECT / "data" / "clips"
    convert_video(clips / "a_target.mp4", tmp_path / "swapped.mp4", load_model(SAMPLE), ConvertConfig())
    galleries = {"gallery_a": [clips / "a_train_studio.mp4"], "gallery_b": [clips / "b_train_warm.mp4"]}
    scores = score_clip(tmp_path / "swapped.mp4", clips / "a_target.mp4", clips / "b_target.mp4", **galleries)
    swap = scores.summary()
    assert swap["identity_retrieval"] == 1 and swap["missed_faces"] == swap["wrong_faces"] == 0
    assert swap["ssim_gain"] > 0.49 and swap["expression_error"] < 0.026  # processors differ in the third digit
    assert swap["gaze_error"] < 0.05 and swap["flicker"] < 1.2 and swap["jitter"] < 1.2
