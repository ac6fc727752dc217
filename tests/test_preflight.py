"""Faults that are put into good training folders, one at a time, and named."""

import shutil

import cv2
import numpy as np
import pytest
import skimage.data
from conftest import CLIPS

from fsgan_utils.embedding import MobileNetEmbedder
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import Alignment
from fsgan_utils.images import list_images, load_image, write_image
from fsgan_utils.training import DatasetError, check_dataset
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import Workspace


@pytest.fixture(scope="module")
def embedder():
    return MobileNetEmbedder()


@pytest.fixture
def check(face_folders, embedder):
    """Check the workspace as notebook 3 does."""
    folders = Workspace(face_folders)
    masks = [folders.mask_folders(side) for side in ("A", "B")]
    return lambda: check_dataset(folders.face_folder("A"), folders.face_folder("B"), *masks, embedder)


@pytest.fixture(scope="module")
def stranger():
    """A third person's face, aligned."""
    image = skimage.data.astronaut()
    (face, *_) = FaceDetector().detect([image])[0]
    return Alignment.from_landmarks(face.landmarks, crop="full").warp(image)


def images_of(workspace, side):
    return list_images(workspace / f"face{side}")


def change(paths, how):
    for path in paths:
        write_image(path, how(load_image(path)))


def add(workspace, side, name, image, mask_of="face0"):
    """Add an image, and the masks of another one for it."""
    write_image(workspace / f"face{side}" / f"{name}.png", image)
    for ending in ("eyes", "mouth", "outline"):
        folder = workspace / "binary_masks" / f"face{side}_{ending}"
        shutil.copy(folder / f"{mask_of}.png", folder / f"{name}.png")


def exchange(first, second):
    first.rename(first.with_name("aside"))
    second.rename(first)
    first.with_name("aside").rename(second)


def kinds(findings):
    return {(finding.kind, finding.side) for finding in findings}


FEW = {("few_faces", "A"), ("few_faces", "B")}
"""What is rightly said of the six faces of each side."""


def test_good_folders_are_only_small(check):
    report = check()
    assert not report.errors and kinds(report.warnings) == FEW
    report.raise_if_errors()
    assert "faceA: 6 images checked" in str(report) and "only 6 images" in str(report)


def test_every_frame_of_the_clips_is_good(tmp_path, embedder):
    detector = FaceDetector(60)
    for side, clips in {"A": ("a_train_studio", "a_train_cool"), "B": ("b_train_warm", "b_train_cool")}.items():
        for clip in clips:
            for frame in read_frames(CLIPS / f"{clip}.mp4", every=3):
                (face, *_) = detector.detect([frame.image])[0]
                crop = Alignment.from_landmarks(face.landmarks, crop="full").warp(frame.image)
                write_image(tmp_path / side / f"{clip}{frame.index}.png", crop)
    report = check_dataset(tmp_path / "A", tmp_path / "B", embedder=embedder)
    assert not report.findings, str(report)
    assert str(report).endswith("nothing is wrong with them")


def test_swapped_masks_by_how_they_fit(face_folders, check):
    masks = face_folders / "binary_masks"
    for ending in ("eyes", "mouth", "outline"):
        exchange(masks / f"faceA_{ending}", masks / f"faceB_{ending}")
    report = check()
    assert kinds(report.errors) == {("masks_swapped", "")} and len(report.errors) == 3
    assert kinds(report.warnings) == FEW


def test_swapped_masks_by_their_names(face_folders, check):
    masks = face_folders / "binary_masks"
    for path in [*images_of(face_folders, "B"), *masks.glob("faceB_*/*.png")]:
        path.rename(path.with_name(f"b_{path.name}"))
    exchange(masks / "faceA_eyes", masks / "faceB_eyes")
    report = check()
    assert kinds(report.errors) == {("masks_swapped", "")}
    assert "the eyes masks" in report.errors[0].message and "faceB_eyes" in report.errors[0].message


def test_a_stranger_is_named_with_pictures(face_folders, check, stranger):
    add(face_folders, "B", "unknown", stranger)
    report = check()
    (finding,) = (finding for finding in report.findings if finding.kind == "stranger")
    assert (
        finding in report.warnings and finding.side == "B" and [file.name for file in finding.files] == ["unknown.png"]
    )
    images, titles = finding.pictures()
    assert titles == ["unknown.png"] and np.array_equal(images[0], stranger)


def test_a_third_of_strangers_are_told_from_the_person(face_folders, check):
    for path in images_of(face_folders, "A")[:3]:
        add(face_folders, "B", f"lost_{path.stem}", load_image(path))
    (finding,) = (finding for finding in check().findings if finding.kind == "stranger")
    assert [file.name for file in finding.files] == [f"lost_face{number}.png" for number in range(3)]
    assert "3 of them look like faceA" in finding.message


def test_the_same_person_twice(face_folders, check):
    detector = FaceDetector(60)
    for number, frame in enumerate(read_frames(CLIPS / "b_train_cool.mp4", every=10)):
        (face, *_) = detector.detect([frame.image])[0]
        crop = Alignment.from_landmarks(face.landmarks, crop="full").warp(frame.image)
        write_image(face_folders / "faceA" / f"face{number}.png", crop)
    assert ("same_person", "") in kinds(check().errors)


def test_too_few_faces(face_folders, check):
    for path in images_of(face_folders, "A")[1:]:
        path.unlink()
        for mask in (face_folders / "binary_masks").glob(f"faceA_*/{path.name}"):
            mask.unlink()
    report = check()
    assert kinds(report.errors) == {("few_faces", "A")}
    assert kinds(report.warnings) == {("few_faces", "B")}


def test_an_empty_folder_is_an_error_and_the_other_is_checked_all_the_same(tmp_path, face_folders, embedder):
    change(images_of(face_folders, "B"), lambda image: cv2.GaussianBlur(image, (0, 0), 4))
    report = check_dataset(tmp_path / "nowhere", face_folders / "faceB", embedder=embedder)
    assert kinds(report.errors) == {("few_faces", "A")} and "there is no image" in report.errors[0].message
    assert ("blurred", "B") in kinds(report.warnings)


def test_mostly_blurred(face_folders, check):
    change(images_of(face_folders, "B")[:4], lambda image: cv2.GaussianBlur(image, (0, 0), 3.5))
    report = check()
    assert not report.errors and kinds(report.warnings) == FEW | {("blurred", "B")}
    (finding,) = (finding for finding in report.warnings if finding.kind == "blurred")
    assert [file.name for file in finding.files] == [f"face{number}.png" for number in range(4)]


def test_mostly_one_pose(face_folders, check):
    detector, frames = FaceDetector(60), read_frames(CLIPS / "b_target.mp4")
    for number, frame in enumerate(frame for frame in frames if frame.index < 12):
        (face, *_) = detector.detect([frame.image])[0]
        crop = Alignment.from_landmarks(face.landmarks, crop="full").warp(frame.image)
        add(face_folders, "B", f"still{number}", crop, f"face{number % 6}")
    for number in range(4):
        for file in (face_folders / "faceB", *(face_folders / "binary_masks").glob("faceB_*")):
            (file / f"face{number}.png").unlink()
    (finding,) = (finding for finding in check().findings if finding.kind == "one_pose")
    assert finding.side == "B" and "no face looks down" in finding.message


def test_repeated_images(face_folders, check):
    image = load_image(face_folders / "faceA" / "face2.png")
    add(face_folders, "A", "zz_smaller", cv2.resize(image, (200, 200), interpolation=cv2.INTER_AREA), "face2")
    add(face_folders, "A", "zz_brighter", np.clip(image * 1.1 + 8, 0, 255).astype(np.uint8), "face2")
    report = check()
    assert not report.errors and kinds(report.warnings) == FEW | {("duplicates", "A")}
    (finding,) = (finding for finding in report.warnings if finding.kind == "duplicates")
    assert [file.name for file in finding.files] == ["zz_brighter.png", "zz_smaller.png"]


@pytest.mark.parametrize("fault", ["boxes", "shifted", "rotated"])
def test_unaligned_crops(face_folders, check, fault):
    if fault == "boxes":
        detector = FaceDetector(60)
        for number, frame in enumerate(read_frames(CLIPS / "a_train_studio.mp4", every=20)):
            (face, *_) = detector.detect([frame.image])[0]
            x0, y0, x1, y1 = face.box.round().astype(int)
            write_image(face_folders / "faceA" / f"face{number}.png", frame.image[max(0, y0) : y1, max(0, x0) : x1])
    else:
        moved = cv2.getRotationMatrix2D((128, 128), 20 if fault == "rotated" else 0, 1)
        moved[:, 2] += (26, 26) if fault == "shifted" else 0
        change(
            images_of(face_folders, "A"),
            lambda image: cv2.warpAffine(image, moved, (256, 256), borderMode=cv2.BORDER_REPLICATE),
        )
    assert ("unaligned", "A") in kinds(check().errors)


def test_a_picture_without_a_face(face_folders, check):
    add(face_folders, "A", "cat", cv2.resize(skimage.data.chelsea(), (256, 256), interpolation=cv2.INTER_AREA))
    report = check()
    assert not report.errors and kinds(report.warnings) == FEW | {("no_face", "A")}
    change(images_of(face_folders, "A")[:5], lambda image: np.ascontiguousarray(np.rot90(image)))
    assert ("no_face", "A") in kinds(check().errors)


@pytest.mark.parametrize("ending", ["eyes", "mouth", "outline"])
def test_masks_of_other_images(face_folders, check, ending):
    folder = face_folders / "binary_masks" / f"faceA_{ending}"
    change(sorted(folder.iterdir())[:4], lambda mask: np.roll(mask[..., 0], 60, axis=0))
    report = check()
    (finding,) = report.errors
    assert (finding.kind, finding.side) == ("masks_do_not_fit", "A")
    assert [file.name for file in finding.files] == [f"face{number}.png" for number in range(4)]
    images, _ = finding.pictures()
    assert images[0].shape == (256, 256, 3)
    assert not np.array_equal(images[0], load_image(face_folders / "faceA" / "face0.png"))


@pytest.mark.parametrize("ending", ["eyes", "mouth"])
def test_masks_all_white_do_not_fit(face_folders, check, ending):
    folder = face_folders / "binary_masks" / f"faceB_{ending}"
    change(folder.iterdir(), lambda mask: np.full((256, 256), 255, np.uint8))
    assert kinds(check().errors) == {("masks_do_not_fit", "B")}


def test_missing_and_left_over_masks(face_folders, check):
    eyes = face_folders / "binary_masks" / "faceA_eyes"
    (eyes / "face1.png").rename(eyes / "other.png")
    report = check()
    assert kinds(report.errors) == {("masks_mismatched", "A")}
    assert "face1" in str(report) and "other.png" in str(report)


def test_unreadable_files(face_folders, check):
    (face_folders / "faceB" / "face3.png").write_bytes(b"no image")
    report = check()
    (finding,) = report.errors
    assert (finding.kind, finding.side) == ("unreadable", "B") and [file.name for file in finding.files] == [
        "face3.png"
    ]
    assert finding.pictures() == ([], [])


def test_errors_stop_and_are_all_listed(face_folders, check, stranger):
    (face_folders / "faceB" / "face3.png").write_bytes(b"no image")
    (face_folders / "binary_masks" / "faceA_eyes" / "face1.png").unlink()
    add(face_folders, "A", "unknown", stranger)
    report = check()
    assert ("stranger", "A") in kinds(report.warnings)
    with pytest.raises(DatasetError) as caught:
        report.raise_if_errors()
    assert "face3.png" in str(caught.value) and "face1.png" in str(caught.value)
    assert "unknown.png" not in str(caught.value)


def test_images_cut_for_the_other_kind_of_model_are_an_error(face_folders, embedder):
    report = check_dataset(face_folders / "faceA", face_folders / "faceB", embedder=embedder, crop="half")
    assert kinds(report.errors) >= {("other_crop", "A"), ("other_crop", "B")}
    assert "cut them with crop = 'half' in notebook 1" in report.errors[0].message
