import itertools
from pathlib import Path

import numpy as np
import pytest

from fsgan_utils.conversion.color import correct_color

RECORDED = np.load(Path(__file__).parent / "parity" / "colour.npz")


def rgb(name):
    return RECORDED[name][..., ::-1]


@pytest.mark.parametrize(("method", "tolerance"), [("adain", 1e-4), ("adain_xyz", 0), ("hist_match", 1e-4)])
def test_matches_the_recorded_numbers(method, tolerance):
    result = correct_color(rgb("source"), rgb("template"), method)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, rgb(method), atol=tolerance)


def test_none_changes_nothing():
    np.testing.assert_array_equal(correct_color(rgb("source"), rgb("template"), "none"), rgb("source"))


@pytest.mark.parametrize("method", ["adain", "adain_xyz", "hist_match"])
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


@pytest.mark.parametrize("method", ["adain", "adain_xyz", "hist_match"])
def test_a_flat_image_and_an_empty_mask_are_harmless(method):
    flat = np.full((16, 16, 3), 128, np.uint8)
    target = rgb("template")[:16, :16]
    assert np.isfinite(correct_color(flat, target, method)).all()
    np.testing.assert_array_equal(correct_color(flat, target, method, np.zeros((16, 16), bool)), flat)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"none, adain, adain_xyz, hist_match.*'histmatch'"):
        correct_color(rgb("source"), rgb("template"), "histmatch")
