import sys

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from fsgan_utils.extraction import copy_to, extract_faces
from fsgan_utils.images import load_image, write_image
from fsgan_utils.masks import eye_mask, make_eye_masks, make_outline_masks, preview_masks, set_aside, tint
from fsgan_utils.workspace import Workspace
from tests.test_landmarks import StandInFAN

CLIPS = {"A": "data/clips/a_train_cool.mp4", "B": "data/clips/b_train_cool.mp4"}


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """Aligned faces of both people."""
    source = Workspace(tmp_path_factory.mktemp("faces"))
    images = {}
    for side, clip in CLIPS.items():
        extract_faces(clip, source, detect_every=20)
        images[side] = [load_image(path) for path in copy_to(side, source).copied]
    return images


@pytest.fixture
def workspace(tmp_path, aligned):
    space = Workspace(tmp_path)
    for side, images in aligned.items():
        for number, image in enumerate(images):
            write_image(space.face_folder(side) / f"{number}.png", image)
    return space


def mask_of(workspace, side, stem):
    with Image.open(workspace.eye_mask_folder(side) / f"{stem}.png") as picture:
        return np.array(picture)


def test_mask_is_that_of_v22():
    recorded = np.load("tests/parity/eyes.npz")
    np.testing.assert_array_equal(eye_mask(recorded["landmarks"]), recorded["mask"])


def test_every_image_gets_a_mask_on_its_eyes(workspace, aligned):
    result = make_eye_masks(workspace)
    assert {side: len(paths) for side, paths in result.made.items()} == {"A": 3, "B": 3}
    assert result.without_face == {"A": [], "B": []}
    for side in "AB":
        for number in range(3):
            mask = mask_of(workspace, side, number)
            assert mask.shape == (256, 256)
            assert mask.dtype == np.uint8
            rows, columns = np.nonzero(mask > 127)
            assert 60 < rows.mean() < 110
            assert np.ptp(columns) > 60
            assert 0.01 < (mask > 127).mean() < 0.08


def test_five_points_give_boxes(workspace):
    result = make_eye_masks(workspace, "five_points", sides=("A",))
    assert not workspace.eye_mask_folder("B").exists()
    for path in result.made["A"]:
        mask = load_image(path)[..., 0]
        assert set(np.unique(mask)) == {0, 255}
        assert 60 < np.nonzero(mask)[0].mean() < 110


def test_fan_is_used_when_chosen(workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, "face_alignment", StandInFAN())
    result = make_eye_masks(workspace, "fan", sides=("A",))
    assert len(result.made["A"]) == 3
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(ImportError, match="pip install"):
        make_eye_masks(workspace, "fan")


def test_none_leaves_masks_as_they_are(workspace):
    make_eye_masks(workspace, "five_points")
    before = sorted(workspace.root.rglob("*"))
    result = make_eye_masks(workspace, "none")
    assert result.made == {}
    assert "as chosen" in str(result)
    assert sorted(workspace.root.rglob("*")) == before


def test_images_of_any_size_and_format(tmp_path, aligned):
    space, face = Workspace(tmp_path), aligned["A"][0]
    folder = space.face_folder("A")
    folder.mkdir()
    Image.fromarray(face).resize((400, 400)).save(folder / "large.jpg", quality=95)
    Image.fromarray(face).resize((90, 90)).save(folder / "small.webp", quality=95)
    Image.fromarray(face).convert("L").save(folder / "grey.png")
    Image.fromarray(face).convert("RGBA").save(folder / "alpha.png")
    Image.fromarray(face).quantize(64).save(folder / "palette.gif")
    cv2.imwrite(str(folder / "deep.tiff"), face[..., ::-1].astype(np.uint16) * 257)
    Image.fromarray(np.pad(face, ((0, 0), (60, 60), (0, 0)))).save(folder / "wide.bmp")
    result = make_eye_masks(space, sides=("A",))
    assert result.without_face == {"A": []}
    reference = mask_of(space, "A", "alpha") > 127
    for stem in ("large", "small", "grey", "palette", "deep", "wide"):
        mask = mask_of(space, "A", stem) > 127
        assert mask.shape == (256, 256)
        assert (mask & reference).sum() / (mask | reference).sum() > 0.6, stem


def test_a_portrait_that_is_not_aligned_gets_its_mask(tmp_path):
    space = Workspace(tmp_path)
    write_image(space.face_folder("A") / "portrait.png", skimage.data.astronaut()[:256, 96:352])
    make_eye_masks(space, sides=("A",))
    rows, columns = np.nonzero(mask_of(space, "A", "portrait") > 127)
    assert abs(rows.mean() - 102) < 8
    assert abs(columns.mean() - 130) < 10


def test_an_image_without_a_face_is_listed_and_has_no_mask(workspace):
    cup = workspace.face_folder("B") / "cup.png"
    write_image(cup, skimage.data.coffee()[:300, :300])
    result = make_eye_masks(workspace)
    assert result.without_face == {"A": [], "B": [cup]}
    assert str(cup) in str(result)
    assert not (workspace.eye_mask_folder("B") / "cup.png").exists()
    assert make_eye_masks(workspace, "five_points").without_face["B"] == [cup]


def test_masks_of_images_that_are_gone_go_too(workspace):
    make_eye_masks(workspace, sides=("A",))
    (workspace.face_folder("A") / "1.png").unlink()
    make_eye_masks(workspace, sides=("A",))
    assert sorted(path.name for path in workspace.eye_mask_folder("A").iterdir()) == ["0.png", "2.png"]


def test_a_broken_image_is_an_error_naming_it_and_keeps_the_old_masks(workspace):
    make_eye_masks(workspace, sides=("A",))
    (workspace.face_folder("A") / "broken.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ValueError, match=r"broken\.png"):
        make_eye_masks(workspace, sides=("A",))
    assert len(list(workspace.eye_mask_folder("A").iterdir())) == 3


def test_unusable_input_is_an_error(workspace, tmp_path):
    with pytest.raises(ValueError, match="source"):
        make_eye_masks(workspace, "guess")
    with pytest.raises(FileNotFoundError, match="faceA"):
        make_eye_masks(Workspace(tmp_path / "nothing"))
    write_image(workspace.face_folder("A") / "0.jpg", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=r"0\.png.*0\.jpg|0\.jpg.*0\.png"):
        make_eye_masks(workspace)


def test_previews_show_the_mask_in_red(workspace, aligned):
    result = make_eye_masks(workspace)
    previews = preview_masks(workspace, result, "A", count=2)
    assert [image.shape for image in previews] == [(256, 256, 3)] * 2
    mask = mask_of(workspace, "A", 0)
    np.testing.assert_array_equal(previews[0], tint(aligned["A"][0], mask))
    assert previews[0][mask == 255, 0].mean() > aligned["A"][0][mask == 255, 0].mean() + 30


def test_outlines_hold_the_face(workspace):
    result = make_outline_masks(workspace)
    assert {side: len(paths) for side, paths in result.made.items()} == {"A": 3, "B": 3}
    make_eye_masks(workspace)
    for side in "AB":
        for number in range(3):
            outline = load_image(workspace.outline_mask_folder(side) / f"{number}.png")[..., 0]
            assert outline.shape == (256, 256)
            assert 0.25 < (outline > 0).mean() < 0.95
            eyes = mask_of(workspace, side, number) == 255
            assert outline[eyes].mean() > 0.85 * 255


def test_images_without_a_face_are_moved_not_lost(workspace):
    cup = skimage.data.coffee()[:300, :300]
    write_image(workspace.face_folder("B") / "cup.png", cup)
    (moved,) = set_aside(workspace, make_eye_masks(workspace))
    assert moved == workspace.root / "faceB_without_face" / "cup.png"
    np.testing.assert_array_equal(load_image(moved), cup)
    assert make_outline_masks(workspace).without_face == {"A": [], "B": []}
