from dataclasses import replace

import cv2
import numpy as np
import pytest

from fsgan_utils.faces import misalignment
from fsgan_utils.heads import Placement, neutral_face
from fsgan_utils.landmarks import FaceMesh, five_points
from fsgan_utils.masks.finding import ALIGNED_FACE_BOX
from fsgan_utils.training import Augmentation, FaceSet, PairedBatches, hold_out, learn_proportions

PIXELS = np.stack(np.meshgrid(np.arange(256), np.arange(256)), -1).astype(np.float32)


@pytest.fixture(scope="module")
def bendable(faces):
    return learn_proportions(faces, "full")


def bent(image, field):
    positions = PIXELS + cv2.resize(field, (256, 256))
    return cv2.remap(image, positions[..., 0], positions[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def meshes(images):
    finder = FaceMesh()
    return [finder.detect(image, ALIGNED_FACE_BOX * 256, looks=2)[0].astype(np.float64) for image in images]


def unlikeness(face, reference):
    return np.linalg.norm((Placement.between(face, reference).apply(face) - reference)[:, :2], axis=1).mean()


@pytest.mark.parametrize(("side", "other"), ["ab", "ba"])
def test_bent_faces_have_the_others_proportions(bendable, side, other):
    own, others = (neutral_face(meshes(bendable[one].images)) for one in (side, other))
    pictures = [bent(*pair) for pair in zip(bendable[side].images, bendable[side].bends, strict=True)]
    reshaped = neutral_face(meshes(pictures))
    assert unlikeness(reshaped, others) < 0.7 * unlikeness(own, others)


def test_a_bent_face_stays_aligned_and_the_images_edge_where_it_is(bendable):
    for image, field in zip(bendable["a"].images, bendable["a"].bends, strict=True):
        assert misalignment(five_points(meshes([bent(image, field)])[0]) / 256, "full") < 0.05
        edge = np.concatenate([field[0], field[-1], field[:, 0], field[:, -1]])
        assert np.abs(edge).max() < 0.5 * np.abs(field).max()


def test_batches_bend_the_input_alone(bendable):
    still = {"color_match": 0, "rotation": 0, "zoom": 0, "shift": 0, "flip": 0, "warp_noise": (0.0, 0.0)}
    plain, other = (
        PairedBatches(bendable, 64, 4, augmentation=Augmentation(**still, reshape=share)).batch(0) for share in (0, 1)
    )
    unlike = [np.abs(batch["a"]["warped"] - batch["a"]["target"]).mean() for batch in (plain, other)]
    assert unlike[1] > 1.3 * unlike[0]


def test_fields_follow_their_images(bendable):
    rest, held_out = hold_out(bendable["b"], 1)
    where = bendable["b"].names.index(held_out.names[0])
    np.testing.assert_array_equal(held_out.bends[0], bendable["b"].bends[where])
    assert len(rest.bends) == len(rest)


def test_what_is_missing_is_said(faces):
    with pytest.raises(ValueError, match="learn_proportions"):
        PairedBatches(faces, 64, augmentation=Augmentation(reshape=0.5))
    blank = FaceSet(["blank.png"], np.full((1, 256, 256, 3), 90, np.uint8), {})
    with pytest.raises(ValueError, match="no face in any of the 1 images of side b"):
        learn_proportions({"a": replace(faces["a"], masks={}), "b": blank}, "full")
