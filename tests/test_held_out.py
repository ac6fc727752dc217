import cv2
import numpy as np
import pytest

from fsgan_utils.evaluation import HeldOutScorer
from fsgan_utils.training import FaceSet, ModelConfig, hold_out


class Painter:
    """A model that draws what it is told: by direction, a function of what it sees."""

    config = ModelConfig(64, "compact")

    def __init__(self, **drawers):
        self.drawers = drawers

    def generate(self, images, direction):
        drawn = self.drawers[direction](images)
        return np.concatenate([np.ones((*images.shape[:3], 1), np.float32), drawn], axis=-1)


def same(images):
    return images


def blurred(images):
    return np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in images])


@pytest.fixture(scope="module")
def scorer(faces):
    return HeldOutScorer(faces)


def always(scorer, side):
    """Draws the other person's pictures, whatever is seen."""
    small = np.stack([cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA) for image in scorer._seen[side]])
    return lambda images: small.astype(np.float32) / 127.5 - 1


def test_who_draws_the_other_person_is_like_them_and_who_draws_the_same_is_not(scorer):
    unchanged = scorer(Painter(AtoB=same, BtoA=same))
    exchanged = scorer(Painter(AtoB=always(scorer, "b"), BtoA=always(scorer, "a")))
    assert abs(unchanged["score_identity"]) < 0.2 < 0.8 < exchanged["score_identity"]
    assert unchanged["score_expression"] > 0.8 > exchanged["score_expression"] + 0.2


def noise(images):
    return np.random.default_rng(0).uniform(-1, 1, images.shape).astype(np.float32)


def mud(images):
    return np.stack([cv2.GaussianBlur(image, (0, 0), 6) for image in images])


def test_the_clearer_a_face_is_drawn_the_better_and_noise_is_worth_nothing(scorer):
    drawers = (noise, mud, blurred, same)
    noisy, muddy, soft, sharp = (scorer(Painter(AtoB=one, BtoA=one)) for one in drawers)
    assert noisy["score"] < 0.02 and muddy["score"] < 0.1
    assert noisy["score"] <= muddy["score"] < soft["score"] < sharp["score"] - 0.1
    assert sharp["score_redrawn"] > 0.9 > soft["score_redrawn"] + 0.05
    assert sharp["score_detail"] > 0.9


def test_likeness_does_not_make_up_for_features_that_are_missing(scorer):
    """The other person behind a veil of noise is worth less than a soft picture of the same person."""

    def veiled(drawer):
        return lambda images: 0.7 * noise(images) + 0.3 * drawer(images)

    alike = scorer(Painter(AtoB=veiled(always(scorer, "b")), BtoA=veiled(always(scorer, "a"))))
    assert alike["score"] < scorer(Painter(AtoB=blurred, BtoA=blurred))["score"]


def test_images_without_a_face_are_refused(faces):
    grey = FaceSet(["grey.png"], np.full((1, 256, 256, 3), 128, np.uint8), {})
    with pytest.raises(ValueError, match="no face in the images held out"):
        HeldOutScorer({"a": grey, "b": grey})


def test_faces_held_out_are_not_trained_with(faces):
    rest, out = hold_out(faces["a"], 8)
    assert (len(rest), len(out)) == (5, 1) and not set(rest.names) & set(out.names)
    assert rest.images.shape[0] == rest.masks["eyes"].shape[0] == 5
