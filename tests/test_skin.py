import cv2
import numpy as np
import pytest

from fsgan_utils.images import load_image, write_image
from fsgan_utils.landmarks import MESH_EYELIDS, MESH_LIPS, MIRRORED
from fsgan_utils.masks import FaceFinder, SkinEvidence, make_masks, outline_mask, region_mask, skin_outlines
from fsgan_utils.training.inspection import overlap
from fsgan_utils.training.preflight import LEAST_FIT
from fsgan_utils.workspace import Workspace

STRIP = {
    "outer": np.array([54, 21, 162, 127, 234, 93, 132, 58]),
    "inner": np.array([68, 71, 139, 34, 227, 137, 177, 215]),
}
"""Along the temple and the cheek: the edge of the mesh, and the points next to it."""
HAIR = {"black": (20, 17, 16), "brown": (58, 38, 26), "blond": (200, 172, 120)}


@pytest.fixture(scope="module")
def people(faces):
    """By person, images and meshes."""
    finder = FaceFinder()
    return {side: [(image, finder.mesh(image)) for image in sample.images] for side, sample in faces.items()}


def outlines(pairs):
    return [mask > 0 for mask in skin_outlines([SkinEvidence.of(image, mesh) for image, mesh in pairs])]


def with_strips(image, mesh, color, seed=0):
    """Hair before the temple and the cheek of each side that is seen; and where it is."""
    streaks = np.random.default_rng(seed).normal(size=(256, 256))
    streaks = cv2.GaussianBlur(streaks, (0, 0), sigmaX=0.8, sigmaY=9)
    hair = np.array(HAIR[color]) * np.exp(0.2 * streaks / streaks.std())[..., None]
    covered = np.zeros((256, 256), np.uint8)
    for points, turn in ((STRIP, 1), ({edge: MIRRORED[line] for edge, line in STRIP.items()}, -1)):
        outer, inner = (mesh[points[edge], :2] for edge in ("outer", "inner"))
        strip = np.concatenate([outer, inner[::-1]]).astype(np.float32)
        if turn * cv2.contourArea(strip, oriented=True) < 0:
            strip = np.concatenate([2 * outer - inner, (2 * inner - outer)[::-1]])
            cv2.fillPoly(covered, [np.rint(strip).astype(np.int32)], 1)
    soft = cv2.GaussianBlur(covered.astype(np.float64), (0, 0), 0.8)[..., None]
    return np.clip(image * (1 - soft) + hair * soft, 0, 255).astype(np.uint8), covered > 0


@pytest.mark.parametrize("color", HAIR)
def test_hair_before_temples_and_cheeks_is_cut_out_and_skin_stays(people, color):
    for pairs in people.values():
        painted = [(*with_strips(image, mesh, color, number), mesh) for number, (image, mesh) in enumerate(pairs)]
        cut, whole = outlines([(image, mesh) for image, _, mesh in painted]), outlines(pairs)
        shares = []
        for (_, strip, mesh), left, before in zip(painted, cut, whole, strict=True):
            hair = strip & (outline_mask(mesh[:, :2]) > 0)
            skin = before & ~cv2.dilate(strip.astype(np.uint8), np.ones((3, 3))).astype(bool)
            shares.append(((hair & ~left).sum() / hair.sum(), (skin & ~left).sum() / skin.sum()))
        excluded, lost = np.mean(shares, axis=0)
        assert excluded > 0.9 and lost < 0.03


def side_light(image, mesh):
    across = (np.arange(256) - mesh[168, 0]) / (mesh[454, 0] - mesh[234, 0])
    light = 0.2 + 0.8 / (1 + np.exp(-16 * across))
    return np.clip(image * light[None, :, None] * 1.2, 0, 255).astype(np.uint8)


def darker(image, mesh):
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] //= 2
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


LOOKS = {
    "as it is": lambda image, mesh: image,
    "dark": darker,
    "overexposed": lambda image, mesh: np.clip(image * 1.9, 0, 255).astype(np.uint8),
    "side light": side_light,
    "grey": lambda image, mesh: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "blue light": lambda image, mesh: np.clip(image * (0.6, 0.7, 1.5), 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("look", LOOKS)
def test_skin_in_any_light_and_a_beard_stay(people, look):
    for pairs in people.values():
        seen = [(LOOKS[look](image, mesh), mesh) for image, mesh in pairs]
        shares = []
        for (_, mesh), kept in zip(seen, outlines(seen), strict=True):
            hull = outline_mask(mesh[:, :2]) > 0
            parts = region_mask(mesh[MESH_EYELIDS, :2]) | region_mask(mesh[None, MESH_LIPS, :2])
            assert not (kept & ~hull).any() and kept[(parts > 0) & hull].mean() > 0.95
            jaw = hull & (np.arange(256)[:, None] > mesh[[61, 291], 1].max())
            shares.append((kept.sum() / hull.sum(), (kept & jaw).sum() / jaw.sum()))
        face, jaw = np.mean(shares, axis=0)
        assert face > 0.9 and jaw > 0.94  # hair falls into the hulls


def test_what_hangs_there_in_other_images_is_believed_sooner(people):
    image, mesh = people["b"][0]
    hair, strip = with_strips(image, mesh, "brown")
    faint = (image * 0.5 + hair * 0.5).astype(np.uint8)
    others = [(with_strips(*pair, "brown", number)[0], pair[1]) for number, pair in enumerate(people["b"])]
    left = [(strip & outlines(pairs)[-1]).sum() for pairs in ([(faint, mesh)], [*others, (faint, mesh)])]
    assert left[1] < 0.9 * left[0]


def test_masks_made_of_images_leave_the_hair_out_and_the_check_before_training_accepts_them(people, tmp_path):
    space, strips = Workspace(tmp_path), {}
    for number, (image, mesh) in enumerate(people["b"]):
        painted, strips[str(number)] = with_strips(image, mesh, "black", number)
        write_image(space.face_folder("B") / f"{number}.png", painted)
    made = make_masks(space, ("outline",), sides=("B",)).made["outline"]["B"]
    for path, (_, mesh) in zip(made, people["b"], strict=True):
        hull, mask = outline_mask(mesh[:, :2]), load_image(path)[..., 0]
        hair = strips[path.stem] & (hull > 0)
        assert (mask[hair] == 0).mean() > 0.8
        assert overlap(hull, mask, "face") > LEAST_FIT["face"] > overlap(hull, np.roll(mask, 60, axis=0), "face")


def test_a_single_color_has_the_outline_of_the_mesh(people):
    mesh = people["a"][0][1]
    for value in (0, 128, 255):
        (outline,) = outlines([(np.full((256, 256, 3), value, np.uint8), mesh)])
        np.testing.assert_array_equal(outline, outline_mask(mesh[:, :2]) > 0)
    assert skin_outlines([]) == []
