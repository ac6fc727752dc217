import json

import cv2
import numpy as np
import pytest

from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import (
    CROPS,
    FACE_TEMPLATE,
    Alignment,
    Face,
    crop_template,
    estimate_similarity,
    margin,
    misalignment,
)
from fsgan_utils.landmarks import FaceMesh, five_points
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT

LANDMARKS = FACE_TEMPLATE * 120 + [80, 60]
RECORDED = json.loads((PROJECT / "tests" / "parity" / "geometry.json").read_text())["umeyama"]


def test_similarity_equals_v22s_on_twelve_recorded_sets():
    assert len(RECORDED) == 12
    for case in RECORDED:
        matrix = estimate_similarity(np.array(case["src_row_col"]), np.array(case["dst_row_col"]))
        np.testing.assert_allclose(matrix, case["matrix_row_col"], atol=1e-6)
        swapped = Alignment.from_landmarks(np.array(case["src_row_col"])[:, ::-1]).matrix[::-1]
        np.testing.assert_allclose(swapped[:, [1, 0, 2]], case["matrix_row_col"], atol=1e-6)


def test_alignment_puts_the_points_on_the_template():
    angle = np.radians(20)
    turned = LANDMARKS @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    alignment = Alignment.from_landmarks(turned, 128)
    np.testing.assert_allclose(alignment.apply(turned), FACE_TEMPLATE * 128, atol=1e-9)
    back = alignment.apply(turned) @ alignment.inverse[:, :2].T + alignment.inverse[:, 2]
    np.testing.assert_allclose(back, turned, atol=1e-9)
    assert alignment.scale == pytest.approx(128 / 120)


def test_warp_follows_by_fractions_of_a_pixel_and_unwarp_returns(faces):
    image = cv2.GaussianBlur(faces["a"].images[0], (0, 0), 2)
    alignment = Alignment.from_landmarks(LANDMARKS + 0.3, 256)
    shifted = Alignment.from_landmarks(LANDMARKS + 0.8, 256)
    assert np.abs(alignment.warp(image).astype(int) - shifted.warp(image)).mean() > 0.05
    returned = alignment.unwarp(alignment.warp(image), image.shape)
    inside = alignment.unwarp(np.full((256, 256), 255, np.uint8), image.shape) == 255
    assert inside.sum() > 10_000
    assert np.abs(returned[inside].astype(int) - image[inside]).mean() < 1
    assert not returned[alignment.unwarp(np.full((256, 256), 255, np.uint8), image.shape) == 0].any()


def test_a_strong_shrink_does_not_alias():
    stripes = np.zeros((1024, 1024), np.uint8)
    stripes[:, ::2] = 255
    small = Alignment(np.array([[0.1, 0, 0], [0, 0.1, 0]]), 100).warp(stripes)
    assert np.ptp(small.astype(int)) < 30


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("box", [0, 0, 0, 10]),
        ("box", [0, 0, 10]),
        ("landmarks", np.zeros((4, 2))),
        ("landmarks", np.full((5, 2), np.nan)),
        ("score", 1.5),
    ],
)
def test_a_face_checks_itself(field, value):
    whole = {"box": [0, 0, 10, 10], "landmarks": LANDMARKS, "score": 0.9}
    assert Face(**whole).box.dtype == np.float32
    with pytest.raises(ValueError, match=field):
        Face(**{**whole, field: value})


def test_points_that_coincide_and_matrices_that_cannot_be_undone_are_refused():
    with pytest.raises(ValueError, match="similarity"):
        Alignment.from_landmarks(np.full((5, 2), 3.0))
    with pytest.raises(ValueError, match="invertible"):
        Alignment(np.zeros((2, 3)))


def test_a_full_crop_holds_the_whole_face_where_a_half_one_cuts_its_chin():
    finder, detector, outside = FaceMesh(), FaceDetector(60), dict.fromkeys(CROPS, 0)
    for clip in ("a_target.mp4", "b_train_cool.mp4"):
        for frame in read_frames(PROJECT / "data" / "clips" / clip, every=10):
            (face, *_) = detector.detect([frame.image])[0]
            mesh, _ = finder.detect(frame.image, face.box, looks=2)
            for crop in CROPS:
                seen = Alignment.from_landmarks(five_points(mesh), 256, crop).apply(mesh[:, :2])
                edge = margin(256, 0.9)
                outside[crop] += bool(seen.min() < edge or seen.max() > 256 - edge)
    assert outside["full"] == 0 and outside["half"] > 5


def test_a_crop_is_told_from_one_of_the_other_kind():
    for crop, other in (CROPS, CROPS[::-1]):
        assert misalignment(crop_template(crop), crop) < 1e-9
        assert misalignment(crop_template(crop), other) > 0.1
    with pytest.raises(ValueError, match="crop must be one of half, full"):
        Alignment.from_landmarks(LANDMARKS, crop="whole")
