"""What lies before a face stays the source's, and nothing else does."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fsgan_utils.conversion import ConvertConfig, build_detector, swap_image
from fsgan_utils.conversion.covering import Covering, find_coverings, guided_filter
from fsgan_utils.conversion.growing import grown
from fsgan_utils.conversion.placing import PlacedFace
from fsgan_utils.extraction import FaceTracker
from fsgan_utils.masks import outline_mask
from fsgan_utils.training import load_model
from fsgan_utils.workspace import PROJECT
from tools.obstacles import hand, microphone, stick

CONFIG = ConvertConfig()


@pytest.fixture(scope="module")
def model():
    return load_model(PROJECT / "data" / "models" / "sample_pair")


@pytest.fixture(scope="module")
def tracker():
    return FaceTracker(build_detector(CONFIG))


def kept_of(image, sighting, model):
    """What stays of the source's crop, and the face's place in it."""
    face = PlacedFace.seen(sighting, model, CONFIG)
    source = face.alignment.warp(image)
    (covering,) = find_coverings([source], [face], model, CONFIG)
    return covering.free(source) < 0.5, face


@pytest.mark.parametrize("obstacle", [stick, hand, microphone])
def test_an_object_before_the_face_stays(sightings, tracker, model, obstacle):
    shares, overlaps = [], []
    for image, clean in sightings["a_target"]:
        covered_image, covered = obstacle(image, clean.face)
        tracker.reset()
        found = tracker.update(covered_image)[0]
        if not found:
            continue
        kept, face = kept_of(covered_image, tracker.refined(found[0]), model)
        within = outline_mask(face.alignment.apply(clean.mesh[:, :2]), len(kept)) > 0
        object_there = face.alignment.warp(np.repeat(255 * covered[..., None].astype(np.uint8), 3, 2))[..., 0] > 127
        object_there &= within
        kept &= within
        shares.append((kept & object_there).sum() / object_there.sum())
        overlaps.append((kept & object_there).sum() / (kept | object_there).sum())
    assert len(shares) >= 6
    assert np.mean(shares) >= 0.9
    assert np.mean(overlaps) >= 0.8


@pytest.mark.parametrize("obstacle", [stick, hand, microphone])
def test_an_object_stays_where_it_is_while_the_picture_about_the_face_gives_way(sightings, model, obstacle):
    changed = []
    for image, clean in sightings["a_target"][::3]:
        covered_image, covered = obstacle(image, clean.face)
        result = swap_image(covered_image, model, CONFIG)
        inside = cv2.erode(covered.astype(np.uint8), np.ones((3, 3))) > 0
        changed.append((np.abs(result.astype(int) - covered_image).max(axis=2) > 20)[inside].mean())
    assert np.mean(changed) < 0.05


def test_of_a_face_with_nothing_before_it_next_to_nothing_stays(sightings, model):
    for clip in sightings:
        direction = "AtoB" if clip.startswith("a") else "BtoA"
        shares = []
        for image, sighting in sightings[clip]:
            face = PlacedFace.seen(sighting, model, replace(CONFIG, direction=direction))
            source = face.alignment.warp(image)
            (covering,) = find_coverings([source], [face], model, replace(CONFIG, direction=direction))
            within = outline_mask(face.mesh[:, :2], len(source)) > 0
            shares.append((1 - covering.free(source))[within].mean())
        assert np.mean(shares) < 0.01 and max(shares) < 0.04


def test_a_thing_is_followed_to_the_end_of_its_colors_and_beyond_the_face_but_not_into_skin():
    rng = np.random.default_rng(0)
    view = np.full((128, 128, 3), (190, 140, 115)) + rng.normal(scale=4, size=(128, 128, 3))
    thing = np.zeros((128, 128), bool)
    thing[60:90, 50:] = True
    view[thing] += np.array([-20, -110, -90])  # red
    face = np.hypot(*(np.mgrid[:128, :128] - 64)) < 50
    share = np.zeros((128, 128), np.float32)
    share[64:82, 56:110] = 1
    share[40:64, 56:60] = 1  # what runs over, and nothing agrees to
    agreed = (share == 1) & thing
    result = grown(share, agreed, np.clip(view, 0, 255).astype(np.uint8), face) > 0.5
    assert (result & thing).sum() > 0.95 * thing.sum()
    assert (result & ~thing).sum() < 0.02 * thing.sum()


def test_without_the_setting_nothing_is_looked_for(model):
    source = np.zeros((206, 206, 3), np.uint8)
    assert find_coverings([source], [None], model, ConvertConfig(keep_objects=False)) == [None]


def test_over_time_a_moving_thing_is_not_held_back_and_a_resting_one_does_not_flicker():
    rng = np.random.default_rng(0)
    view = rng.integers(60, 200, (128, 128, 3)).astype(np.uint8)
    weights = np.full(3, 1 / 3)
    moving = []
    for left in (20, 50, 80):
        share, picture = np.zeros((128, 128), np.float32), view.copy()
        share[:, left : left + 12], picture[:, left : left + 12] = 1, (200, 20, 20)
        moving.append(Covering(share, picture))
    steadied = moving[1].steadied(moving, weights).share
    assert steadied[:, 53:59].min() > 0.9 and steadied[:, 23:29].max() < 0.1
    flickering = [Covering(np.full((128, 128), share, np.float32), view) for share in (0.9, 0.0, 0.9)]
    np.testing.assert_allclose(flickering[1].steadied(flickering, weights).share, 0.6, atol=1e-5)


def test_edges_come_from_the_picture():
    guide = np.zeros((64, 64), np.float32)
    guide[:, 32:] = 150
    blurred = cv2.GaussianBlur(guide / 150, (0, 0), 2)
    sharp = guided_filter(blurred, guide, 4, 10.0)
    assert sharp[32, 33] - sharp[32, 30] > 1.2 * (blurred[32, 33] - blurred[32, 30])
