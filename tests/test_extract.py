import shutil

import av
import cv2
import numpy as np
import pytest

from fsgan_utils.extraction import FaceDetector, NoFaceError, copy_to, extract_faces, eye_box_mask, read_records
from fsgan_utils.extraction.quality import Selection
from fsgan_utils.faces import Alignment, misalignment
from fsgan_utils.images import load_image
from fsgan_utils.video import VideoWriter, read_frames
from fsgan_utils.workspace import Workspace

A, B = "data/clips/a_train_cool.mp4", "data/clips/b_train_cool.mp4"


@pytest.fixture(scope="module")
def frames():
    """Four frames of each person."""
    return {side: [frame.image for frame in read_frames(clip, every=15)] for side, clip in (("A", A), ("B", B))}


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "swap")


def write_clip(path, images):
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = images[0].shape[:2]
    with VideoWriter(path, rate=24, size=(width, height)) as writer:
        for image in images:
            writer.write(image)
    return path


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def contents(folder):
    return {name: (folder / name).read_bytes() for name in files(folder)}


def test_folders_names_and_records(workspace):
    result = extract_faces(A, workspace, detect_every=20)
    names = ["frame0face0.png", "frame20face0.png", "frame40face0.png"]
    expected = [f"{folder}/{name}" for folder in ("aligned_faces", "binary_masks_eyes", "raw_faces") for name in names]
    previews = [f"previews/frame{number:07}.jpg" for number in (0, 20, 40)]
    assert files(workspace.faces) == sorted([*expected, *previews, "extraction.json", "faces.jsonl"])
    assert (result.frames_read, result.frames_with_faces, len(result.faces)) == (3, 3, 3)
    assert read_records(workspace.faces) == result.faces
    assert [(r.frame, r.source) for r in result.faces] == [(n, "a_train_cool.mp4") for n in (0, 20, 40)]
    np.testing.assert_allclose([r.time for r in result.faces], [0, 20 / 24, 40 / 24])


def test_crops_and_masks_are_those_of_the_record(workspace):
    (record, *_) = extract_faces(A, workspace, detect_every=40).faces
    frame = next(read_frames(A)).image
    folder = workspace.faces
    expected = Alignment(np.array(record.matrix), record.size).warp(frame)
    np.testing.assert_array_equal(load_image(folder / "aligned_faces" / record.file), expected)
    assert expected.shape == (256, 256, 3)
    raw = load_image(folder / "raw_faces" / record.file)
    x0, y0, x1, y1 = record.box
    assert abs(raw.shape[1] - (x1 - x0)) <= 1
    assert abs(raw.shape[0] - (y1 - y0)) <= 1
    mask = load_image(folder / "binary_masks_eyes" / record.file)[..., 0]
    eyes = np.array(record.matrix) @ np.vstack([np.array(record.landmarks)[:2].T, np.ones(2)])
    for x, y in eyes.T.round().astype(int):
        assert mask[y, x] == 255
    assert mask[128:].max() == 0


def test_each_face_is_aligned_by_its_own_points(workspace, frames, tmp_path):
    both = [np.hstack([a, b]) for a, b in zip(frames["A"], frames["B"], strict=True)]
    result = extract_faces(write_clip(tmp_path / "two.mp4", both), workspace, detect_every=2)
    assert result.frames_with_faces == 2
    assert [r.file for r in result.faces] == [f"frame{n}face{k}.png" for n in (0, 2) for k in (0, 1)]
    for record in result.faces:
        landmarks = np.c_[np.array(record.landmarks), np.ones(5)] @ np.array(record.matrix).T
        assert misalignment(landmarks / 256, "full") < 1e-6
        crop = load_image(workspace.faces / "aligned_faces" / record.file)
        assert len(FaceDetector(60).detect([crop])[0]) == 1


def test_high_quality_jpeg_faces_keep_png_masks(workspace):
    extract_faces(A, workspace, detect_every=60, save_format="jpg")
    assert files(workspace.faces) == [
        "aligned_faces/frame0face0.jpg",
        "binary_masks_eyes/frame0face0.png",
        "extraction.json",
        "faces.jsonl",
        "previews/frame0000000.jpg",
        "raw_faces/frame0face0.jpg",
    ]
    assert files(copy_to("A", workspace).folder) == ["a_train_cool_frame0face0.jpg"]


def test_one_landmark_source_aligns_a_whole_run(workspace):
    for source in ("facemesh", "mtcnn"):
        result = extract_faces(A, workspace, detect_every=6, landmarks=source)
        assert {record.landmarks_from for record in result.faces} == {source}
        for record in result.faces:
            expected = Alignment.from_landmarks(np.array(record.landmarks), crop="full").matrix
            np.testing.assert_allclose(record.matrix, expected)
    with pytest.raises(ValueError, match="facemesh, mtcnn"):
        extract_faces(A, workspace, landmarks="both")


def test_one_frame_of_odd_size(workspace, frames, tmp_path):
    clip = write_clip(tmp_path / "odd.webm", [cv2.resize(frames["B"][0], (321, 303))])
    result = extract_faces(clip, workspace)
    assert (result.frames_read, len(result.faces), len(result.previews)) == (1, 1, 1)
    assert result.previews[0].shape == (303, 321, 3)


def test_damaged_frames_are_no_faces(workspace, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [frame.image for frame in read_frames(B, stop=0.5)])
    with av.open(str(clip)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][6]
        begin, end = packet.pos + packet.size // 3, packet.pos + packet.size // 2
    content = bytearray(clip.read_bytes())
    content[begin:end] = bytes(255 - byte for byte in content[begin:end])
    clip.write_bytes(content)
    result = extract_faces(clip, workspace, detect_every=1, selection=Selection(max_similarity=None))
    assert max(record.frame for record in result.faces) == 5
    assert "not read: frame 6 (0.25 s) is damaged" in str(result)


def test_soft_footage_keeps_its_faces_and_says_so(workspace, tmp_path):
    soft = [cv2.GaussianBlur(frame.image, (0, 0), 2) for frame in read_frames(B, stop=0.4)]
    soft[4] = cv2.blur(soft[4], (15, 1))
    clip = write_clip(tmp_path / "soft.mp4", soft)
    result = extract_faces(clip, workspace, detect_every=1, selection=Selection(max_similarity=None))
    assert {record.frame for record in result.faces} == {*range(10)} - {4}
    assert result.reasons() == {"blurred": 1}
    assert "the source is soft throughout" in str(result)


def test_a_clip_without_faces_is_an_error_and_changes_nothing(workspace, tmp_path):
    extract_faces(A, workspace, detect_every=60)
    before = contents(workspace.root)
    clip = write_clip(tmp_path / "empty_room.mp4", [np.full((64, 64, 3), 90, np.uint8)] * 3)
    with pytest.raises(NoFaceError, match=r"empty_room\.mp4"):
        extract_faces(clip, workspace)
    assert contents(workspace.root) == before
    with pytest.raises(NoFaceError):
        extract_faces(clip, Workspace(tmp_path / "fresh"))
    assert files(tmp_path / "fresh") == []


def broken(kind, folder):
    path = folder / f"{kind}.mp4"
    whole = (folder.joinpath("whole.mp4")).read_bytes()
    content = {"missing": None, "empty": b"", "truncated": whole[: len(whole) * 2 // 3], "text": b"not a video " * 50}[
        kind
    ]
    if content is not None:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["missing", "empty", "truncated", "text"])
def test_what_is_no_whole_video_is_an_error_and_changes_nothing(workspace, frames, tmp_path, kind):
    write_clip(tmp_path / "whole.mp4", frames["A"] * 3)
    extract_faces(A, workspace, detect_every=60)
    before = contents(workspace.root)
    with pytest.raises((FileNotFoundError, ValueError), match=rf"{kind}\.mp4"):
        extract_faces(broken(kind, tmp_path), workspace)
    assert contents(workspace.root) == before


def test_a_run_that_breaks_off_changes_nothing_and_the_next_one_clears_up(workspace):
    extract_faces(A, workspace, detect_every=60)
    before = contents(workspace.faces)

    class Breaking:
        min_face = 30

        def detect(self, images):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_faces(A, workspace, Breaking())
    assert contents(workspace.faces) == before
    assert [path.name for path in workspace.root.iterdir() if path.suffix == ".partial"]
    extract_faces(A, workspace, detect_every=60)
    assert contents(workspace.faces) == before
    assert [path.name for path in workspace.root.iterdir()] == ["faces"]


def test_a_kill_between_removing_and_renaming_loses_nothing(workspace, tmp_path):
    extract_faces(A, workspace, detect_every=60)
    before = contents(workspace.faces)
    workspace.faces.rename(workspace.root / ".faces.replaced")
    with pytest.raises(NoFaceError):
        extract_faces(write_clip(tmp_path / "empty.mp4", [np.zeros((64, 64, 3), np.uint8)]), workspace)
    assert contents(workspace.faces) == before


def test_what_is_done_is_not_done_again_unless_something_changes(workspace, monkeypatch):
    first = extract_faces(A, workspace, detect_every=30)
    again = extract_faces(A, workspace, detect_every=30)
    assert again.done_before
    assert not first.done_before
    assert (again.faces, again.frames_read) == (first.faces, first.frames_read)
    assert not extract_faces(A, workspace, detect_every=20).done_before
    (workspace.faces / "aligned_faces" / "frame0face0.png").unlink()
    assert not extract_faces(A, workspace, detect_every=20).done_before


def test_faces_of_another_video_are_kept(workspace):
    extract_faces(A, workspace, detect_every=60)
    of_a = contents(workspace.faces)
    assert extract_faces(A, workspace, detect_every=60).kept_folder is None
    result = extract_faces(B, workspace, detect_every=60)
    assert result.kept_folder == workspace.root / "faces_a_train_cool"
    assert "faces_a_train_cool" in str(result)
    assert contents(result.kept_folder) == of_a
    assert read_records(workspace.faces)[0].source == "b_train_cool.mp4"


def test_a_folder_that_is_not_ours_is_kept(workspace):
    workspace.faces.mkdir(parents=True)
    (workspace.faces / "my_own.png").write_bytes(b"x")
    result = extract_faces(A, workspace, detect_every=60)
    assert files(result.kept_folder) == ["my_own.png"]


def test_clips_lie_side_by_side_and_replace_only_themselves(workspace):
    extract_faces(A, workspace, detect_every=20)
    copy_to("A", workspace)
    extract_faces("data/clips/a_train_studio.mp4", workspace, detect_every=100)
    copy_to("A", workspace)
    (workspace.face_folder("A") / "my_own.png").write_bytes(b"x")
    extract_faces(A, workspace, detect_every=40)
    again = copy_to("A", workspace)
    assert [path.name for path in again.removed] == ["a_train_cool_frame20face0.png"]
    assert files(workspace.face_folder("A")) == [
        "a_train_cool_frame0face0.png",
        "a_train_cool_frame40face0.png",
        "a_train_studio_frame0face0.png",
        "a_train_studio_frame100face0.png",
        "my_own.png",
    ]


def test_two_videos_of_one_name_stay_apart(workspace, tmp_path):
    clips = [tmp_path / folder / "VID.mp4" for folder in ("first", "second", "moved")]
    for clip, video in zip(clips, (A, B, A), strict=True):
        clip.parent.mkdir()
        shutil.copy(video, clip)
    names = []
    for clip in clips:
        extraction = extract_faces(clip, workspace, detect_every=60)
        copied = copy_to("A", workspace)
        names.append([path.name for path in copied.copied])
    assert names == [["VID_frame0face0.png"], ["VID_2_frame0face0.png"], ["VID_frame0face0.png"]]
    assert len(files(workspace.face_folder("A"))) == 2
    assert extraction.kept_folder == workspace.root / "faces_VID_2"
    assert files(workspace.root / "faces_VID")


def test_faces_taken_out_by_hand_stay_out(workspace):
    extract_faces(A, workspace, detect_every=20)
    aligned = workspace.faces / "aligned_faces"
    (aligned / "frame20face0.png").unlink()
    copied = copy_to("A", workspace)
    assert (len(copied.copied), copied.missing) == (2, ["frame20face0.png"])
    assert "by hand" in str(copied)
    shutil.rmtree(aligned)
    with pytest.raises(ValueError, match="all 3 faces of person 0"):
        copy_to("A", workspace)


def test_settings_are_checked(workspace):
    with pytest.raises(ValueError, match="save_format"):
        extract_faces(A, workspace, save_format="gif")
    with pytest.raises(ValueError, match="every"):
        extract_faces(A, workspace, detect_every=0)
    with pytest.raises(FileNotFoundError, match="notebook 1"):
        copy_to("A", workspace)
    extract_faces(A, workspace, detect_every=60)
    with pytest.raises(ValueError, match="side"):
        copy_to("C", workspace)
    with pytest.raises(ValueError, match=r"identity must be one of 0\. Received: 7"):
        copy_to("A", workspace, 7)


def test_crude_mask_has_the_size_of_v22():
    mask = eye_box_mask(np.array([[80.0, 80.0], [180.0, 80.0]]))
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (62, 97, 48, 212)
    assert mask[80, 130] == 0
    assert eye_box_mask(np.array([[0.0, 0.0], [300.0, -50.0]])).sum() == 255 * 17 * 32
