import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from fsgan_utils.extraction import FaceDetector
from fsgan_utils.extraction.boxes import cut, keep_best
from fsgan_utils.extraction.networks import load_networks
from fsgan_utils.video import read_frames

PUBLISHED = json.loads(Path("tests/parity/mtcnn.json").read_text())


@pytest.fixture(scope="module")
def astronaut_in_grey():
    canvas = np.full((720, 1280, 3), 90, np.uint8)
    canvas[100:612, 384:896] = skimage.data.astronaut()
    return canvas


@pytest.fixture(scope="module")
def person_a():
    return next(read_frames("data/clips/a_train_studio.mp4")).image


@pytest.fixture(scope="module")
def person_b():
    return next(read_frames("data/clips/b_train_warm.mp4")).image


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


def test_finds_what_the_published_network_finds(astronaut_in_grey):
    (faces,) = FaceDetector(min_face=PUBLISHED["min_size"]).detect([astronaut_in_grey])
    *box, score = PUBLISHED["faces_x0y0x1y1score"][0]
    assert len(faces) == 1
    np.testing.assert_allclose(faces[0].box, box, atol=0.01)
    np.testing.assert_allclose(faces[0].landmarks, np.reshape(PUBLISHED["points"], (2, 5)).T, atol=0.01)
    assert faces[0].score == pytest.approx(score, abs=1e-5)


def test_images_together_give_what_each_gives_alone(detector, person_a, person_b):
    wide = np.hstack([person_a, person_b])
    together = detector.detect([person_a, wide, person_b])
    assert [len(faces) for faces in together] == [1, 2, 1]
    for image, faces in zip([person_a, wide, person_b], together, strict=True):
        for alone, face in zip(detector.detect([image])[0], faces, strict=True):
            np.testing.assert_allclose(face.box, alone.box, atol=0.01)
            np.testing.assert_allclose(face.landmarks, alone.landmarks, atol=0.01)


def test_a_stack_is_as_good_as_a_list(detector, person_a, person_b):
    stacked = detector.detect(np.stack([person_a, person_b]))
    listed = detector.detect([person_a, person_b])
    assert [len(faces) for faces in stacked] == [len(faces) for faces in listed] == [1, 1]


def test_faces_come_largest_first(detector, person_a, person_b):
    small = cv2.copyMakeBorder(cv2.resize(person_a, (160, 160)), 0, 160, 0, 0, cv2.BORDER_REPLICATE)
    (faces,) = detector.detect([np.hstack([small, person_b])])
    assert len(faces) == 2
    assert faces[0].landmarks[0, 0] > 160 > faces[1].landmarks[1, 0]


def test_min_face_leaves_small_faces_out(person_a):
    small = cv2.resize(person_a, (80, 80), interpolation=cv2.INTER_AREA)
    canvas = cv2.copyMakeBorder(small, 0, 240, 0, 240, cv2.BORDER_REPLICATE)
    assert len(FaceDetector(min_face=24).detect([canvas])[0]) == 1
    assert FaceDetector(min_face=150).detect([canvas]) == [[]]


@pytest.mark.parametrize("size", [(8, 8), (1, 300), (243, 321)])
def test_an_image_without_a_face_gives_an_empty_list(detector, size):
    assert detector.detect([np.full((*size, 3), 120, np.uint8)]) == [[]]


def test_no_images_give_no_lists(detector):
    assert detector.detect([]) == []


def test_a_face_at_the_edge_is_found(detector, person_a):
    (face,) = detector.detect([person_a])[0]
    cropped = person_a[:, int(face.box[0] + face.width * 0.15) :]
    assert len(detector.detect([cropped])[0]) == 1


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9, 3)), np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((0, 9, 3), "u1")]
)
def test_what_is_no_uint8_rgb_image_is_an_error(detector, image):
    with pytest.raises(ValueError, match="uint8 RGB"):
        detector.detect([image])


def test_one_image_without_a_list_is_an_error(detector, person_a):
    with pytest.raises(ValueError, match="list of uint8 RGB"):
        detector.detect(person_a)


@pytest.mark.parametrize(
    ("setting", "value"), [("min_face", 5), ("thresholds", (0.6, 0.7)), ("thresholds", (0.6, 0.7, 7)), ("factor", 1)]
)
def test_settings_are_checked(setting, value):
    with pytest.raises(ValueError, match=setting):
        FaceDetector(**{setting: value})


def test_overlapping_boxes_leave_the_best():
    boxes = np.array([[0, 0, 9, 9], [1, 0, 10, 9], [50, 50, 59, 59], [2, 2, 5, 5]], float)
    scores = np.array([0.8, 0.9, 0.7, 0.6])
    assert keep_best(boxes, scores, 0.5).tolist() == [1, 2, 3]
    assert keep_best(boxes, scores, 0.5, "smaller").tolist() == [1, 2]


def test_a_cut_outside_the_image_is_black_there():
    image = np.full((10, 10, 3), 200, np.uint8)
    crop = cut(image, np.array([-4, 1, 5, 10]), 10)
    assert crop[:, :5].max() == 0
    assert crop[:, 5:].min() == 200


def test_finding_the_weights_does_not_import_their_package(monkeypatch):
    monkeypatch.delitem(sys.modules, "mtcnn", raising=False)
    load_networks.__wrapped__()
    assert "mtcnn" not in sys.modules
