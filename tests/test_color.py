import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from fsgan_utils.conversion.color import METHODS, ColorTransfer, correct_color, fit_color
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.steps import fit
from fsgan_utils.conversion.toning import LUMA
from fsgan_utils.video import read_frames

CHANGING = [method for method in METHODS if method != "none"]
STATISTICAL = [method for method in CHANGING if method != "poisson"]
RECORDED = np.load(Path(__file__).parent / "parity" / "colour.npz")


def rgb(name):
    return RECORDED[name][..., ::-1]


def oval(side):
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    return (x / 0.6) ** 2 + (y / 0.7) ** 2 < 1


@pytest.fixture(scope="module")
def people():
    """A's face and B's, float32 (96, 96, 3)."""
    clips = ("a_train_studio", "b_train_warm")
    frames = [next(read_frames(f"data/clips/{clip}.mp4", start=1)).image for clip in clips]
    return [cv2.resize(image[70:270, 60:260], (96, 96), interpolation=cv2.INTER_AREA) for image in frames]


@pytest.mark.parametrize(("method", "tolerance"), [("adain", 1e-4), ("adain_xyz", 0), ("hist_match", 1e-4)])
def test_matches_the_recorded_numbers(method, tolerance):
    result = correct_color(rgb("source"), rgb("template"), method)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, rgb(method), atol=tolerance)


def test_none_changes_nothing():
    np.testing.assert_array_equal(correct_color(rgb("source"), rgb("template"), "none"), rgb("source"))


@pytest.mark.parametrize("method", [method for method in STATISTICAL if method != "lab"])
def test_a_mask_limits_what_is_compared_and_changed(method):
    image, target = rgb("source").copy(), rgb("template").copy()
    mask = np.zeros(image.shape[:2], bool)
    mask[10:30, 5:40] = True
    result = correct_color(image, target, method, mask)
    np.testing.assert_array_equal(result[~mask], image[~mask])
    for statistic, channel in itertools.product((np.mean, np.std), range(3)):
        wanted, found = statistic(target[mask][:, channel]), statistic(result[mask][:, channel])
        assert abs(wanted - found) < 4, (statistic.__name__, channel)
    target[~mask] = 0
    np.testing.assert_array_equal(correct_color(image, target, method, mask), result)


TONES = {
    "black and white": lambda luma: np.repeat(luma, 3, axis=2),
    "sepia": lambda luma: luma * [1.07, 0.95, 0.75] + [10, 4, -5],
    "blue": lambda luma: 255 * (luma / 255) ** [1.3, 1.0, 0.8],
}


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("method", CHANGING)
def test_a_scene_without_colours_takes_them_from_a_face(people, method, tone):
    drawn, scene = people
    luma = (scene.astype(np.float64) @ LUMA)[..., None]
    toned_scene = np.clip(TONES[tone](luma), 0, 255).astype(np.uint8)
    alpha = np.dstack([oval(96).astype(np.float32), drawn])
    config = ConvertConfig(color_correction=method, complexion=1.0)
    transfer, _ = fit(toned_scene, alpha, config)
    result = transfer.apply(drawn)
    expected = np.clip(TONES[tone]((result @ LUMA)[..., None]), 0, 255)
    middle = oval(96) & (np.abs(result @ LUMA - 120) < 80)
    chroma = (result - (result @ LUMA)[..., None]) - (expected - (expected @ LUMA)[..., None])
    assert np.abs(chroma[middle]).max() < (1 if tone == "black and white" else 12)
    assert result[middle].std() > 8, "the face is still there"


def test_a_scene_in_colours_leaves_a_face_its_own(people):
    drawn, scene = people
    alpha = np.dstack([oval(96).astype(np.float32), drawn])
    for factor in (1, 0.3):
        transfer, _ = fit((factor * scene).astype(np.uint8), alpha, ConvertConfig())
        assert transfer.toning[0] == 0
    nothing, _ = fit(np.full((96, 96, 3), 90, np.uint8), alpha, ConvertConfig(color_correction="none"))
    np.testing.assert_array_equal(nothing.apply(drawn), drawn)


@pytest.mark.parametrize("method", CHANGING)
def test_a_flat_image_and_an_empty_mask_are_harmless(method):
    flat = np.full((16, 16, 3), 128, np.uint8)
    target = rgb("template")[:16, :16]
    assert np.isfinite(correct_color(flat, target, method)).all()
    np.testing.assert_array_equal(correct_color(flat, target, method, np.zeros((16, 16), bool)), flat)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"none, adain, adain_xyz, hist_match.*'histmatch'"):
        correct_color(rgb("source"), rgb("template"), "histmatch")


@pytest.mark.parametrize("method", METHODS)
def test_the_mean_of_two_fits_lies_between_them(method, people):
    image, target = people
    fits = [fit_color(method, part, target, oval(96)) for part in (image, cv2.GaussianBlur(image // 2 + 40, (5, 5), 0))]
    for one in fits:
        assert one.parameters.dtype == np.float64
        assert one.parameters.ndim == 1
    between = ColorTransfer(method, np.mean([one.parameters for one in fits], axis=0))
    pixels = cv2.resize(image, (64, 64)).astype(np.float32) * 0.4 + 90
    first, second = (one.apply(pixels) for one in fits)
    inside = ((first > 2) & (first < 253) & (second > 2) & (second < 253)).all(axis=-1)
    assert inside.mean() > 0.5
    error = np.abs(between.apply(pixels) - (first + second) / 2)[inside]
    assert error.mean() < 1.5


@pytest.mark.parametrize("method", METHODS)
def test_colours_that_agree_stay(method, people):
    image = people[0]
    rounding = 4 if method == "adain_xyz" else 0.6
    assert np.abs(correct_color(image, image, method, oval(96)) - image).max() < rounding


@pytest.mark.parametrize("method", STATISTICAL)
def test_a_fit_to_large_images_is_that_to_small_ones(method, people):
    small = [fit_color(method, *people, oval(96)).apply(people[0])]
    large = [cv2.resize(image, (384, 384), interpolation=cv2.INTER_CUBIC) for image in people]
    small.append(fit_color(method, *large, oval(384)).apply(people[0]))
    assert np.abs(small[0] - small[1])[oval(96)].mean() < 1.5


def test_lab_gives_means_and_deviations_of_lab(people):
    image, target = people
    result = correct_color(image, target, "lab")
    lab = [cv2.cvtColor(np.float32(pixels) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3) for pixels in (result, target)]
    np.testing.assert_allclose(lab[0].mean(axis=0), lab[1].mean(axis=0), atol=1.5)
    np.testing.assert_allclose(lab[0].std(axis=0), lab[1].std(axis=0), atol=1.5)


def test_mkl_gives_the_covariance_by_the_least_movement(people):
    image, target = (cv2.resize(pixels, (64, 64), interpolation=cv2.INTER_AREA) * 0.6 + 60 for pixels in people)
    transfer = fit_color("mkl", image, target)
    matrix = transfer.parameters.reshape(3, 4)[:, :3]
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-9)  # the gradient of a convex function: optimal transport
    assert np.linalg.eigvalsh(matrix).min() > 0
    result, wanted = (np.cov(pixels.reshape(-1, 3).T) for pixels in (transfer.apply(image), target))
    np.testing.assert_allclose(result, wanted, atol=0.03 * wanted.max())


def test_hist_match_interpolates_between_levels_and_goes_on_beyond_them():
    transfer = fit_color("hist_match", rgb("source") // 2 + 60, rgb("template"))
    levels = np.repeat(np.float32([100, 100.5, 101])[None, :, None], 3, axis=2)
    low, between, high = transfer.apply(levels)[0]
    np.testing.assert_allclose(between, (low + high) / 2, atol=1e-4)
    assert (np.diff(transfer.parameters.reshape(3, 256)) >= 0).all()


def test_poisson_closes_the_seam_and_keeps_the_details(people):
    target, across = people[0].astype(np.float32), np.linspace(-1, 1, 96, dtype=np.float32)[None, :, None]
    drawn = np.clip(target + np.float32([25, -5, 10]) + 15 * across, 0, 255)
    mask = oval(96)
    result = fit_color("poisson", drawn, target, mask).apply(drawn)
    rim = mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    before, after = (np.abs(image - target)[rim].mean() for image in (drawn, result))
    assert after < 0.1 * before
    details = [cv2.Laplacian(image, cv2.CV_32F)[mask] for image in (drawn, result)]
    np.testing.assert_allclose(details[0], details[1], atol=2)


def test_poisson_takes_nothing_from_what_is_not_the_face(people):
    target = people[0].astype(np.float32)
    drawn = target + np.float32([20, 0, -20])
    with_object = target.copy()
    with_object[:, :25] = (0, 90, 200)
    plain, beside = (fit_color("poisson", drawn, image, oval(96)).apply(drawn) for image in (target, with_object))
    assert np.abs(plain - target)[oval(96)].max() < 3
    assert np.abs(beside - target)[oval(96)].max() < 3


def test_poisson_leaves_as_much_of_a_complexion_as_is_asked_for(people):
    target = people[0].astype(np.float32)
    drawn = target - 20
    rim = oval(96) & ~cv2.erode(oval(96).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    middle = np.s_[40:56, 40:56]
    left = {}
    for complexion in (0.0, 0.4, 1.0):
        result = fit_color("poisson", drawn, target, oval(96), complexion).apply(drawn)
        left[complexion] = [(target - result)[where].mean() for where in (middle, rim)]
    assert abs(left[0.0][0]) < 1 and 4 < left[0.4][0] < 8 < left[1.0][0] < 20
    assert left[0.4][1] < 2 and left[1.0][1] < 5


@pytest.mark.parametrize("method", METHODS)
def test_parameters_of_another_method_are_refused(method):
    with pytest.raises(ValueError, match=r"Received: \(7,\)"):
        ColorTransfer(method, np.zeros(7))
