from dataclasses import replace

import numpy as np
import pytest

from fsgan_utils.occlusion.objects import draw_things
from fsgan_utils.training.augmentation import Augmentation, augment
from fsgan_utils.training.color_matching import ColorStatistics

STILL = Augmentation(
    color_match=0, rotation=0, zoom=0, shift=0, flip=0, warp_half_width=(96, 96), warp_noise=(0.0, 0.0)
)


def sample(image, augmentation, seed=0, resolution=64, masks=None, reference=None):
    masks = np.zeros((256, 256, 0), np.uint8) if masks is None else masks
    colors = ColorStatistics.of(image)
    rng = np.random.default_rng(seed)
    return augment(image, masks, colors, reference or colors, resolution, augmentation, rng)


def test_without_noise_input_and_target_are_the_middle_of_the_image(faces):
    image = faces["a"].images[0]
    result = sample(image, STILL, resolution=128)
    middle = image[32:224, 32:224]
    expected = np.stack([middle[3 * i // 2, 3 * j // 2] for i in range(128) for j in range(128)])
    for picture in (result.warped, result.target):
        assert picture.shape == (128, 128, 3) and picture.dtype == np.float32
        assert np.abs((picture.reshape(-1, 3) + 1) * 127.5 - expected).mean() < 6


def test_the_target_undoes_the_warp(faces):
    """With noise the input is distorted; the target is not, so it stays nearer to the plain middle."""
    image = faces["a"].images[0]
    plain = sample(image, STILL).target
    noisy = [sample(image, replace(STILL, warp_noise=(5.0, 6.2)), seed) for seed in range(8)]
    warped = np.mean([np.abs(result.warped - plain).mean() for result in noisy])
    target = np.mean([np.abs(result.target - plain).mean() for result in noisy])
    assert target < 0.6 * warped


def test_masks_move_with_the_target(faces):
    image = faces["a"].images[0]
    mask = np.where(image.astype(int).sum(-1) > 300, 255, 0).astype(np.uint8)
    as_image = np.repeat(mask[..., None], 3, -1)
    settings = replace(STILL, rotation=10, zoom=0.1, shift=0.05, flip=0.5, warp_noise=(5.0, 6.2))
    for seed in range(4):
        result = sample(as_image, settings, seed, masks=mask[..., None])
        assert np.abs(result.masks[..., 0] - (result.target[..., 0] + 1) / 2).max() < 0.02


def test_flip_mirrors(faces):
    image = faces["a"].images[0]
    plain, mirrored = sample(image, STILL).target, sample(image, replace(STILL, flip=1)).target
    assert np.abs(mirrored[:, ::-1] - plain).mean() < 0.05 < np.abs(mirrored - plain).mean()


@pytest.mark.parametrize("share_in_xyz", [0.0, 1.0])
def test_colours_move_towards_the_reference(faces, share_in_xyz):
    image, other = faces["a"].images[0], faces["b"].images[0]
    settings = replace(STILL, color_match=1, color_match_xyz=share_in_xyz)
    means = [
        sample(image, settings, seed, reference=ColorStatistics.of(other)).target[16:48, 16:48].mean((0, 1))
        for seed in range(20)
    ]
    own = sample(image, STILL).target[16:48, 16:48].mean((0, 1))
    goal = sample(other, STILL).target[16:48, 16:48].mean((0, 1))
    shares = (np.array(means) - own) @ (goal - own) / ((goal - own) @ (goal - own))
    assert shares.min() > -0.1 and shares.max() < 1.2 and shares.max() - shares.min() > 0.5


def test_an_object_lies_before_the_input_alone(faces):
    image, things = faces["a"].images[0], draw_things(0, count=12)
    colors, plain = ColorStatistics.of(image), sample(image, STILL)
    shares = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        no_mask = np.zeros((256, 256, 0), np.uint8)
        result = augment(image, no_mask, colors, colors, 64, replace(STILL, occlude=1.0), rng, things=things)
        np.testing.assert_array_equal(result.target, plain.target)
        shares.append((np.abs(result.warped - plain.warped).max(axis=-1) > 0.1).mean())
    assert min(shares) < 0.5 and np.median(shares) > 0.03


def test_colour_jitter_changes_the_input_alone(faces):
    image = faces["a"].images[0]
    plain = sample(image, STILL)
    results = [sample(image, replace(STILL, color_jitter=0.3), seed) for seed in range(12)]
    for result in results:
        np.testing.assert_array_equal(result.target, plain.target)
        structure = np.corrcoef(result.warped.mean(-1).ravel(), plain.warped.mean(-1).ravel())[0, 1]
        assert structure > 0.97
    means = np.array([result.warped.mean((0, 1)) - plain.warped.mean((0, 1)) for result in results])
    assert (means.std(axis=0) > 0.05).all() and np.ptp(means, axis=1).max() > 0.05


def test_a_stretched_face_and_its_place_move_alike(faces):
    image = faces["a"].images[0]
    plain, stretched = (sample(image, replace(STILL, stretch=most)) for most in (0.0, 0.1))
    unlike = [np.abs(one.target - one.warped).mean() for one in (plain, stretched)]
    assert unlike[1] < 1.2 * unlike[0] and np.abs(plain.target - stretched.target).mean() > 2 * unlike[0]
    corners = np.array([[128, 128, 1], [192, 128, 1], [128, 192, 1]])
    (middle, right, low), (own_middle, own_right, own_low) = (
        corners @ one.to_target.astype(np.float64).T for one in (stretched, plain)
    )
    np.testing.assert_allclose(middle, own_middle, atol=0.5)
    sides = np.linalg.norm([right - middle, low - middle], axis=1) / np.linalg.norm(own_right - own_middle)
    assert abs(sides[0] * sides[1] - 1) < 0.02 and abs(sides[0] - 1) > 0.01
    assert np.linalg.norm(own_low - own_middle) == pytest.approx(np.linalg.norm(own_right - own_middle))


def test_motion_blur_softens_input_and_target(faces):
    image = faces["a"].images[0]
    sharp, blurred = sample(image, STILL), sample(image, replace(STILL, motion_blur=1))
    for name in ("warped", "target"):
        steepness = [np.abs(np.diff(getattr(result, name), axis=0)).mean() for result in (sharp, blurred)]
        assert steepness[1] < 0.95 * steepness[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"flip": 1.2},
        {"rotation": -1},
        {"color_jitter": 1.0},
        {"warp_half_width": (97, 78)},
        {"warp_half_width": (78, 200)},
    ],
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**wrong)
