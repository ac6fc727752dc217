import cv2
import numpy as np
import pytest
import skimage.data
from conftest import CLIPS
from v22_files import PARITY

from fsgan_utils.embedding import MobileNetEmbedder, ResNetEmbedder, face_crop
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import Alignment
from fsgan_utils.video import read_frames

PORTRAIT = skimage.data.astronaut()[40:220, 150:300]
DIMENSIONS = {MobileNetEmbedder: 1024, ResNetEmbedder: 128}


@pytest.fixture(scope="module", params=DIMENSIONS, ids=lambda kind: kind.__name__)
def embedder(request):
    return request.param()


@pytest.fixture(scope="module")
def others():
    """Faces from clips that the session's faces are not of: as the detector boxes them, and aligned."""
    detector = FaceDetector(60)
    found = {kind: {"a": [], "b": []} for kind in ("boxed", "aligned")}
    for clip in ("a_target.mp4", "a_train_cool.mp4", "b_target.mp4", "b_train_cool.mp4"):
        for frame in read_frames(CLIPS / clip, every=20):
            (face, *_) = detector.detect([frame.image])[0]
            found["boxed"][clip[0]].append(face_crop(frame.image, face.box, MobileNetEmbedder.margin))
            found["aligned"][clip[0]].append(Alignment.from_landmarks(face.landmarks).warp(frame.image))
    return found


def test_mobilenet_gives_the_published_networks_vector():
    with np.load(PARITY / "faceres_check.npz") as record:
        expected = record["embedding"] / np.linalg.norm(record["embedding"])
    (vector,) = MobileNetEmbedder().embed([PORTRAIT])
    np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_vectors_are_of_length_one_and_do_not_depend_on_their_neighbours(embedder, faces):
    crops = [PORTRAIT, *faces["a"].images, *faces["b"].images[:, 30:, 10:], PORTRAIT]
    vectors = embedder.embed(crops)
    assert vectors.shape == (len(crops), DIMENSIONS[type(embedder)]) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[-1], atol=1e-5)
    np.testing.assert_allclose(embedder.embed(crops[3:4])[0], vectors[3], atol=1e-4)
    assert embedder.embed([]).shape == (0, DIMENSIONS[type(embedder)])


def test_any_frame_is_nearer_to_its_own_person(embedder, others):
    """Within a person, in two lights, the least alike of all pairs of frames is more alike than any pair across."""
    a, b = (embedder.embed(others["aligned"][side]) for side in "ab")
    assert min((a @ a.T).min(), (b @ b.T).min()) > (a @ b.T).max()


@pytest.mark.parametrize(
    ("network", "kind"), [(MobileNetEmbedder, "boxed"), (MobileNetEmbedder, "aligned"), (ResNetEmbedder, "aligned")]
)
def test_faces_of_other_scenes_find_their_person(network, kind, faces, others):
    embedder = network()
    gallery = {side: embedder.embed(faces[side].images) for side in "ab"}
    for side, other in ("ab", "ba"):
        vectors = embedder.embed(others[kind][side])
        assert ((vectors @ gallery[side].T).max(axis=1) > (vectors @ gallery[other].T).max(axis=1)).all()


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((0, 8, 3), np.uint8)]
)
def test_what_is_no_crop_is_refused(embedder, image):
    with pytest.raises(ValueError, match="embed expects uint8 RGB crops"):
        embedder.embed([PORTRAIT, image])


def test_a_crop_is_the_box_with_its_margin():
    image = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)
    np.testing.assert_array_equal(face_crop(image, (20, 10, 60, 40)), image[10:40, 20:60])
    np.testing.assert_array_equal(face_crop(image, (20, 10, 60, 40), margin=0.1), image[7:43, 16:64])


def test_a_crop_beyond_the_image_repeats_its_border():
    image = np.random.RandomState(0).randint(0, 256, (20, 20, 3)).astype(np.uint8)
    expected = cv2.copyMakeBorder(image, 5, 0, 0, 3, cv2.BORDER_REPLICATE)
    np.testing.assert_array_equal(face_crop(image, np.float32([0, -5, 23, 20])), expected)


def test_a_crop_moves_with_fractions_of_a_pixel():
    ramp = np.repeat((np.arange(40, dtype=np.uint8) * 4)[None, :, None], 3, axis=2).repeat(20, axis=0)
    shifted = face_crop(ramp, (10.5, 0, 30.5, 20)).astype(int) - face_crop(ramp, (10, 0, 30, 20))
    assert (shifted == 2).all()


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (5, 9, 8, 5)])
def test_an_empty_box_is_refused(box):
    with pytest.raises(ValueError, match="x1 > x0"):
        face_crop(PORTRAIT, box)
