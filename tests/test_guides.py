import numpy as np
import pytest
from painter import GuidedPainter, Painter

from fsgan_utils.conversion import ConvertConfig, swap_image
from fsgan_utils.conversion.placing import aim
from fsgan_utils.evaluation.expression import expression_error
from fsgan_utils.guides import IRIS, IRIS_SIZE, MESH_FACE_EDGE, draw_guide
from fsgan_utils.heads import Proportions
from fsgan_utils.landmarks import IRISES, MESH_EYELIDS, MESH_INNER_LIPS, MESH_POINTS, five_points
from fsgan_utils.training import (
    FaceSwapGAN,
    ModelConfig,
    PairedBatches,
    TrainConfig,
    learn_proportions,
    load_model,
    open_model,
    save_model,
    train,
)
from fsgan_utils.workspace import PROJECT

SAMPLE = PROJECT / "data" / "models" / "sample_pair"
GUIDED = ModelConfig(capacity="compact", guide=True)


@pytest.fixture(scope="module")
def known(faces):
    return learn_proportions(faces, "full")


def middle(outline):
    return np.rint(outline.mean(axis=0)).astype(int)


def test_a_guide_shows_the_features_where_they_lie(known):
    mesh = known["b"].meshes[0]
    guide = draw_guide(mesh, 256, 256)
    assert guide.shape == (256, 256, 3) and guide.dtype == np.float32 and 0 <= guide.min() < guide.max() <= 1
    for eyelids in mesh[MESH_EYELIDS, :2]:
        x, y = middle(eyelids)
        assert guide[y, x, 0] > 0.3 and guide[y + 25, x, 0] == 0
    x, y = middle(mesh[MESH_INNER_LIPS, :2])
    assert guide[y - 2 : y + 3, x, 1].max() > 0.6
    moved = draw_guide(mesh[:, :2] + [16, 0], 256, 256)
    np.testing.assert_allclose(np.roll(guide, 16, axis=1), moved, atol=0.03)
    small = draw_guide(mesh, 256, 64)
    assert small.shape == (64, 64, 3) and abs(small.mean() - guide.mean()) < 0.01


@pytest.mark.parametrize("aside", [-0.2, 0.0, 0.2])
def test_a_guide_shows_where_the_eyes_look(known, aside):
    features = known["b"].meshes[0].copy()
    for lids, iris in zip(MESH_EYELIDS, IRISES, strict=True):
        features[iris] = features[lids].mean(axis=0)
        features[iris, 0] += aside * np.ptp(features[lids, 0])
    guide = draw_guide(features, 256, 256)[..., 0]
    for lids in features[MESH_EYELIDS, :2]:
        left, width = lids[:, 0].min(), np.ptp(lids[:, 0])
        y = middle(lids)[1]
        row = guide[y - 1 : y + 2, int(left) : int(left + width)].mean(axis=0)
        dark = np.flatnonzero(np.abs(row - IRIS / 255) < 0.03)
        assert dark.mean() / width - 0.5 == pytest.approx(aside, abs=0.08)
        assert len(dark) / width == pytest.approx(IRIS_SIZE, abs=0.1)


def test_closed_lids_are_told_from_open_ones(known):
    features = known["a"].meshes[0].copy()
    opened = draw_guide(features, 256, 256)[..., 0]
    for lids in MESH_EYELIDS:
        features[lids[1:8]] = features[lids[:8:-1]]  # the upper lids on the lower ones
    closed = draw_guide(features, 256, 256)[..., 0]
    for lids in features[MESH_EYELIDS, :2]:
        x, y = middle(lids)
        around = slice(y - 6, y + 7), slice(x - 12, x + 13)
        assert opened[around].max() > 0.9 and closed[around].mean() < 0.5 * opened[around].mean()


def test_a_face_with_the_others_proportions_is_nearer_to_the_truth(sightings):
    proportions = load_model(SAMPLE).proportions
    meshes = {clip: [sighting.mesh for _, sighting in seen] for clip, seen in sightings.items()}
    given = [proportions.exchanged(mesh, "a") for mesh in meshes["a_target"]]
    errors, without = (
        np.mean([expression_error(mesh, truth) for mesh, truth in zip(one, meshes["b_target"], strict=True)])
        for one in (given, meshes["a_target"])
    )
    assert errors < 0.7 * without
    back = [proportions.exchanged(mesh, "b") for mesh in given]
    np.testing.assert_allclose(np.mean(back, 0), np.mean(meshes["a_target"], 0)[:, :2], atol=3)


def test_batches_of_a_guided_model_bring_guides(known, faces):
    batch = PairedBatches(known, 64, 8, guided=True).batch(0)
    for side in "ab":
        guide, eyes = batch[side]["guide"], batch[side]["eyes"]
        assert guide.shape == (8, 64, 64, 3) and guide.dtype == np.float32
        openings = (guide[..., :1] > 0.6).astype(np.float32)
        assert openings.sum() > 8 and (openings * (eyes > 0)).sum() > 0.95 * openings.sum()
    assert "guide" not in PairedBatches(known, 64, 2).batch(0)["a"]
    with pytest.raises(ValueError, match="learn_proportions"):
        PairedBatches(faces, 64, guided=True)


def test_a_guided_model_learns_proportions_and_keeps_them(known, faces, tmp_path):
    settings = TrainConfig(iterations=2, batch_size=2, preview_every=2)
    model = open_model(tmp_path, GUIDED, settings)
    with pytest.raises(ValueError, match="learn_proportions"):
        train(model, faces, settings, tmp_path)
    train(model, known, settings, tmp_path)
    loaded = load_model(tmp_path)
    for side in "ab":
        np.testing.assert_allclose(loaded.proportions.shapes[side], model.proportions.shapes[side], atol=1e-3)
    images, guides = np.zeros((2, 64, 64, 3), np.float32), np.ones((2, 64, 64, 3), np.float32)
    np.testing.assert_allclose(loaded.generate(images, "AtoB", guides), model.generate(images, "AtoB", guides))
    assert np.abs(model.generate(images, "AtoB", guides) - model.generate(images, "AtoB")).max() > 1e-4


def test_guides_that_do_not_fit_are_refused(tmp_path):
    images = np.zeros((2, 64, 64, 3), np.float32)
    with pytest.raises(ValueError, match="not guided"):
        FaceSwapGAN(ModelConfig(capacity="compact")).generate(images, "AtoB", images)
    with pytest.raises(ValueError, match="images' shape"):
        FaceSwapGAN(GUIDED).generate(images, "AtoB", images[:1])
    with pytest.raises(ValueError, match="guide=True needs"):
        ModelConfig(capacity="lite", guide=True)


def test_a_swap_guides_the_decoder_to_the_others_features(sightings):
    painter = GuidedPainter(load_model(SAMPLE).proportions)
    image, sighting = sightings["a_target"][0]
    swapped = swap_image(image, painter, ConvertConfig())
    assert np.abs(swapped.astype(int) - image).max() > 20
    (guide,) = painter.guides[0]
    landmarks, features = aim(sighting.face.landmarks, sighting.mesh, painter, ConvertConfig())
    np.testing.assert_allclose(landmarks, five_points(features))
    assert guide[..., 0].max() > 0.7 and 0.01 < (guide[..., 0] > 0.3).mean() < 0.15
    own, _ = aim(sighting.face.landmarks, sighting.mesh, painter, ConvertConfig(), person="b")
    np.testing.assert_allclose(own, five_points(sighting.mesh))


def test_a_narrow_view_that_leaves_an_eye_out_is_drawn(sightings):
    model = load_model(SAMPLE)
    for coverage in (0.55, 0.65):
        for image, _ in sightings["a_target"][:2]:
            swapped = swap_image(image, model, ConvertConfig(roi_coverage=coverage))
            assert np.abs(swapped.astype(int) - image).max() > 5


def test_a_shared_guided_model_keeps_its_proportions(tmp_path):
    model = load_model(SAMPLE)
    save_model(model, tmp_path, to_share=True)
    np.testing.assert_array_equal(load_model(tmp_path).proportions.shapes["b"], model.proportions.shapes["b"])


def test_a_model_whose_guides_knew_no_irises_is_refused_by_name(tmp_path):
    model = load_model(SAMPLE)
    model.proportions = Proportions({side: shape[:MESH_POINTS] for side, shape in model.proportions.shapes.items()})
    save_model(model, tmp_path)
    with pytest.raises(ValueError, match=rf"{tmp_path.name} .*older version.*expected heads of 470 points.*468"):
        load_model(tmp_path)


def test_a_face_gets_as_much_of_its_own_shape_as_is_asked_for(sightings):
    model = load_model(SAMPLE)
    _, sighting = sightings["a_target"][0]
    none, half, whole = (
        aim(sighting.face.landmarks, sighting.mesh, model, ConvertConfig(face_shape=share))[1] for share in (0, 0.5, 1)
    )
    np.testing.assert_allclose(none, sighting.mesh[:, :2], atol=1e-3)
    np.testing.assert_allclose(half, (none + whole) / 2, atol=1e-6)
    assert np.ptp(none[MESH_FACE_EDGE, 1]) > 1.05 * np.ptp(whole[MESH_FACE_EDGE, 1])  # A's face is the longer one


def test_another_shape_needs_a_guided_model(sightings):
    image, _ = sightings["a_target"][0]
    with pytest.raises(ValueError, match=r"guided model.*Received: 0\.5"):
        swap_image(image, Painter(), ConvertConfig(face_shape=0.5))


def test_the_hair_on_the_others_forehead_is_left_out(sightings):
    model, (image, sighting) = load_model(SAMPLE), sightings["a_target"][-1]
    _, features = aim(sighting.face.landmarks, sighting.mesh, model, ConvertConfig())
    brow, forehead = features[105], features[105] + 0.8 * (features[103] - features[105])
    changed = {}
    for reach in (0.4, 1.0):
        config = ConvertConfig(forehead=reach, bend=0.0)
        difference = np.abs(swap_image(image, model, config).astype(int) - image).max(axis=-1)
        changed[reach] = [
            difference[y - 2 : y + 3, x - 2 : x + 3].mean() for x, y in np.rint([brow, forehead]).astype(int)
        ]
    assert changed[0.4][0] > 10 and changed[1.0][0] > 10
    assert changed[0.4][1] < 1 < 2 < changed[1.0][1]
    hulls = [swap_image(image, model, ConvertConfig(mask="hull", forehead=reach)) for reach in (0.4, 1.0)]
    np.testing.assert_array_equal(*hulls)
