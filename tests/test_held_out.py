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
    assert unchanged["score"] == pytest.approx(np.mean([unchanged[f"score_{n}"] for n in NAMES]))


NAMES = ("identity", "expression", "redrawn")


def test_blur_is_redrawn_worse(scorer):
    sharp, soft = (scorer(Painter(AtoB=one, BtoA=one)) for one in (same, blurred))
    assert sharp["score_redrawn"] > 0.9 > soft["score_redrawn"] + 0.05


def test_images_without_a_face_are_refused(faces):
    grey = FaceSet(["grey.png"], np.full((1, 256, 256, 3), 128, np.uint8), {})
    with pytest.raises(ValueError, match="no face in the images held out"):
        HeldOutScorer({"a": grey, "b": grey})


def test_faces_held_out_are_not_trained_with(faces):
    rest, out = hold_out(faces["a"], 8)
    assert (len(rest), len(out)) == (5, 1) and not set(rest.names) & set(out.names)
    assert rest.images.shape[0] == rest.masks["eyes"].shape[0] == 5
