"""Head shapes and resting faces, from whichever pictures of a person there are.

`sample_meshes.npz` holds meshes of the sample clips' faces, float16 (N, 470, 3) in pixels of the crops that notebook 1
cuts: `FaceFinder().mesh(image)` of every third face in `faceA`, every fourth in `faceB`.
"""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fsgan_utils.heads import Placement, Proportions, eye_distance, head_shape, mean_face, neutral_face
from fsgan_utils.heads.resting import LOWER_LIDS, LOWER_LIP, UPPER_LIDS, UPPER_LIP, expression_signs
from fsgan_utils.landmarks import IRISES, MESH_EYELIDS
from fsgan_utils.workspace import PROJECT

SUBSETS = {"all": 0.0, "the more open half": 0.5, "the most open 30 %": 0.7}


@pytest.fixture(scope="module")
def meshes():
    with np.load(PROJECT / "tests" / "sample_meshes.npz") as stored:
        return {side: stored[side].astype(np.float64) for side in "ab"}


@pytest.fixture(scope="module")
def shapes(meshes):
    return {side: head_shape(one) for side, one in meshes.items()}


def yaws(some):
    middle = mean_face(some)
    return np.array([Placement.between(mesh, middle).turn.as_rotvec(degrees=True)[1] for mesh in some])


def depth(shape):
    return np.ptp(shape[:, 2]) / eye_distance(shape)


def gap(mesh):
    return (mesh[14, 1] - mesh[13, 1]) / eye_distance(mesh)


def openings(mesh):
    """How far apart the lids of each eye are, over its width."""
    widths = np.linalg.norm(mesh[MESH_EYELIDS[:, 8], :2] - mesh[MESH_EYELIDS[:, 0], :2], axis=1)
    return (mesh[LOWER_LIDS, 1] - mesh[UPPER_LIDS, 1]).mean(axis=1) / widths


def more_open(some, least):
    gaps = np.array([gap(mesh) for mesh in some])
    return some[gaps >= np.quantile(gaps, least)]


@pytest.mark.parametrize(("side", "limits"), [("a", (16, 20, 30)), ("b", (10, 16, 20, 30))])
def test_a_head_that_hardly_turns_is_as_deep_as_one_that_does(meshes, shapes, side, limits):
    turned = np.abs(yaws(meshes[side]))
    for limit in limits:
        assert depth(head_shape(meshes[side][turned < limit])) == pytest.approx(depth(shapes[side]), rel=0.15)


def test_the_depth_changes_without_a_jump(meshes):
    order = np.argsort(np.abs(yaws(meshes["b"])))
    depths = [depth(head_shape(meshes["b"][order[:count]])) for count in range(12, 72, 6)]
    assert np.abs(np.diff(np.log(depths))).max() < 0.06


def turning_head(shape, spread, flattened, count=60):
    """Pictures of a head that turns, whose depths are guessed wrong as FaceMesh does; and its true shape."""
    shape, rng = shape - shape.mean(axis=0), np.random.default_rng(0)
    turns = Rotation.from_euler("yxz", rng.normal(0, [spread, spread / 3, 5], (count, 3)), degrees=True)
    return [turn.apply(shape) * [1, 1, flattened] + rng.normal(0, 0.3, shape.shape) for turn in turns]


@pytest.mark.parametrize("flattened", [0.8, 1.25])
def test_depths_follow_from_how_a_head_turns(shapes, flattened):
    truth = depth(shapes["b"])
    wide, narrow, guessed = (
        abs(np.log(depth(shape) / truth))
        for shape in (
            head_shape(turning_head(shapes["b"], 25, flattened)),
            head_shape(turning_head(shapes["b"], 3, flattened)),
            neutral_face(turning_head(shapes["b"], 25, flattened)),
        )
    )
    assert wide < 0.05 < 0.15 < guessed
    assert narrow < 0.25


def test_one_wrong_mesh_spoils_nothing_and_a_single_picture_is_enough(meshes, shapes):
    some, wrong = meshes["b"][:20], meshes["b"][20] * [1, -1, 3] + np.random.default_rng(0).normal(0, 9, (470, 3))
    size = np.linalg.norm(head_shape(some) - head_shape(some).mean(axis=0), axis=1).mean()
    for shape, others in ((head_shape([*some, wrong]), head_shape(some)), (head_shape(some[:1]), shapes["b"])):
        moved = Placement.between(shape, others, range(468)).apply(shape)
        assert np.linalg.norm(moved - others, axis=1).mean() < 0.1 * size


@pytest.mark.parametrize("subset", SUBSETS)
@pytest.mark.parametrize(("side", "other"), ["ab", "ba"])
def test_closed_mouths_stay_closed_and_open_ones_as_open(meshes, shapes, side, other, subset):
    for narrowed in (side, other):
        some = {**shapes, narrowed: head_shape(more_open(meshes[narrowed], SUBSETS[subset]))}
        proportions = Proportions.between(some)
        gaps = np.array([(gap(mesh), gap(proportions.exchanged(mesh, side))) for mesh in meshes[side]])
        closed, opened = gaps[gaps[:, 0] < 0.03], gaps[gaps[:, 0] > 0.15]
        assert np.abs(closed[:, 1] - closed[:, 0]).max() <= 0.01
        assert abs(np.median(closed[:, 1])) <= 0.025
        np.testing.assert_allclose(opened[:, 1], opened[:, 0], rtol=0.15)


@pytest.mark.parametrize("side", "ab")
def test_lips_and_lids_never_cross(meshes, shapes, side):
    proportions = Proportions.between(shapes)
    for upper, lower in ((UPPER_LIP, LOWER_LIP), (UPPER_LIDS, LOWER_LIDS)):
        for mesh in meshes[side]:
            own, drawn = (one[lower, 1] - one[upper, 1] for one in (mesh, proportions.exchanged(mesh, side)))
            assert (drawn - np.minimum(own, 0)).min() > -0.02 * eye_distance(mesh)


@pytest.mark.parametrize(("side", "other"), ["ab", "ba"])
def test_a_blink_stays_a_blink_and_open_eyes_are_as_open_as_the_others(meshes, shapes, side, other):
    proportions = Proportions.between(shapes)
    for shut in meshes[side][:10].copy():
        shut[UPPER_LIDS] = shut[LOWER_LIDS]
        assert np.abs(openings(proportions.exchanged(shut, side))).max() < 0.01
    resting = proportions.shapes[side]
    np.testing.assert_allclose(
        openings(proportions.exchanged(resting, side)), openings(proportions.shapes[other]), atol=0.02
    )


@pytest.mark.parametrize("side", "ab")
def test_rest_is_the_same_whatever_a_person_was_filmed_doing(meshes, shapes, side):
    rest = expression_signs(shapes[side][None])[0]
    assert abs(rest[0]) < 1e-6
    for least in (0.5, 0.7):
        other = expression_signs(head_shape(more_open(meshes[side], least))[None])[0]
        np.testing.assert_allclose(other, rest, atol=0.03)


def test_the_gaze_stays_wherever_the_other_looked(meshes, shapes):
    aside = meshes["b"].copy()
    aside[:, IRISES, 0] += 4
    shown = [Proportions.between({**shapes, "b": head_shape(one)}) for one in (meshes["b"], aside)]
    for mesh in meshes["a"][:5]:
        drawn, drawn_aside = (one.exchanged(mesh, "a") for one in shown)
        np.testing.assert_allclose(drawn[IRISES], drawn_aside[IRISES], atol=0.1)
