"""What is measured of a face, against blur that was added, poses that were rendered, and copies that were made."""

from dataclasses import fields

import cv2
import numpy as np
import pytest
from conftest import CLIPS

from fsgan_utils import plotting
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.extraction.quality import (
    PITCH_EDGES,
    YAW_EDGES,
    Quality,
    Selection,
    blur,
    coverage,
    find_duplicates,
    head_pose,
    lacking_poses,
    thumbnail,
)
from fsgan_utils.extraction.sharpness import blur_of, edge_widths, find_blurred
from fsgan_utils.faces import Alignment
from fsgan_utils.landmarks import MESH_EYELIDS, FaceMesh
from fsgan_utils.video import read_frames

RENDERED_POSES = {
    "a_train_studio.mp4": {16: (23.5, 11.5, -2.6), 40: (44.0, -11.3, -6.7), 100: (-45.9, -1.4, 4.1)},
    "b_train_warm.mp4": {20: (-4.9, -12.6, -0.2), 60: (-22.3, 5.5, 2.2), 80: (8.5, -13.0, -6.2)},
}
"""By clip and frame: yaw, pitch and roll that the renderer was told; its pitch grows downwards."""


@pytest.fixture(scope="module")
def frames():
    """By clip: every fourth frame, the face in it, and its aligned crop."""
    detector, found = FaceDetector(60), {}
    for clip in RENDERED_POSES:
        pictures = list(read_frames(CLIPS / clip, every=4))
        faces = [faces[0] for faces in detector.detect([picture.image for picture in pictures])]
        found[clip] = [
            (picture.index, picture.image, face, Alignment.from_landmarks(face.landmarks).warp(picture.image))
            for picture, face in zip(pictures, faces, strict=True)
        ]
    return found


@pytest.fixture(scope="module")
def crops(frames):
    return [crop for clip in frames.values() for *_, crop in clip]


def moved(crop, pixels, degrees):
    """As if the face had moved so far, in that direction, while the picture was taken."""
    line = np.zeros((2 * pixels + 1, 2 * pixels + 1), np.float32)
    line[pixels, pixels - pixels // 2 : pixels + pixels // 2 + 1] = 1
    line = cv2.warpAffine(line, cv2.getRotationMatrix2D((pixels, pixels), degrees, 1), line.shape)
    return cv2.filter2D(crop, -1, line / line.sum(), borderType=cv2.BORDER_REFLECT)


def soft(crop, deviation=2.5):
    return cv2.GaussianBlur(crop, (0, 0), deviation)


def drawn_large(crop, height):
    """As if the face, which fills the crop, had been so high in its frame."""
    small = cv2.resize(crop, (height, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, crop.shape[:2], interpolation=cv2.INTER_CUBIC)


def test_sharp_faces_lie_below_the_usual_limit_and_blurred_ones_above(crops):
    limit = Selection().max_blur
    assert max(blur(crop) for crop in crops) < limit - 0.04
    assert np.mean([blur(soft(crop, 1)) < limit for crop in crops]) > 0.95
    for spoil in (lambda crop: soft(crop, 5), lambda crop: drawn_large(crop, 20)):
        assert min(blur(spoil(crop)) for crop in crops) > limit + 0.01


@pytest.mark.parametrize("degrees", [0, 30, 60, 90, 135])
def test_motion_in_any_direction_is_blur(crops, degrees):
    assert min(blur(moved(crop, 15, degrees)) for crop in crops) > Selection().max_blur


def left_out(crops, limit=0.72):
    """Which faces of one pose and size are left out beside each other."""
    widths = np.array([edge_widths(crop) for crop in crops])
    blurs = np.array([blur_of(own) for own in widths])
    return find_blurred(blurs, widths, np.full(len(crops), 150.0), np.zeros((len(crops), 2)), limit)


@pytest.mark.parametrize("deviation", [0, 2.5])
def test_a_soft_clip_keeps_its_faces_but_not_those_blurred_by_motion(frames, deviation):
    own = [soft(crop, deviation) if deviation else crop for *_, crop in frames["b_train_warm.mp4"]]
    assert left_out(own).mean() < 0.08
    for degrees in (0, 45, 90, 135):
        mixed = [moved(crop, 15, degrees) if number % 5 == 0 else crop for number, crop in enumerate(own)]
        found = left_out(mixed)
        assert found[::5].mean() > 0.8
        assert np.delete(found, np.s_[::5]).mean() < 0.08
    assert not left_out(own, None).any()


def test_few_faces_are_measured_by_the_limit_alone(crops):
    assert left_out([soft(crop) for crop in crops[:4]]).all()


def eyelids_drawn_shut(image, mesh):
    """Skin of the lids painted over both eyes: what a blink takes away is the detail of the eyes."""
    shut = image.copy()
    for lids in mesh[MESH_EYELIDS, :2]:
        middle, size = lids.mean(axis=0), np.ptp(lids, axis=0)
        skin = image[int(middle[1] - 1.1 * size[1]), int(middle[0])].tolist()
        axes = (int(0.6 * size[0]), int(0.75 * size[1]))
        cv2.ellipse(shut, middle.astype(int).tolist(), axes, 0, 0, 360, skin, -1, cv2.LINE_AA)
    return shut


def test_a_closed_eye_is_no_blur(frames):
    mesh = FaceMesh()
    for _, image, face, crop in frames["b_train_warm.mp4"][::3]:
        alignment = Alignment.from_landmarks(face.landmarks)
        shut = alignment.warp(eyelids_drawn_shut(image, mesh.detect(image, face.box, looks=2)[0]))
        assert np.abs(shut.astype(int) - crop).max() > 30
        for deviation in (1, 2.5):
            assert blur(soft(shut, deviation)) == pytest.approx(blur(soft(crop, deviation)), abs=0.01)


def test_blur_does_not_depend_on_the_size_of_the_file(crops):
    large = cv2.resize(crops[0], (512, 512), interpolation=cv2.INTER_CUBIC)
    assert blur(large) == pytest.approx(blur(crops[0]), abs=0.02)


def test_head_pose_is_the_rendered_one(frames):
    mesh = FaceMesh()
    for clip, poses in RENDERED_POSES.items():
        seen = {
            index: head_pose(mesh.detect(image, face.box, looks=2)[0])
            for index, image, face, _ in frames[clip]
            if index in poses
        }
        for index, (yaw, pitch, roll) in poses.items():
            assert np.abs(np.array(seen[index]) - (yaw, -pitch, -roll)).max() < 8.5, (clip, index, seen[index])


def test_a_mirror_turns_yaw_and_roll_about(frames):
    mesh = FaceMesh()
    for _, image, face, _ in frames["a_train_studio.mp4"][::6]:
        x0, y0, x1, y1 = face.box
        width = image.shape[1]
        mirrored = np.array([width - x1, y0, width - x0, y1])
        yaw, pitch, roll = head_pose(mesh.detect(image, face.box, looks=2)[0])
        other = head_pose(mesh.detect(np.ascontiguousarray(image[:, ::-1]), mirrored, looks=2)[0])
        assert np.abs(np.array(other) - (-yaw, pitch, -roll)).max() < 5


def test_a_mesh_turned_by_known_angles(frames):
    _, image, face, _ = frames["b_train_warm.mp4"][0]
    mesh = FaceMesh().detect(image, face.box, looks=2)[0].astype(np.float64)
    yaw, pitch, roll = head_pose(mesh)
    angle = np.radians(20)
    about_depth = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    about_height = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    assert head_pose(mesh @ about_depth.T)[2] > roll + 15
    assert head_pose(mesh @ about_height.T) == pytest.approx((yaw + 20, pitch, roll))
    assert head_pose(mesh * 3 + 7) == pytest.approx((yaw, pitch, roll))
    with pytest.raises(ValueError, match=r"\(468, 2\)"):
        head_pose(mesh[:, :2])


def copies_of(crop):
    yield cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
    yield cv2.resize(crop, (160, 160), interpolation=cv2.INTER_AREA)
    yield cv2.resize(crop, (512, 512), interpolation=cv2.INTER_LINEAR)
    yield np.clip(crop * 1.1 + 12, 0, 255).astype(np.uint8)


def test_copies_are_duplicates(crops):
    limit = Selection().max_similarity
    for crop in crops[::6]:
        thumbnails = np.stack([thumbnail(image) for image in (crop, *copies_of(crop))])
        assert find_duplicates(thumbnails, limit).tolist() == [-1, 0, 0, 0, 0]


def test_frames_of_a_moving_head_are_no_duplicates():
    detector, found = FaceDetector(60), []
    for frame in read_frames(CLIPS / "b_target.mp4"):
        (face, *_) = detector.detect([frame.image])[0]
        found.append(thumbnail(Alignment.from_landmarks(face.landmarks).warp(frame.image)))
    assert (find_duplicates(np.stack(found), Selection().max_similarity) == -1).all()


def test_duplicates_name_a_face_that_was_kept():
    rng = np.random.default_rng(0)
    kept = rng.normal(size=(700, 64)).astype(np.float32)
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    thumbnails = np.concatenate([kept, kept[::-1], kept[:300]])
    expected = [-1] * 700 + list(range(699, -1, -1)) + list(range(300))
    assert find_duplicates(thumbnails, 0.99).tolist() == expected
    assert (find_duplicates(thumbnails, None) == -1).all()
    assert find_duplicates(thumbnails[:0], 0.99).tolist() == []
    drifting = np.stack([[np.cos(angle), np.sin(angle)] for angle in (0, 0.1, 0.2)]).astype(np.float32)
    assert find_duplicates(drifting, 0.99).tolist() == [-1, 0, -1]


def test_a_picture_of_one_colour_repeats_none():
    grey = np.full((64, 64, 3), 90, np.uint8)
    assert find_duplicates(np.stack([thumbnail(grey), thumbnail(grey)]), 0.5).tolist() == [-1, -1]


def test_a_rejection_gives_its_reason():
    good = {"blur": 0.5, "size": 150, "score": 0.99, "yaw": 10, "pitch": -5, "roll": 0}
    assert Selection().rejection(Quality(**good)) is None
    assert Selection(min_size=40).rejection(Quality(**good | {"size": 31.4})) == "small (31, at least 40)"
    assert Selection(min_score=0.9).rejection(Quality(**good | {"score": 0.85})) == "unsure (0.85, at least 0.90)"
    turned = Selection(max_yaw=70, max_pitch=45).rejection(Quality(**good | {"yaw": -80, "pitch": 50}))
    assert turned == "turned aside (80, at most 70); looking far up or down (50, at most 45)"
    nothing = Selection(**{field.name: None for field in fields(Selection)})
    assert nothing.rejection(Quality(1, 2, 0, 90, 90, 0)) is None
    assert Selection().rejection(Quality(0.5, 150, 0.99)) is None


@pytest.mark.parametrize("limit", [{"max_blur": 1.2}, {"min_size": 0}, {"max_yaw": -3}, {"max_similarity": 2}])
def test_a_limit_out_of_range_is_an_error(limit):
    with pytest.raises(ValueError, match=f"{next(iter(limit))} must be None or between"):
        Selection(**limit)


def test_quality_of_a_face(frames):
    _, image, face, crop = frames["a_train_studio.mp4"][10]
    mesh = FaceMesh().detect(image, face.box, looks=2)[0]
    quality = Quality.of(face, crop, mesh)
    assert (quality.yaw, quality.pitch, quality.roll) == head_pose(mesh)
    assert quality.blur == blur(crop) and quality.size == min(face.width, face.height) and quality.score == face.score
    assert Quality.of(face, crop).yaw is None


def test_coverage_counts_every_face():
    counts = coverage([0, 5, -80, 40, 40], [0, 5, 0, -50, 44])
    assert counts.shape == (6, 10) and counts.sum() == 5
    assert counts[3, 5] == 2 and counts[3, 0] == 1 and counts[0, 7] == 1 and counts[5, 7] == 1


def test_what_lacks_is_named():
    yaws, pitches = np.full(100, 2.0), np.full(100, 3.0)
    yaws[:30], pitches[40:60] = -40, 20
    assert lacking_poses(yaws, pitches) == [
        "no face turns to the image's right (by 30° or more)",
        "no face looks down (by 15° or more)",
    ]
    yaws[99], pitches[:30] = 35, -20
    assert lacking_poses(yaws, pitches) == ["only 1 of 100 faces turns to the image's right (by 30° or more)"]
    assert len(lacking_poses([], [])) == 5


def test_the_map_of_poses_writes_every_count(monkeypatch):
    monkeypatch.setattr(plotting.plt, "show", lambda: None)
    plotting.show_coverage(coverage([0, 5, 40], [0, 5, 0]), YAW_EDGES, PITCH_EDGES, "three faces")
    axis = plotting.plt.gca()
    written = {text.get_position(): text.get_text() for text in axis.texts}
    assert written == {(7.5, 7.5): "2", (37.5, 7.5): "1"} and axis.get_title() == "three faces"
    with pytest.raises(ValueError, match="do not fit the counts"):
        plotting.show_coverage(np.zeros((3, 3), int), YAW_EDGES, PITCH_EDGES)


def test_the_histogram_holds_every_size(monkeypatch):
    monkeypatch.setattr(plotting.plt, "show", lambda: None)
    plotting.show_sizes([50, 60, 61, 200], least=40)
    assert sum(bar.get_height() for bar in plotting.plt.gca().patches) == 4
    with pytest.raises(ValueError, match="no face whose size"):
        plotting.show_sizes([])
