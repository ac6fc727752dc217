from dataclasses import replace

import numpy as np
import pytest

from fsgan_utils.embedding import MobileNetEmbedder
from fsgan_utils.training import Augmentation, PairedBatches, hold_out, learn_proportions, load_model, redraw_faces
from fsgan_utils.workspace import PROJECT

STILL = {"color_match": 0, "rotation": 0, "zoom": 0, "shift": 0, "flip": 0, "warp_noise": (0.0, 0.0)}


@pytest.fixture(scope="module")
def model():
    return load_model(PROJECT / "data" / "models" / "sample_pair")


@pytest.fixture(scope="module")
def redrawn(faces, model):
    return redraw_faces(learn_proportions(faces, "full"), model)


@pytest.mark.parametrize(("side", "other"), ["ab", "ba"])
def test_a_redrawn_face_is_the_other_persons(redrawn, side, other):
    embed = MobileNetEmbedder().embed
    people = {one: embed(list(redrawn[one].images)).mean(axis=0) for one in "ab"}
    drawn = embed(list(redrawn[side].redrawn))
    assert redrawn[side].redrawn.dtype == np.uint8 and redrawn[side].redrawn.shape == redrawn[side].images.shape
    assert (drawn @ people[other] > drawn @ people[side]).all()


def test_the_input_alone_is_redrawn(redrawn):
    themselves = {side: replace(one, redrawn=one.images) for side, one in redrawn.items()}
    drawn, plain = (
        PairedBatches(faces, 64, 4, augmentation=Augmentation(**STILL, redrawn=1.0)).batch(0)["b"]
        for faces in (redrawn, themselves)
    )
    np.testing.assert_array_equal(drawn["target"], plain["target"])
    assert np.abs(drawn["warped"] - drawn["target"]).mean() > 2 * np.abs(plain["warped"] - plain["target"]).mean()


def test_half_of_the_inputs_are_redrawn(redrawn):
    batches = PairedBatches(redrawn, 64, 40, augmentation=Augmentation(**STILL, redrawn=0.5))
    batch = batches.batch(0)["a"]
    unlike = np.abs(batch["warped"] - batch["target"]).mean(axis=(1, 2, 3))
    assert 10 <= (unlike > (unlike.min() + unlike.max()) / 2).sum() <= 30


def test_redrawn_faces_follow_their_images(redrawn):
    rest, held_out = hold_out(redrawn["b"], 1)
    where = redrawn["b"].names.index(held_out.names[0])
    np.testing.assert_array_equal(held_out.redrawn[0], redrawn["b"].redrawn[where])
    assert len(rest.redrawn) == len(rest)


def test_a_face_that_facemesh_does_not_see_is_drawn_without_a_guide(faces, model):
    known = learn_proportions(faces, "full")
    blind = {side: replace(one, meshes=np.full_like(one.meshes, np.nan)) for side, one in known.items()}
    drawn, guided = (redraw_faces(one, model)["b"].redrawn.astype(int) for one in (blind, known))
    assert np.abs(drawn - guided).mean() > 1


def test_what_is_missing_is_said(faces, model):
    with pytest.raises(ValueError, match=r"redraw_faces\(faces, model\)"):
        PairedBatches(faces, 64, augmentation=Augmentation(redrawn=0.5))
    with pytest.raises(ValueError, match="learn_proportions"):
        redraw_faces(faces, model)
