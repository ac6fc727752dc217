import json
from pathlib import Path

import numpy as np
import pytest

from fsgan_utils.conversion.smoothing import LOST_AFTER, AveragedPoint, FaceSmoother, KalmanPoint
from fsgan_utils.faces import Face

RECORDED = json.loads((Path(__file__).parent / "parity" / "geometry.json").read_text())["kalman"]
POINTS = np.array([[30, 30], [70, 30], [50, 55], [35, 78], [65, 78]], np.float32)


def face_at(x, y):
    shift = np.array([x, y], np.float32)
    return Face(np.array([x, y, x + 100, y + 100]), POINTS + shift, 0.99)


def noisy_walk(count=60):
    random = np.random.default_rng(0)
    return [face_at(2.0 * i + random.normal(0, 2), 50 + random.normal(0, 2)) for i in range(count)]


def shake(faces):
    return np.linalg.norm(np.diff([face.landmarks.mean(axis=0) for face in faces], n=2, axis=0), axis=-1).mean()


def test_the_kalman_filter_matches_the_recorded_track():
    kalman = KalmanPoint(RECORDED["noise_coef"])
    predictions = [kalman.update(point) for point in RECORDED["measurements"]]
    np.testing.assert_allclose(predictions, RECORDED["predictions"], atol=1e-3)


def test_the_moving_average_keeps_its_share_of_the_past():
    average = AveragedPoint(0.65, (100, 0))
    np.testing.assert_allclose(average.update((0, 100)), (65, 35), atol=1e-4)
    np.testing.assert_allclose(average.update((0, 100)), (42.25, 57.75), atol=1e-4)


@pytest.mark.parametrize("method", ["kalman", "moving_average"])
def test_smoothing_calms_a_walk_and_stays_near_it(method):
    faces = noisy_walk()
    smoother = FaceSmoother(method)
    smooth = [smoother.update([face])[0] for face in faces]
    assert shake(smooth) < shake(faces) / 3
    distance = [np.abs(s.landmarks - f.landmarks).mean() for s, f in zip(smooth, faces, strict=True)]
    assert np.mean(distance) < 8
    assert {face.track for face in smooth} == {0}


def test_none_changes_nothing_but_numbers_the_tracks():
    face = face_at(10, 10)
    (same,) = FaceSmoother("none").update([face])
    np.testing.assert_array_equal(same.landmarks, face.landmarks)
    assert same.track == 0


def test_the_first_sight_of_a_face_is_not_moved():
    (first,) = FaceSmoother("kalman").update([face_at(300, 200)])
    np.testing.assert_allclose(first.landmarks, face_at(300, 200).landmarks, atol=1e-2)


def test_two_faces_that_change_order_keep_their_filters():
    smoother = FaceSmoother("kalman")
    for i in range(30):
        pair = [face_at(0, i), face_at(400, i)]
        result = smoother.update(pair[:: 1 if i % 2 else -1])
        left, right = sorted(result, key=lambda face: face.box[0])
        assert abs(left.box[0]) < 1
        assert abs(right.box[0] - 400) < 1
        assert (left.track, right.track) == (1, 0)


def test_a_jump_a_loss_and_a_cut_begin_a_new_track():
    smoother = FaceSmoother("moving_average")
    assert smoother.update([face_at(0, 0)])[0].track == 0
    (jumped,) = smoother.update([face_at(200, 0)])
    assert jumped.track == 1
    assert abs(jumped.box[0] - 200) < 1e-3
    for _ in range(LOST_AFTER + 1):
        assert smoother.update([]) == []
    assert smoother.update([face_at(200, 0)])[0].track == 2
    smoother.reset()
    assert abs(smoother.update([face_at(202, 0)])[0].box[0] - 202) < 1e-3


def test_a_short_gap_does_not_end_a_track():
    smoother = FaceSmoother("kalman")
    smoother.update([face_at(0, 0)])
    for _ in range(LOST_AFTER):
        smoother.update([])
    assert smoother.update([face_at(5, 0)])[0].track == 0


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="kalman, moving_average, none"):
        FaceSmoother("median")
