import numpy as np
import pytest
from painter import GuidedPainter, Painter

from fsgan_utils.conversion import ConvertConfig, convert_video, source_frames, swap_image
from fsgan_utils.conversion.bending import Bend, make_room
from fsgan_utils.conversion.placing import PlacedFace
from fsgan_utils.extraction import Source
from fsgan_utils.heads import eye_distance
from fsgan_utils.landmarks import FaceMesh
from fsgan_utils.training import load_model
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT

CLIPS = PROJECT / "data" / "clips"
SAMPLE = PROJECT / "data" / "models" / "sample_pair"
DIRECTIONS = {"AtoB": "a_target", "BtoA": "b_target"}
CHIN, CROWN = 152, 10


@pytest.fixture(scope="module")
def model():
    return load_model(SAMPLE)


@pytest.fixture(scope="module")
def mesh_finder():
    return FaceMesh()


def placed(sighting, model, config):
    face = PlacedFace.seen(sighting, model, config)
    return face, face.alignment.inverse


def in_picture(points, inverse):
    return np.asarray(points)[:, :2] @ inverse[:, :2].T + inverse[:, 2]


def box_of(points):
    return np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)])


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_chin_in_the_picture_comes_to_where_the_new_one_is(direction, sightings, model, mesh_finder):
    config = ConvertConfig(direction=direction)
    before, after, told = [], [], []
    for image, sighting in sightings[DIRECTIONS[direction]]:
        face, inverse = placed(sighting, model, config)
        scene = make_room(image, [face], config)
        mesh, features = (in_picture(points, inverse) for points in (face.mesh, face.features))
        moved = in_picture(scene.faces[0].mesh, inverse)
        seen = mesh_finder.refine(scene.image, mesh_finder.detect(scene.image, box_of(moved), looks=2)[0])[:, :2]
        axis = (features[CHIN] - features[CROWN]) / np.linalg.norm(features[CHIN] - features[CROWN])
        for missed, points in ((before, mesh), (after, seen)):
            missed.append((points[CHIN] - features[CHIN]) @ axis / eye_distance(sighting.mesh))
        told.append(np.linalg.norm(moved - seen, axis=1).mean() / eye_distance(sighting.mesh))
    assert np.mean(before) > 0.2 if direction == "AtoB" else np.mean(before) < -0.2  # A's face is the longer one
    assert abs(np.mean(after)) < abs(np.mean(before)) / 2
    assert np.mean(told) < 0.1  # the masks know where the features went


def test_only_what_is_named_changes_and_the_hair_stays(sightings, model):
    for image, sighting in sightings["a_target"]:
        face, inverse = placed(sighting, model, ConvertConfig())
        scene = make_room(image, [face], ConvertConfig())
        (region,) = scene.bent
        outside = np.ones(image.shape[:2], bool)
        outside[region.slices] = False
        changed = np.abs(scene.image.astype(int) - image).max(axis=-1)
        assert (changed[outside] == 0).all() and changed[~outside].max() > 50
        crown = in_picture(face.mesh, inverse)[CROWN]
        hair = changed[: int(crown[1]) - 15]
        assert hair.mean() < 1 and hair.mean() < changed[~outside].mean() / 4


def test_points_move_as_the_picture_does(sightings, model):
    image, sighting = sightings["a_target"][3]
    face, inverse = placed(sighting, model, ConvertConfig())
    mesh, features = (in_picture(points, inverse) for points in (face.mesh, face.features))
    bend = Bend.between(mesh, features, image.shape)
    for index in (CHIN, 58, 4, 61):
        x, y = np.rint(mesh[index]).astype(int)
        spot = np.zeros_like(image)
        spot[y - 2 : y + 3, x - 2 : x + 3] = 255
        bend.apply(spot, bend.region(spot.shape))
        rows, columns = np.nonzero(spot[..., 0] > 127)
        np.testing.assert_allclose([columns.mean(), rows.mean()], bend.moved(np.array([[x, y]]))[0], atol=1)


def test_half_a_bend_moves_half_as_far(sightings, model):
    _, sighting = sightings["a_target"][3]
    face, _ = placed(sighting, model, ConvertConfig())
    whole, half, none = (Bend.between(face.mesh, face.features, (230, 230), share) for share in (1.0, 0.5, 0.0))
    np.testing.assert_allclose(half.moves, whole.moves / 2, atol=1e-3)
    assert none.region((230, 230)) is None
    assert Bend.between(face.features, face.features, (230, 230)).region((230, 230)) is None


def test_a_trembling_mesh_does_not_make_the_picture_jump(sightings, model):
    rng = np.random.default_rng(0)
    for _, sighting in sightings["a_target"]:
        face, _ = placed(sighting, model, ConvertConfig())
        trembled = face.mesh + rng.normal(0, 0.3, face.mesh.shape)
        calm, trembling = (Bend.between(mesh, face.features, (230, 230)) for mesh in (face.mesh, trembled))
        assert np.abs(trembling.moves - calm.moves).max() < 3


@pytest.mark.parametrize("settings", [{"bend": 0.0}, {"layout": "patch"}])
def test_the_picture_stays_where_it_is_asked_to(settings, sightings, model):
    image, sighting = sightings["a_target"][0]
    config = ConvertConfig(**settings)
    face, _ = placed(sighting, model, config)
    scene = make_room(image, [face], config)
    assert scene.image is image and scene.bent == [] and scene.faces == [face]


def test_the_picture_stays_for_a_model_without_guides(sightings):
    image, sighting = sightings["a_target"][0]
    face, _ = placed(sighting, Painter(), ConvertConfig())
    assert make_room(image, [face], ConvertConfig()).image is image


def test_the_network_sees_the_picture_as_it_was(sightings, model):
    image, _ = sightings["a_target"][0]
    painter = GuidedPainter(model.proportions)
    bent, straight = (swap_image(image, painter, ConvertConfig(bend=bend, keep_objects=False)) for bend in (1.0, 0.0))
    np.testing.assert_array_equal(*painter.images)
    assert np.abs(bent.astype(int) - straight).max() > 20


def test_a_face_at_the_pictures_edge_is_bent_as_far_as_it_is_seen(sightings, model):
    image, sighting = sightings["a_target"][3]
    face, inverse = placed(sighting, model, ConvertConfig())
    mesh, features = (in_picture(points, inverse) for points in (face.mesh, face.features))
    x, y = mesh[CHIN].astype(int)
    cut = image[:y, :x].copy()
    bend = Bend.between(mesh, features, cut.shape)
    region = bend.region(cut.shape)
    assert region.bottom <= y and region.right <= x
    bend.apply(cut, region)
    assert Bend.between(mesh + 5000, features + 5000, image.shape).region(image.shape) is None


def test_the_edge_of_the_picture_is_not_drawn_out(sightings, model):
    for image, sighting in sightings["a_target"]:
        below_chin = int(sighting.mesh[:, 1].max()) + 12
        face, inverse = placed(sighting, model, ConvertConfig())
        mesh, features = (in_picture(points, inverse) for points in (face.mesh, face.features))
        bend = Bend.between(mesh, features, image[:below_chin].shape)
        rows = bend.middle[1] + np.linspace(-bend.half_side, bend.half_side, len(bend.moves))
        lowest = np.abs(rows - (below_chin - 1)).argmin()
        assert (rows[lowest] + bend.moves[lowest, :, 1]).max() < below_chin + 6
        assert bend.moves[:, :, 1].max() > 15  # and yet the chin is drawn up


def test_what_is_bent_beyond_the_mask_reaches_the_video(tmp_path, model):
    config = ConvertConfig(stop=0.2)
    convert_video(CLIPS / "a_target.mp4", tmp_path / "bent.mp4", model, config)
    written = [frame.image.astype(float) for frame in read_frames(tmp_path / "bent.mp4")]
    for frame, image in zip(source_frames(Source.open(CLIPS / "a_target.mp4"), config), written, strict=True):
        alone = swap_image(frame.image, model, config).astype(float)
        changed = np.abs(alone - frame.image).max(axis=-1) > 40
        assert np.abs(image - alone)[changed].mean() < 0.25 * np.abs(image - frame.image)[changed].mean()
