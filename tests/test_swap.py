import numpy as np
import pytest
from painter import Painter

from fsgan_utils.conversion import ConvertConfig, Swapped, build_detector, generate_faces, swap_faces, swap_image
from fsgan_utils.conversion.blending import feather, footprint, paste
from fsgan_utils.extraction import FaceTracker, Sighting
from fsgan_utils.faces import Alignment, Face, margin
from fsgan_utils.video import read_frames

PLAIN = ConvertConfig(color_correction="none")


@pytest.fixture(scope="module")
def detector():
    return build_detector(PLAIN)


@pytest.fixture(scope="module")
def picture():
    return next(read_frames("data/clips/a_target.mp4", start=1.0)).image


@pytest.fixture(scope="module")
def faces(detector, picture):
    return FaceTracker(detector).update(picture)[0]


def moved(sighting, shift):
    """The same face elsewhere."""
    face = sighting.face
    shifted = Face(face.box + np.tile(shift, 2), face.landmarks + shift, face.score)
    return Sighting(shifted, sighting.mesh + np.append(shift, 0), None, None)


def redness(image):
    return image[..., 0].astype(float) - image[..., 2]


def test_the_face_is_replaced_and_nothing_else(picture, detector, faces):
    result = swap_image(picture, Painter(), PLAIN, detector)
    assert result.dtype == np.uint8
    assert result.shape == picture.shape
    nose_x, nose_y = np.rint(faces[0].face.landmarks[2]).astype(int)
    assert redness(result)[nose_y, nose_x] > redness(picture)[nose_y, nose_x] + 50
    x0, y0, x1, y1 = np.clip(faces[0].face.box.astype(int), 40, 280)
    outside = np.ones(picture.shape[:2], bool)
    outside[y0 - 40 : y1 + 40, x0 - 40 : x1 + 40] = False
    np.testing.assert_array_equal(result[outside], picture[outside])


def test_a_model_that_draws_its_input_changes_next_to_nothing(picture, faces):
    model = Painter(resolution=256, tint=0)
    (swapped,) = swap_faces([picture], [faces], model, PLAIN)
    assert swapped.mask.max() == pytest.approx(1)
    assert np.abs(swapped.image.astype(int) - picture).max() <= 25
    assert np.abs(swapped.image.astype(int) - picture)[swapped.mask > 0].mean() < 1.5


def test_no_alpha_no_change(picture, faces):
    (swapped,) = swap_faces([picture], [faces], Painter(alpha=0), ConvertConfig())
    np.testing.assert_array_equal(swapped.image, picture)
    assert not swapped.mask.any()


def test_the_direction_chooses_the_network(picture, faces):
    (to_b,) = swap_faces([picture], [faces], Painter(), PLAIN)
    (to_a,) = swap_faces([picture], [faces], Painter(), ConvertConfig(direction="BtoA", color_correction="none"))
    inside = to_b.mask > 0.9
    assert redness(to_b.image)[inside].mean() > redness(to_a.image)[inside].mean() + 100


@pytest.mark.parametrize("method", ["adain", "adain_xyz", "hist_match"])
def test_colour_correction_brings_the_tint_back(picture, faces, method):
    (tinted,) = swap_faces([picture], [faces], Painter(), PLAIN)
    (corrected,) = swap_faces([picture], [faces], Painter(), ConvertConfig(color_correction=method))
    inside = tinted.mask > 0.9
    error = [np.abs(s.image[inside].mean(axis=0) - picture[inside].mean(axis=0)).max() for s in (tinted, corrected)]
    assert error[1] < 12 < 50 < error[0]


def test_enhance_exaggerates_the_difference(picture, faces):
    small = Painter(tint=0.1)
    (plain,) = swap_faces([picture], [faces], small, PLAIN)
    (more,) = swap_faces([picture], [faces], small, ConvertConfig(color_correction="none", enhance=0.5))
    inside = plain.mask > 0.9
    change = [(s.image[inside].astype(float) - picture[inside])[:, 0].mean() for s in (plain, more)]
    assert change[1] == pytest.approx(1.5 * change[0], rel=0.1)


def test_several_faces_in_several_pictures_are_one_call(picture, faces):
    pair = np.concatenate([picture, picture], axis=1)
    shifted = moved(faces[0], np.array([320, 0]))
    model = Painter()
    results = swap_faces([pair, picture], [[faces[0], shifted], []], model, PLAIN)
    assert model.calls == [2]
    assert [(r.swapped, r.left_alone) for r in results] == [(2, 0), (0, 0)]
    np.testing.assert_allclose(results[0].image[:, :320].astype(int), results[0].image[:, 320:], atol=3)
    np.testing.assert_array_equal(results[1].image, picture)


def test_a_face_that_cannot_be_aligned_is_left_alone(picture):
    flat = Sighting(Face(np.array([50, 50, 150, 150]), np.full((5, 2), 100.0), 0.9), None, None, None)
    (result,) = swap_faces([picture], [[flat]], Painter(), PLAIN)
    assert (result.swapped, result.left_alone) == (0, 1)
    np.testing.assert_array_equal(result.image, picture)


def test_a_face_at_the_rim_is_swapped_as_far_as_it_shows(picture, faces):
    half = np.ascontiguousarray(picture[:, int(faces[0].face.landmarks[2, 0]) :])
    (result,) = swap_faces([half], [[moved(faces[0], np.array([half.shape[1] - 320, 0]))]], Painter(), PLAIN)
    assert result.mask[:, :20].max() > 0.9
    assert result.image.shape == half.shape


def test_a_picture_without_a_face_comes_back_unchanged(detector):
    empty = np.full((120, 160, 3), 90, np.uint8)
    np.testing.assert_array_equal(swap_image(empty, Painter(), PLAIN, detector), empty)


def test_the_network_sees_the_middle_of_the_crop(picture, faces):
    crop = Alignment.from_landmarks(faces[0].face.landmarks).warp(picture)
    (face,) = generate_faces([crop], Painter(), PLAIN)
    assert margin(256, 0.9) == 25
    np.testing.assert_array_equal(face.source, crop[25:231, 25:231])
    assert face.raw.shape == face.corrected.shape == (206, 206, 3)
    assert face.alpha.max() <= 1
    assert face.blended.dtype == np.uint8


@pytest.mark.parametrize(("damage", "message"), [(lambda x: x[:, :32], "Received"), (lambda x: x * np.nan, "finite")])
def test_a_model_that_draws_nonsense_is_named(picture, faces, damage, message):
    model = Painter()
    whole = model.generate
    model.generate = lambda images, direction: damage(whole(images, direction))
    with pytest.raises(ValueError, match=message):
        swap_faces([picture], [faces], model, PLAIN)


def mask_of(image, patch):
    return Swapped(image, [patch], 1, 0).mask


def test_pasting_has_no_seam_at_any_scale_or_angle():
    y, x = np.mgrid[:200, :300].astype(np.float32)
    image = np.stack([x / 3, y, 100 + 0 * x], axis=-1).astype(np.uint8)
    for scale, angle in ((0.5, 0.3), (1.7, -0.8), (4.0, 2.0)):
        rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        alignment = Alignment(np.column_stack([rotation, 32 - rotation @ (150, 100)]), 64)
        canvas = image.copy()
        mask = mask_of(canvas, paste(canvas, np.full((64, 64, 3), 255, np.uint8), feather(64), alignment))
        assert mask.max() > 0.99
        np.testing.assert_array_equal(canvas[mask == 0], image[mask == 0])
        steepest = max(np.abs(np.diff(mask, axis=axis)).max() for axis in (0, 1))
        assert steepest < 0.35 * max(1, scale)
        middle = np.abs(canvas[100, 150].astype(int) - 255).max()
        assert middle < 1


@pytest.mark.parametrize("scale", [1, 2, 3.3, 6])
def test_a_face_stays_in_place_and_does_not_alias_however_small(scale):
    fine = np.repeat(255 * (np.indices((206, 206)).sum(axis=0) % 2).astype(np.uint8)[..., None], 3, axis=2)
    coarse = np.zeros((206, 206, 3), np.uint8)
    coarse[:, 103:] = 200
    matrix = np.array([[scale, 0, 103 - scale * 150.3], [0, scale, 103 - scale * 110.6]])
    results = []
    for face in (fine, coarse):
        canvas = np.zeros((220, 300, 3), np.uint8)
        mask = mask_of(canvas, paste(canvas, face, feather(206), Alignment(matrix, 206)))
        results.append(canvas[..., 0].astype(float))
    inside = mask > 0.99
    assert scale == 1 or results[0][inside].std() < 20
    row = results[1][110]
    edge = np.interp(100, row[140:160], np.arange(140, 160))
    assert edge == pytest.approx(150.3 - 0.5 / scale, abs=0.3)


def test_a_crop_outside_the_picture_has_no_footprint():
    assert footprint(Alignment(np.array([[1, 0, -1000], [0, 1, 0]], float), 64), (100, 100)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"direction": "atob"},
        {"roi_coverage": 0.4},
        {"color_correction": "hist"},
        {"smoothing": "yes"},
        {"kalman_noise": 0},
        {"moving_average": 1},
        {"min_face": 3},
        {"threshold": 1.5},
        {"factor": 1},
        {"enhance": -1},
        {"faces": "first"},
        {"min_score": 2},
        {"mask": "oval"},
        {"complexion": 2.0},
        {"forehead": 1.5},
        {"mask_grow": 0.5},
        {"mask_blur": -0.1},
        {"keep": "mouth"},
        {"keep": ("nose",)},
        {"layout": "quad"},
        {"start": 2, "stop": 1},
        {"batch": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"Received"):
        ConvertConfig(**wrong)


def test_a_person_or_track_cannot_be_asked_of_a_picture(picture, detector):
    for wanted in ({"identity": 0}, {"track": 0}):
        with pytest.raises(ValueError, match="no tracks or identities to choose from"):
            swap_image(picture, Painter(), ConvertConfig(**wanted), detector)


@pytest.mark.parametrize("method", ["mkl", "poisson"])
def test_colours_of_a_face_at_the_rim_are_those_of_the_whole_face(picture, faces, method):
    cut = int(faces[0].face.landmarks[2, 0]) - 15
    half = np.ascontiguousarray(picture[:, cut:])
    config, model = ConvertConfig(color_correction=method), Painter(tint=0.4)
    (whole,) = swap_faces([picture], [faces[:1]], model, config)
    (part,) = swap_faces([half], [[moved(faces[0], np.array([-cut, 0]))]], model, config)
    inside = part.mask > 0.9
    assert inside.sum() > 1000
    difference = part.image[inside].astype(float) - whole.image[:, cut:][inside]
    assert np.abs(difference).mean() < 4
    assert np.abs(difference.mean(axis=0)).max() < 4
