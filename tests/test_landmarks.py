import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
import skimage.data

from fsgan_utils.extraction import FaceDetector
from fsgan_utils.landmarks import (
    FAN,
    IRISES,
    MESH_EYELIDS,
    MESH_POINTS,
    MESH_TO_68,
    MIRRORED,
    FaceMesh,
    outlines_of_68,
    outlines_of_mesh,
)
from fsgan_utils.video import read_frames


@pytest.fixture(scope="module")
def mesh():
    return FaceMesh()


@pytest.fixture(scope="module")
def astronaut():
    """The frame of the reference values, the face's box in it, and the points expected."""
    canvas = np.full((720, 1280, 3), 90, np.uint8)
    canvas[100:612, 384:896] = skimage.data.astronaut()
    box = json.loads(Path("tests/parity/mtcnn.json").read_text())["faces_x0y0x1y1score"][0][:4]
    points = json.loads(Path("tests/parity/facemesh.json").read_text())["landmarks_xy_in_frame"]
    return canvas, np.array(box), np.array(points)


def test_mesh_lies_where_the_reference_lies(mesh, astronaut):
    image, box, expected = astronaut
    points, score = mesh.detect(image, box)
    assert points.shape == (468, 3)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points[:, :2], expected, atol=0.02)
    assert score > 0.99


def test_68_points_lie_on_the_features_of_a_face(mesh, astronaut):
    image, box, expected = astronaut
    points = mesh.landmarks_68(image, box)
    assert points.shape == (68, 2)
    np.testing.assert_allclose(points, expected[MESH_TO_68], atol=4)
    left_eye, right_eye, mouth = points[36:42].mean(0), points[42:48].mean(0), points[48:60].mean(0)
    (face,) = FaceDetector().detect([image])[0]
    for centre, seen in zip(
        (left_eye, right_eye, mouth), (*face.landmarks[:2], face.landmarks[3:].mean(0)), strict=True
    ):
        assert np.linalg.norm(centre - seen) < 6
    brows, chin = points[17:27, 1], points[8, 1]
    assert brows.max() < points[36:48, 1].min()
    assert chin == points[:, 1].max()
    assert points[0, 0] < left_eye[0] < points[27, 0] < right_eye[0] < points[16, 0]


def test_the_second_look_finds_a_face_off_the_middle_of_its_box(mesh, astronaut):
    image, box, expected = astronaut
    moved = box + np.array([12, 12, 12, 12])
    once = np.abs(mesh.detect(image, moved)[0][MESH_TO_68, :2] - expected[MESH_TO_68]).mean()
    twice = np.abs(mesh.landmarks_68(image, moved) - expected[MESH_TO_68]).mean()
    assert twice < once
    assert twice < 2


def test_moving_the_image_moves_the_points_by_fractions(mesh, astronaut):
    image, box, _ = astronaut
    here, _ = mesh.detect(image, box)
    there, _ = mesh.detect(image, box + 0.25)
    assert 0 < np.abs(here - there).mean() < 0.5


def test_no_face_in_the_box(mesh, astronaut):
    image, box, _ = astronaut
    assert mesh.landmarks_68(image, box - np.array([300, 0, 300, 0])) is None
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    assert mesh.landmarks_68(noise, np.array([20, 20, 230, 230])) is None


def test_box_beyond_the_image_is_allowed(mesh):
    frame = next(read_frames("data/clips/b_train_warm.mp4")).image
    (face,) = FaceDetector().detect([frame])[0]
    cropped = frame[int(face.box[1]) :, int(face.box[0]) :]
    assert mesh.landmarks_68(cropped, [0, 0, face.width, face.height]) is not None


def test_bad_settings_are_errors(mesh):
    with pytest.raises(ValueError, match="least_score"):
        FaceMesh(least_score=2)
    with pytest.raises(ValueError, match="x1 > x0"):
        mesh.detect(np.zeros((64, 64, 3), np.uint8), np.array([10, 10, 10, 20]))


def test_fan_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(ImportError, match=r"pip install .*fan"):
        FAN()


class StandInFAN(ModuleType):
    """Answers as the package face-alignment 1.5 does."""

    LandmarksType = SimpleNamespace(TWO_D=1)

    def __init__(self, online=True):
        super().__init__("face_alignment")
        self.online = online

    def FaceAlignment(self, landmarks_type, device, face_detector, compile):  # noqa: N802
        if not self.online:
            raise OSError("no route to host")
        return self

    def get_landmarks_from_image(self, image, detected_faces):
        ((x0, y0, x1, y1),) = detected_faces
        assert type(x0) is float, "the package assigns it to a tensor, which takes no NumPy float32"
        return [np.linspace([x0, y0], [x1, y1], 68)]


def test_fan_looks_in_the_box_it_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "face_alignment", StandInFAN())
    points = FAN().landmarks_68(np.zeros((64, 64, 3), np.uint8), np.array([10, 20, 30.5, 40]))
    assert points.dtype == np.float32
    np.testing.assert_allclose(points[[0, -1]], [[10, 20], [30.5, 40]])


def test_fan_without_a_network_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "face_alignment", StandInFAN(online=False))
    with pytest.raises(ConnectionError, match="no route to host"):
        FAN()


def test_a_refined_mesh_is_that_of_the_mirrored_face_mirrored(mesh, astronaut):
    image, box, _ = astronaut
    found = mesh.refine(image, mesh.detect(image, box, looks=2)[0])
    assert found.shape == (470, 3) and found.dtype == np.float32
    width = image.shape[1]
    turned = np.array([width - 1 - box[2], box[1], width - 1 - box[0], box[3]])
    mirrored = np.ascontiguousarray(image[:, ::-1])
    other = mesh.refine(mirrored, mesh.detect(mirrored, turned, looks=2)[0])[MIRRORED]
    back = np.array([width - 1, 0, 0]) + np.array([-1, 1, 1]) * other
    np.testing.assert_allclose(found[:, :2], back[:, :2], atol=0.7)
    np.testing.assert_allclose(found[:, 2], back[:, 2], atol=1.5)
    for part, outlines in outlines_of_mesh(found).items():
        np.testing.assert_allclose(outlines, outlines_of_mesh(back)[part], atol=0.6)


def test_a_refined_mesh_depends_less_on_where_the_face_was_looked_for(mesh, astronaut):
    image, box, _ = astronaut
    moves = np.random.default_rng(0).uniform(-8, 8, (6, 4))
    once = [mesh.detect(image, box + move)[0] for move in moves]
    refined = [mesh.refine(image, one) for one in once]
    assert np.std(refined, axis=0).mean() < 0.4 * np.std(once, axis=0).mean()


def test_a_tilted_face_has_the_refined_mesh_of_an_upright_one(mesh, astronaut):
    image, box, _ = astronaut
    middle = (box[:2] + box[2:]) / 2
    turn = cv2.getRotationMatrix2D(middle.tolist(), 25, 1)
    tilted = cv2.warpAffine(image, turn, image.shape[1::-1])
    upright, _ = mesh.detect(image, box, looks=2)
    seen, _ = mesh.detect(tilted, box, looks=2)
    errors = [
        np.linalg.norm(there[:, :2] - (here[:, :2] @ turn[:, :2].T + turn[:, 2]), axis=1).mean()
        for here, there in ((upright, seen), (mesh.refine(image, upright), mesh.refine(tilted, seen)))
    ]
    assert errors[1] < 0.5 * errors[0]


def test_a_mesh_where_no_face_is_stays(mesh):
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    found, score = mesh.detect(noise, np.array([20, 20, 230, 230]))
    assert score < mesh.least_score
    refined = mesh.refine(noise, found)
    np.testing.assert_array_equal(refined[:MESH_POINTS], found)
    np.testing.assert_allclose(refined[IRISES], found[MESH_EYELIDS].mean(axis=1), atol=1e-3)


def test_outlines_hold_the_eyes_and_lie_between_brows_and_nose(mesh, astronaut):
    image, box, _ = astronaut
    points = mesh.landmarks_68(image, box)
    found = outlines_of_mesh(mesh.refine(image, mesh.detect(image, box, looks=2)[0]))
    for eye, six in zip(found["eyes"], (points[36:42], points[42:48]), strict=True):
        assert np.linalg.norm(eye.mean(axis=0) - six.mean(axis=0)) < 2
        assert abs(np.ptp(eye[:, 0]) - np.ptp(six[:, 0])) < 4
    lips = outlines_of_68(points)["mouth"][0]
    assert np.linalg.norm(found["mouth"][0].mean(axis=0) - lips.mean(axis=0)) < 3
