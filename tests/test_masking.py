import cv2
import numpy as np
import pytest
from painter import Painter

from fsgan_utils.conversion import ConvertConfig, build_detector, face_mask, place, swap_faces
from fsgan_utils.conversion.blending import feather
from fsgan_utils.conversion.masking import ABOVE_BROWS, BELOW_HAIR, below_forehead, to_edge
from fsgan_utils.extraction import FaceTracker, Sighting
from fsgan_utils.faces import Alignment
from fsgan_utils.heads import Proportions
from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS
from fsgan_utils.masks import outline_mask
from fsgan_utils.video import read_frames
from tools.obstacles import hand, microphone, stick

SIDE = 206
FULL = np.ones((SIDE, SIDE), np.float32)


@pytest.fixture(scope="module")
def tracker():
    return FaceTracker(build_detector(ConvertConfig()))


def seen(tracker, image):
    tracker.reset()
    return tracker.update(image)[0]


@pytest.fixture(scope="module")
def picture():
    """A with an open mouth."""
    return next(read_frames("data/clips/a_target.mp4", start=1.0)).image


@pytest.fixture(scope="module")
def sighting(tracker, picture):
    return seen(tracker, picture)[0]


@pytest.fixture(scope="module")
def mesh(sighting):
    alignment = place(sighting.face.landmarks, Painter(), ConvertConfig())
    return alignment.apply(sighting.mesh[:, :2])


def filled(points):
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(points).astype(np.int32), 1)
    return mask.astype(bool)


def test_by_default_it_is_the_networks_mask_with_a_soft_rim(mesh):
    alpha = np.random.default_rng(0).uniform(-0.1, 1.1, (SIDE, SIDE)).astype(np.float32)
    expected = np.clip(alpha, 0, 1) * feather(SIDE)
    np.testing.assert_array_equal(face_mask(alpha, mesh, ConvertConfig(mask="attention")), expected)
    np.testing.assert_array_equal(face_mask(alpha, None, ConvertConfig(mask="attention")), expected)


def test_the_hull_limits_the_mask_and_is_soft_inwards(mesh):
    hull = outline_mask(mesh, SIDE) > 0
    mask = face_mask(FULL, mesh, ConvertConfig(mask="both"))
    assert not mask[~hull].any()
    inner = cv2.erode(hull.astype(np.uint8), np.ones((31, 31), np.uint8)) * feather(SIDE)
    assert mask[inner == 1].min() > 0.99
    assert max(np.abs(np.diff(mask, axis=axis)).max() for axis in (0, 1)) < 0.25
    nothing = np.zeros_like(FULL)
    assert not face_mask(nothing, mesh, ConvertConfig(mask="both")).any()
    np.testing.assert_array_equal(face_mask(nothing, mesh, ConvertConfig(mask="hull")), mask)


@pytest.mark.parametrize("mask", ["attention", "hull", "both"])
def test_growing_and_blurring(mesh, mask):
    alpha = filled(150 + 45 * np.float32([(np.cos(t), np.sin(t)) for t in np.arange(0, 6.28, 0.1)]) - [50, 50])
    areas = [
        face_mask(np.float32(alpha), mesh, ConvertConfig(mask=mask, mask_grow=grow, mask_blur=blur))
        for grow, blur in ((-0.05, 0), (0, 0), (0.05, 0), (0, 0.04))
    ]
    smaller, plain, larger, blurred = areas
    assert (smaller <= plain).all()
    assert (plain <= larger).all()
    assert smaller.sum() < 0.95 * plain.sum() < 0.9 * larger.sum()
    steepness = [max(np.abs(np.diff(area, axis=axis)).max() for axis in (0, 1)) for area in (plain, blurred)]
    assert steepness[1] < 0.8 * steepness[0]


@pytest.mark.parametrize(("part", "points"), [("mouth", MESH_INNER_LIPS), ("eyes", MESH_EYELIDS[1])])
def test_parts_of_the_source_are_kept(mesh, part, points):
    kept = filled(cv2.convexHull(mesh[points].astype(np.float32))[:, 0])
    assert kept.sum() > 30
    plain, holed = (face_mask(FULL, mesh, ConvertConfig(keep=keep)) for keep in ((), (part,)))
    assert holed[kept].mean() < 0.1
    assert (holed < plain).mean() < 0.15


def test_without_a_mesh_a_hull_is_refused_and_such_a_face_left_alone(picture, sighting):
    for config in (ConvertConfig(mask="hull"), ConvertConfig(mask="attention", keep=("mouth",))):
        with pytest.raises(ValueError, match="needs the face's mesh"):
            face_mask(FULL, None, config)
        bare = Sighting(sighting.face, None, sighting.alignment, sighting.image)
        (result,) = swap_faces([picture], [[bare]], Painter(), config)
        assert (result.swapped, result.left_alone) == (0, 1)
        np.testing.assert_array_equal(result.image, picture)


def test_without_a_mesh_a_guided_model_leaves_a_face_alone(picture, sighting):
    guided, bare = Painter(), Sighting(sighting.face, None, sighting.alignment, sighting.image)
    guided.proportions = Proportions.between({"a": sighting.mesh, "b": sighting.mesh})
    for model, swapped in ((guided, 0), (Painter(), 1)):
        (result,) = swap_faces([picture], [[bare]], model, ConvertConfig())
        assert (result.swapped, result.left_alone) == (swapped, 1 - swapped)


@pytest.mark.parametrize("obstacle", [stick, hand, microphone])
@pytest.mark.parametrize("mask", ["hull", "both"])
def test_nothing_outside_the_hull_is_painted_over(tracker, picture, sighting, obstacle, mask):
    image, covered = obstacle(picture, sighting.face)
    (found, *_) = seen(tracker, image)
    outside = covered & (outline_in(image, found) == 0)
    assert outside.sum() > 100
    (result,) = swap_faces([image], [[found]], covering_painter(), ConvertConfig(mask=mask, color_correction="none"))
    np.testing.assert_array_equal(result.image[outside], image[outside])
    assert np.abs(result.image.astype(int) - image)[outline_in(image, found) > 0].mean() > 10


def test_the_networks_mask_alone_may_paint_over_what_lies_beside_the_face(tracker, picture, sighting):
    image, covered = stick(picture, sighting.face)
    (found, *_) = seen(tracker, image)
    outside = covered & (outline_in(image, found) == 0)
    config = ConvertConfig(mask="attention", color_correction="none", keep_objects=False)
    (result,) = swap_faces([image], [[found]], covering_painter(), config)
    assert (result.image != image)[outside].any(axis=-1).sum() > 50


def covering_painter():
    """A stand-in whose mask covers the whole crop."""
    model = Painter()
    plain = model.generate
    model.generate = lambda images, direction: np.concatenate(
        [np.ones_like(images[..., :1]), plain(images, direction)[..., 1:]], axis=-1
    )
    return model


def outline_in(image, sighting):
    """The hull of a face's mesh in the picture, with the pixels that it touches."""
    whole = Alignment(np.eye(2, 3), max(image.shape[:2]))
    mask = outline_mask(whole.apply(sighting.mesh[:, :2]), whole.size)[: image.shape[0], : image.shape[1]]
    return cv2.dilate(mask, np.ones((5, 5), np.uint8))


def test_the_line_across_the_forehead_lies_between_brows_and_hair_however_the_head_is_tilted(mesh):
    middle = np.full(2, SIDE / 2)
    for degrees in (0, 40):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        tilted = (mesh - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle
        for reach in (0.3, 0.7):
            below = below_forehead(tilted, SIDE, reach)
            for share, inside in ((reach - 0.2, True), (reach + 0.2, False)):
                row = (tilted[ABOVE_BROWS] + share * (tilted[BELOW_HAIR] - tilted[ABOVE_BROWS]))[3:-3]
                columns, rows = np.rint(row[(row >= 0).all(axis=1) & (row < SIDE - 1).all(axis=1)]).astype(int).T
                assert len(rows) >= 3 and ((below[rows, columns] > 0.5) == inside).all()
            for part in (*MESH_EYELIDS, MESH_INNER_LIPS):
                assert below[filled(tilted[part])].min() > 0.97


def test_a_guided_networks_mask_is_widened_by_less_than_a_pixel():
    alpha = np.zeros((64, 64), np.float32)
    alpha[20:40, 20:40] = 1
    wider = to_edge(alpha)
    np.testing.assert_array_equal(wider[alpha == 1], 1)
    assert 0 < wider[19, 30] < 1 and wider[18, 30] == 0 and wider[19, 19] == 0
