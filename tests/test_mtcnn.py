import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from fsgan_utils.extraction import FaceDetector
from fsgan_utils.extraction.boxes import averaged, cut, enlarged, keep_best, keep_best_of_nested
from fsgan_utils.extraction.networks import LARGEST_RESERVE, DetectionNetwork
from fsgan_utils.extraction.proposal import find_cells
from fsgan_utils.extraction.pyramid import View
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
    one_image, two_images = np.array([0, 0, 0, 0]), np.array([0, 1, 0, 1])
    assert keep_best(boxes, scores, one_image, 0.5).tolist() == [1, 2, 3]
    assert keep_best_of_nested(boxes, scores, one_image, 0.5).tolist() == [1, 2]
    assert sorted(keep_best(boxes, scores, two_images, 0.5)) == [0, 1, 2, 3]
    assert keep_best_of_nested(boxes, scores, two_images, 0.5).tolist() == [1, 0, 2]


def test_the_overlap_of_boxes_counts_their_last_pixels():
    boxes = np.array([[1, 1, 4, 4], [1, 3, 4, 6]], float)  # 8 common pixels of 24
    scores, groups = np.array([0.9, 0.8]), np.array([0, 0])
    assert keep_best(boxes, scores, groups, 0.32).tolist() == [0]
    assert keep_best(boxes, scores, groups, 0.34).tolist() == [0, 1]


def test_no_boxes_leave_none():
    nothing = np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), 0.5
    assert keep_best(*nothing).tolist() == keep_best_of_nested(*nothing).tolist() == []


def test_a_cut_shows_what_of_the_box_lies_in_the_image():
    image = np.zeros((10, 10, 3), np.uint8)
    image[:, :5] = 200
    crop = cut(image, np.array([-4, 1, 10, 10]), 10)
    assert crop[:, :5].min() == 200
    assert crop[:, 5:].max() == 0
    for outside in ([-9, 1, 0, 10], [1, 11, 10, 20], [-9, -9, 0, 0]):
        assert cut(image, np.array(outside), 10).max() == 0


def test_an_enlarged_box_covers_the_same_pixels():
    assert enlarged(np.array([1, 1, 10, 5]), 2).tolist() == [1, 1, 20, 10]
    assert enlarged(np.array([3, 3, 3, 3]), 4).tolist() == [9, 9, 12, 12]


@pytest.mark.parametrize(("size", "least"), [((720, 1280), 72), ((1080, 1920), 108), ((160, 200), 20)])
def test_the_smallest_face_follows_the_shorter_side(size, least):
    assert FaceDetector().smallest_face(*size) == least
    assert FaceDetector(33).smallest_face(*size) == 33


def overlap(box, other):
    common = (np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])).prod()
    return common / ((box[2:] - box[:2]).prod() + (other[2:] - other[:2]).prod() - common)


def test_a_large_image_is_reduced_and_its_faces_found_where_they_are(person_a):
    large = cv2.resize(person_a, (1600, 1600), interpolation=cv2.INTER_CUBIC)
    (reduced,), (whole,) = (FaceDetector(200, downscale=setting).detect([large])[0] for setting in (True, False))
    np.testing.assert_allclose(reduced.landmarks, whole.landmarks, atol=0.03 * whole.width)
    assert overlap(reduced.box, whole.box) > 0.8
    quarter = cv2.resize(
        cv2.resize(large, (800, 800), interpolation=cv2.INTER_AREA), (400, 400), interpolation=cv2.INTER_AREA
    )
    (small,) = FaceDetector(50).detect([quarter])[0]
    np.testing.assert_allclose(reduced.landmarks, 4 * (small.landmarks + 0.5) - 0.5, atol=0.01)
    np.testing.assert_allclose(reduced.box, enlarged(small.box, 4), atol=0.01)
    assert View.of(large, 200, downscale=True).image.shape == (400, 400, 3)
    assert View.of(large, 191, downscale=True).image.shape == (800, 800, 3)
    assert View.of(large, 200, downscale=False).image is large


def test_a_level_is_the_image_reduced_by_area(person_a):
    view = View.of(cv2.resize(person_a, (960, 640)), 20, downscale=True)
    assert [half.shape[:2] for half in view.halves] == [(640, 960), (320, 480), (160, 240), (80, 120), (40, 60)]
    for scale in view.scales(0.709):
        level = view.level(scale)
        direct = cv2.resize(view.image, level.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert cv2.absdiff(level, direct).mean() < 1.5


@pytest.fixture(scope="module")
def crowd(person_a, person_b):
    """Twenty heads, their faces 20 to 70 pixels high, before coloured blobs."""
    colours = np.random.default_rng(0).integers(20, 235, (9, 16, 3)).astype(np.uint8)
    picture = cv2.resize(colours, (960, 640), interpolation=cv2.INTER_CUBIC)
    for number, side in enumerate(np.geomspace(52, 180, 20).astype(int)):
        y, x = 210 * (number % 3) + 10, 132 * (number // 3) + 2
        side = min(side, 130)
        head = (person_a, person_b)[number % 2]
        picture[y : y + side, x : x + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    return picture


def test_looking_only_where_it_is_promising_loses_no_face(crowd, monkeypatch):
    (found,) = FaceDetector(20).detect([crowd])
    monkeypatch.setattr("fsgan_utils.extraction.proposal.PROMISING", 0)
    (everywhere,) = FaceDetector(20).detect([crowd])
    assert len(found) == len(everywhere) >= 18
    for face, other in zip(found, everywhere, strict=True):
        assert overlap(face.box, other.box) > 0.95


def test_tiles_show_what_the_whole_level_shows(detector, crowd, monkeypatch):
    monkeypatch.setattr("fsgan_utils.extraction.proposal.PROMISING", 0)
    network = detector.networks.proposal
    pyramid = [crowd[:431, :613], crowd[:216, :306]]
    (levels,) = find_cells(network, [pyramid], 0.6)
    for pixels, cells in zip(pyramid, levels, strict=True):
        (answers,) = network(pixels[None].astype(np.float32))
        position = np.argwhere(answers[:-1, :-1, -1] >= np.log(0.6 / 0.4))  # the last cells see the level's end
        inner = (cells.position < np.array(answers.shape[:2]) - 1).all(axis=1)
        order = np.lexsort(cells.position[inner].T[::-1])
        np.testing.assert_array_equal(cells.position[inner][order], position)
        np.testing.assert_allclose(cells.answer[inner][order], answers[tuple(position.T)], atol=1e-4)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_points_of_a_face_that_the_edge_cuts_are_where_they_are(person_a, axis):
    whole = cv2.resize(person_a, (1280, 1280), interpolation=cv2.INTER_CUBIC)
    (expected,) = FaceDetector().detect([whole])[0]
    start = int(expected.box[1 - axis] + 0.15 * (expected.height, expected.width)[axis])
    (face,) = FaceDetector().detect([whole[start:] if axis == 0 else whole[:, start:]])[0]
    shift = start * np.array([axis, 1 - axis])
    np.testing.assert_allclose(face.landmarks + shift, expected.landmarks, atol=0.1 * expected.width)


def test_threads_may_share_a_detector(detector, person_a, person_b):
    wide = np.hstack([person_a, person_b])
    images = [person_a, wide, person_b] * 4
    expected = detector.detect(images)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda image: detector.detect([image])[0], images))
    for alone, together in zip(found, expected, strict=True):
        assert len(alone) == len(together) > 0
        for face, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(face.landmarks, other.landmarks)


def test_a_network_keeps_what_it_needed_last():
    network = DetectionNetwork("proposal")
    for width in range(12, 12 + LARGEST_RESERVE + 5):
        assert network(np.zeros((1, 12, width, 3), np.float32)).shape == (1, 1, -(-(width - 2) // 2) - 4, 5)
    assert len(network._idle) == LARGEST_RESERVE
    assert network._idle[-1][0] == (1, 12, width, 3)


@pytest.mark.parametrize("box", [(-100, 200, 899, 1199), (903, 100, 1403, 600), (103, 205, 596, 698)])
def test_the_crop_of_a_large_box_is_cut_from_a_half_and_shows_the_same(person_a, box):
    view = View.of(cv2.resize(person_a, (1280, 1280)), 20, downscale=True)
    difference = np.abs(view.crop(np.array(box), 24) - cut(view.image, np.array(box), 24))
    assert 0.01 < difference.mean() < 0.7 and difference.max() < 8


def test_a_part_whose_edges_lie_within_pixels_is_averaged_by_area():
    image = np.repeat(np.uint8([[0, 80, 160, 240]] * 2)[..., None], 3, axis=2)
    start, stop = np.array([0.5, 0.0]), np.array([3.5, 2.0])
    np.testing.assert_allclose(averaged(image, start, stop, 1), np.full((1, 1, 3), 120), atol=1e-4)
    np.testing.assert_allclose(averaged(image, start, stop, 2)[0, :, 0], [80 / 1.5, 280 / 1.5], atol=1e-4)
    assert averaged(image, stop, start, 2).max() == 0
