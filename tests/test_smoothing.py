import json
from pathlib import Path

import numpy as np
import pytest

from fsgan_utils.conversion.smoothing import AveragedPoint, KalmanPoint, steadied
from fsgan_utils.conversion.stability import acceleration
from fsgan_utils.extraction import FaceTracker
from fsgan_utils.video import read_frames

RECORDED = json.loads((Path(__file__).parent / "parity" / "geometry.json").read_text())["kalman"]
RATE = 24


@pytest.fixture(scope="module")
def path():
    """The five points of A's face in every frame of the clip to convert: float (48, 5, 2)."""
    tracker = FaceTracker()
    return np.array(
        [tracker.update(frame.image)[0][0].face.landmarks for frame in read_frames("data/clips/a_target.mp4")], float
    )


@pytest.fixture(scope="module")
def noisy(path):
    return path + np.random.default_rng(0).uniform(-1.5, 1.5, path.shape)


def steady(points, method, frames=None, **settings):
    return steadied(points, np.arange(len(points)) if frames is None else frames, method, RATE, **settings)


def jitter(points):
    return acceleration(points, np.arange(len(points))).mean()


def lag(points, path):
    """Frames by which points trail a path: how far they lie behind, along the path's own movement."""
    velocity = np.gradient(path, axis=0)
    return -((points - path) * velocity).sum() / (velocity**2).sum()


def test_the_kalman_filter_matches_the_recorded_track():
    kalman = KalmanPoint(RECORDED["noise_coef"])
    predictions = [kalman.update(point) for point in RECORDED["measurements"]]
    np.testing.assert_allclose(predictions, RECORDED["predictions"], atol=1e-3)


def test_the_moving_average_keeps_its_share_of_the_past():
    average = AveragedPoint(0.65, (100, 0))
    np.testing.assert_allclose(average.update((0, 100)), (65, 35), atol=1e-4)
    np.testing.assert_allclose(average.update((0, 100)), (42.25, 57.75), atol=1e-4)


def test_two_passes_halve_the_jitter_of_the_kalman_filter_without_its_lag(path, noisy):
    two_pass, kalman = steady(noisy, "two_pass"), steady(noisy, "kalman")
    assert jitter(two_pass) < 0.5 * jitter(kalman)
    assert abs(lag(two_pass, path)) < 0.05
    assert lag(kalman, path) > 0.15
    distance = np.linalg.norm(two_pass - path, axis=-1).mean()
    assert distance < 0.8 * np.linalg.norm(noisy - path, axis=-1).mean()


@pytest.mark.parametrize("method", ["kalman", "moving_average"])
def test_v22s_methods_calm_the_path_and_see_only_the_past(noisy, method):
    whole = steady(noisy, method)
    assert jitter(whole) < 0.5 * jitter(noisy)
    np.testing.assert_array_equal(whole[:20], steady(noisy[:20], method))


def test_none_changes_nothing(noisy):
    np.testing.assert_array_equal(steady(noisy, "none"), noisy)


def test_a_face_that_rests_or_moves_evenly_is_not_moved():
    even = np.arange(30.0)[:, None, None] * [3, -1] + np.random.default_rng(0).uniform(0, 99, (5, 2))
    np.testing.assert_allclose(steady(even, "two_pass"), even, atol=1e-6)


def test_a_smaller_cutoff_is_steadier_and_one_beyond_the_frames_does_nothing(noisy):
    shakes = [jitter(steady(noisy, "two_pass", cutoff=cutoff)) for cutoff in (1, 2.5, 6)]
    assert shakes == sorted(shakes)
    np.testing.assert_array_equal(steady(noisy, "two_pass", cutoff=RATE / 2), noisy)


def test_the_smallest_cutoffs_and_largest_rates_leave_a_smooth_finite_path(noisy):
    for rate, cutoff in ((24, 1e-9), (25_000, 2.5)):
        calm = steadied(noisy, np.arange(len(noisy)), "two_pass", rate, cutoff)
        assert np.isfinite(calm).all()
        assert jitter(calm) < jitter(steady(noisy, "two_pass"))


def test_the_cutoff_counts_in_seconds(noisy):
    """The same movement seen at every other frame of a video of twice the rate is steadied alike."""
    slow, fast = steady(noisy, "two_pass"), steadied(noisy, 2 * np.arange(len(noisy)), "two_pass", 2 * RATE)
    assert np.linalg.norm(fast - slow, axis=-1).mean() < 0.1 * np.linalg.norm(slow - noisy, axis=-1).mean()


def test_frames_without_the_face_are_no_jump(path):
    seen = np.r_[0:20, 26:48]
    np.testing.assert_allclose(steady(path[seen], "two_pass", seen), path[seen], atol=4)
    assert np.linalg.norm(steady(path[seen], "two_pass", seen) - path[seen], axis=-1).mean() < 1


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_shortest_tracks(path, count):
    for method in ("two_pass", "kalman", "moving_average", "none"):
        assert np.isfinite(steady(path[:count], method)).all()
    np.testing.assert_allclose(steady(path[:count], "two_pass"), path[:count], atol=3)


def test_an_unknown_method_is_refused(path):
    with pytest.raises(ValueError, match=r"must be one of two_pass, kalman.* Received: 'wobbly'"):
        steady(path, "wobbly")


def test_acceleration_counts_only_frames_in_a_row():
    values = np.array([[0.0], [1], [2], [10], [11], [12]])
    np.testing.assert_allclose(acceleration(values, np.array([0, 1, 2, 9, 10, 11])), 0, atol=1e-9)
    np.testing.assert_allclose(acceleration(values, np.arange(6)), [0, 7, 7, 0])
