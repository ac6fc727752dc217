import sys

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from fsgan_utils.extraction import FaceDetector, copy_to, extract_faces
from fsgan_utils.faces import FULL_SCALE, margin
from fsgan_utils.images import list_images, load_image, write_image
from fsgan_utils.masks import FaceFinder, eye_mask, find_mismatches, make_masks, preview_masks, set_aside, tint, widened
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import Workspace
from tests.test_landmarks import StandInFAN

CLIPS = {"A": "data/clips/a_train_cool.mp4", "B": "data/clips/b_train_cool.mp4"}


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """Aligned faces of both people."""
    source = Workspace(tmp_path_factory.mktemp("faces"))
    images = {}
    for side, clip in CLIPS.items():
        extract_faces(clip, source, detect_every=20, crop="half")
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


def test_every_image_gets_its_masks_in_one_go(workspace, monkeypatch):
    looked = []
    find = FaceFinder.mesh
    monkeypatch.setattr(FaceFinder, "mesh", lambda finder, image: looked.append(1) or find(finder, image))
    result = make_masks(workspace, ("eyes", "mouth", "outline"))
    assert len(looked) == 6
    assert {part: {side: len(paths) for side, paths in made.items()} for part, made in result.made.items()} == {
        part: {"A": 3, "B": 3} for part in ("eyes", "mouth", "outline")
    }
    assert result.without_face == {"A": [], "B": []}
    assert "faceA: 3 masks of the eyes, 3 masks of the mouth, 3 masks of the outline made" in str(result)
    for part, made in result.made.items():
        for side, paths in made.items():
            assert find_mismatches(list_images(workspace.face_folder(side)), paths[0].parent) == []
            assert paths[0].parent.name == f"face{side}_{part}"


def test_a_full_crop_shows_the_same_smaller_and_whole(workspace, aligned):
    half = make_masks(workspace, ("eyes", "outline")).made
    for side, clip in CLIPS.items():
        source = Workspace(workspace.root / f"full{side}")
        extract_faces(clip, source, detect_every=20)
        copy_to(side, source)
        full = make_masks(source, ("eyes", "outline"), sides=(side,)).made
        for small, large in zip(full["eyes"][side], half["eyes"][side], strict=True):
            ratio = (load_image(small) > 0).sum() / (load_image(large) > 0).sum()
            assert abs(ratio - FULL_SCALE**2) < 0.1
        for path in full["outline"][side]:
            outline = load_image(path)[..., 0]
            assert not outline[-margin(256, 0.9) :].any() and outline.any()


def test_eyes_mouth_and_outline_lie_where_they_should(workspace):
    made = make_masks(workspace, ("eyes", "mouth", "outline")).made
    for side in "AB":
        for number in range(3):
            eyes, mouth, outline = (load_image(made[part][side][number])[..., 0] for part in made)
            assert set(np.unique(eyes)) <= {0, 255}
            rows, columns = np.nonzero(eyes)
            assert 60 < rows.mean() < 110 and np.ptp(columns) > 60 and 0.001 < (eyes > 0).mean() < 0.03
            rows, columns = np.nonzero(mouth)
            assert 180 < rows.mean() < 220 and 90 < columns.mean() < 160 and 0.01 < (mouth > 0).mean() < 0.08
            assert 0.25 < (outline > 0).mean() < 0.95
            assert outline[eyes == 255].mean() > 0.85 * 255 and outline[mouth == 255].mean() > 0.85 * 255


def test_only_what_is_asked_for_is_made(workspace):
    make_masks(workspace, ("eyes",), sides=("A",))
    assert [path.name for path in (workspace.root / "binary_masks").iterdir()] == ["faceA_eyes"]


def test_five_points_give_boxes(workspace):
    result = make_masks(workspace, ("eyes",), "five_points", sides=("A",))
    for path in result.made["eyes"]["A"]:
        mask = load_image(path)[..., 0]
        assert set(np.unique(mask)) == {0, 255}
        assert 60 < np.nonzero(mask)[0].mean() < 110
        assert (mask > 0).mean() > 0.04


def test_fan_is_used_when_chosen(workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, "face_alignment", StandInFAN())
    result = make_masks(workspace, ("eyes", "mouth", "outline"), "fan", sides=("A",))
    for path in result.made["eyes"]["A"]:
        x, y = np.argwhere(load_image(path)[..., 0]).mean(axis=0)[::-1]
        assert abs(x - (256 * (0.15 + 0.7 * 41.5 / 67))) < 8
        assert abs(y - (256 * (-0.03 + 0.97 * 41.5 / 67))) < 8
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(ImportError, match="pip install"):
        make_masks(workspace, source="fan")


def test_no_part_leaves_masks_as_they_are(workspace):
    make_masks(workspace, ("eyes",))
    before = sorted(workspace.root.rglob("*"))
    result = make_masks(workspace, ())
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
    result = make_masks(space, ("eyes",), sides=("A",))
    assert result.without_face == {"A": []}
    reference = widened(mask_of(space, "A", "alpha")) > 127
    for stem in ("large", "small", "grey", "palette", "deep", "wide"):
        mask = widened(mask_of(space, "A", stem)) > 127
        assert mask.shape == (256, 256)
        assert (mask & reference).sum() / (mask | reference).sum() > 0.6, stem


def test_a_portrait_that_is_not_aligned_gets_its_mask(tmp_path):
    space = Workspace(tmp_path)
    write_image(space.face_folder("A") / "portrait.png", skimage.data.astronaut()[:256, 96:352])
    make_masks(space, ("eyes",), sides=("A",))
    rows, columns = np.nonzero(mask_of(space, "A", "portrait") > 127)
    assert abs(rows.mean() - 102) < 8
    assert abs(columns.mean() - 130) < 10


def test_whole_frames_get_their_masks_where_the_face_is(tmp_path):
    space, detector = Workspace(tmp_path), FaceDetector(40)
    frames = [frame.image for frame in read_frames(CLIPS["A"].replace("cool", "studio"), every=30)]
    for number, image in enumerate(frames):
        write_image(space.face_folder("A") / f"{number}.png", image)
    make_masks(space, ("eyes",), sides=("A",))
    for number, image in enumerate(frames):
        middle = detector.detect([image])[0][0].landmarks[:2].mean(axis=0) * 256 / 320
        found = np.argwhere(mask_of(space, "A", number)).mean(axis=0)[::-1]
        assert abs(found[0] - middle[0]) < 12 and abs(found[1] - middle[1]) < 6, number


def test_an_image_without_a_face_is_listed_and_has_no_mask(workspace):
    cup = workspace.face_folder("B") / "cup.png"
    write_image(cup, skimage.data.coffee()[:300, :300])
    result = make_masks(workspace)
    assert result.without_face == {"A": [], "B": [cup]}
    assert str(cup) in str(result)
    for folder in (workspace.eye_mask_folder("B"), workspace.outline_mask_folder("B")):
        assert sorted(path.name for path in folder.iterdir()) == ["0.png", "1.png", "2.png"]
    assert make_masks(workspace, ("eyes",), "five_points").without_face["B"] == [cup]


def test_a_side_without_any_face_keeps_its_masks(workspace):
    make_masks(workspace, ("eyes",), sides=("B",))
    for path in workspace.face_folder("B").iterdir():
        write_image(path, skimage.data.coffee()[:256, :256])
    with pytest.raises(ValueError, match="none of the 3 images"):
        make_masks(workspace, ("eyes",), sides=("B",))
    assert len(list(workspace.eye_mask_folder("B").iterdir())) == 3


def test_masks_of_images_that_are_gone_go_too(workspace):
    make_masks(workspace, ("eyes",), sides=("A",))
    (workspace.face_folder("A") / "1.png").unlink()
    make_masks(workspace, ("eyes",), sides=("A",))
    assert sorted(path.name for path in workspace.eye_mask_folder("A").iterdir()) == ["0.png", "2.png"]


def test_a_broken_image_is_an_error_naming_it_and_keeps_the_old_masks(workspace):
    make_masks(workspace, ("eyes",), sides=("A",))
    (workspace.face_folder("A") / "broken.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ValueError, match=r"broken\.png"):
        make_masks(workspace, ("eyes",), sides=("A",))
    assert len(list(workspace.eye_mask_folder("A").iterdir())) == 3


def test_unusable_input_is_an_error(workspace, tmp_path):
    with pytest.raises(ValueError, match="source"):
        make_masks(workspace, source="guess")
    with pytest.raises(ValueError, match=r"parts.*'nose'"):
        make_masks(workspace, ("eyes", "nose"))
    with pytest.raises(ValueError, match="lips"):
        make_masks(workspace, ("mouth",), "five_points")
    with pytest.raises(FileNotFoundError, match="faceA"):
        make_masks(Workspace(tmp_path / "nothing"))
    write_image(workspace.face_folder("A") / "0.jpg", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=r"0\.png.*0\.jpg|0\.jpg.*0\.png"):
        make_masks(workspace)


def test_previews_show_the_masks_edge_in_red(workspace, aligned):
    result = make_masks(workspace, ("eyes", "outline"), sides=("A",))
    for part, least in (("eyes", 0.01), ("outline", 0.25)):
        previews = preview_masks(workspace, result, "A", part, count=2)
        assert [image.shape for image in previews] == [(256, 256, 3)] * 2
        for preview in previews:
            red = (preview == (255, 40, 40)).all(axis=2)
            edges, _ = cv2.findContours(red.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            inside = cv2.drawContours(np.zeros((256, 256), np.uint8), edges, -1, 1, -1)
            assert 0.002 < red.mean() < 0.05 and least < inside.mean() < 0.95
    assert preview_masks(workspace, result, "A", "mouth") == []


def test_the_picture_of_a_mask_leaves_the_rest_of_the_image_alone(aligned):
    image = aligned["A"][0]
    mask = np.zeros((256, 256), np.uint8)
    mask[60:100, 50:120] = 255
    shown = tint(image, mask)
    np.testing.assert_array_equal(shown[mask == 0], image[mask == 0])
    assert (shown[60, 50:120] == (255, 40, 40)).all()
    middle = np.s_[65:95, 55:115]
    assert shown[middle][..., 0].mean() > image[middle][..., 0].mean() + 10


def test_images_without_a_face_are_moved_not_lost(workspace):
    cup = skimage.data.coffee()[:300, :300]
    write_image(workspace.face_folder("B") / "cup.png", cup)
    (moved,) = set_aside(workspace, make_masks(workspace))
    assert moved == workspace.root / "faceB_without_face" / "cup.png"
    np.testing.assert_array_equal(load_image(moved), cup)
    assert make_masks(workspace, ("outline",)).without_face == {"A": [], "B": []}
