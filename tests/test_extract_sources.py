"""Odd sources, odd disks: each gives the right faces or says clearly why not."""

import errno
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from fsgan_utils.extraction import NoFaceError, copy_to, extract_faces
from fsgan_utils.extraction import extract as extract_module
from fsgan_utils.faces import misalignment
from fsgan_utils.images import load_image
from fsgan_utils.video import VideoError, VideoWriter, probe, read_frames
from fsgan_utils.workspace import Workspace
from tests.test_extract import A, contents, files
from tests.test_video import remux


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "swap")


@pytest.fixture(scope="module")
def photo():
    return skimage.data.astronaut()


def assert_aligned(result):
    """The eyes, nose and mouth of every face lie where they belong, and the picture is upright."""
    for record in result.faces:
        points = np.c_[np.array(record.landmarks), np.ones(5)] @ np.array(record.matrix).T
        assert misalignment(points / 256, "full") < 1e-6
        assert abs(record.roll) < 30


def test_a_folder_of_photographs_is_as_good_as_a_video(workspace, tmp_path, photo):
    folder = tmp_path / "album"
    folder.mkdir()
    Image.fromarray(photo).save(folder / "a_colour.jpg", quality=95)
    Image.fromarray(photo[:, ::-1]).convert("L").save(folder / "b_grey.png")
    alpha = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    Image.fromarray(cv2.rotate(alpha, cv2.ROTATE_180)[::-1]).save(folder / "c_alpha.png")
    cv2.imwrite(str(folder / "d_deep.tiff"), cv2.resize(photo, (400, 400))[..., ::-1].astype(np.uint16) * 257)
    turned = Image.fromarray(np.rot90(cv2.convertScaleAbs(photo, alpha=0.6)).copy())
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "e_turned.jpg", exif=exif, quality=95)
    (folder / "f_broken.png").write_bytes(b"\x89PNG\r\n")
    (folder / "g_note.txt").write_text("not a picture")
    result = extract_faces(folder, workspace, detect_every=6)
    assert result.frames_read == 6
    seen = {record.photograph for record in result.faces + result.rejected}
    assert seen == {"a_colour.jpg", "b_grey.png", "c_alpha.png", "d_deep.tiff", "e_turned.jpg"}
    assert result.faces[0].file == "frame0face0.png"
    assert_aligned(result)
    assert [record.photograph for record in result.rejected if "repeats" in record.rejected]
    (unreadable,) = result.summary.unreadable
    assert "f_broken.png" in unreadable
    assert "f_broken.png" in str(result)
    assert result.people == {0: len(result.faces)}
    assert files(copy_to("A", workspace).folder)[0] == "album_frame0face0.png"


def test_one_photograph(workspace, tmp_path, photo):
    Image.fromarray(photo).save(tmp_path / "portrait.png")
    (record,) = extract_faces(tmp_path / "portrait.png", workspace).faces
    assert (record.source, record.photograph, record.file) == ("portrait.png", "portrait.png", "frame0face0.png")


def test_an_empty_folder_and_one_of_broken_images_are_errors(workspace, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no image"):
        extract_faces(tmp_path, workspace)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "one.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(NoFaceError, match=r"one\.png"):
        extract_faces(tmp_path / "broken", workspace)
    assert files(workspace.root) == []


def test_a_phone_video_is_turned_upright(workspace, tmp_path):
    with VideoWriter(tmp_path / "lying.mov", rate=24, size=(320, 320)) as writer:
        for frame in read_frames(A, every=20):
            writer.write(np.rot90(frame.image, -1).copy())
    assert probe(tmp_path / "lying.mov").rotation == 0
    turned = remux(tmp_path / "lying.mov", tmp_path / "phone.mov", lambda stream: stream.set_display_rotation(90))
    result = extract_faces(turned, workspace, detect_every=1)
    assert len(result.faces) == 3
    assert_aligned(result)


def test_irregular_times_are_those_of_the_frames(workspace, tmp_path):
    info, path, ticks = probe(A), tmp_path / "irregular.mp4", [0, 3, 4, 9]
    with VideoWriter(path, info) as writer:
        for frame, tick in zip(read_frames(A), ticks, strict=False):
            object.__setattr__(frame, "pts", round(tick / 24 / info.time_base))
            writer.write(frame.image, frame)
    result = extract_faces(path, workspace, detect_every=1)
    np.testing.assert_allclose([record.time for record in result.faces], np.array(ticks) / 24, atol=1e-3)


def test_ten_bits_a_colour(workspace, tmp_path):
    path = tmp_path / "deep.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 320, "yuv420p10le"
        for frame in read_frames(A, every=20):
            picture = av.VideoFrame.from_ndarray(frame.image, "rgb24").reformat(format="yuv420p10le")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert probe(path).pixel_format == "yuv420p10le"
    result = extract_faces(path, workspace, detect_every=1)
    assert len(result.faces) == 3
    eight_bits = extract_faces(A, Workspace(tmp_path / "eight"), detect_every=20)
    for deep, plain in zip(result.faces, eight_bits.faces, strict=True):
        np.testing.assert_allclose(deep.landmarks, plain.landmarks, atol=3)


def test_a_video_without_picture_and_one_cut_short_leave_nothing(workspace, tmp_path):
    with pytest.raises(VideoError, match=r"sound\.m4a has no picture"):
        extract_faces(remux("data/clips/a_target.mp4", tmp_path / "sound.m4a", kinds=("audio",)), workspace)
    whole = remux(A, tmp_path / "whole.mp4", options={"movflags": "faststart"}).read_bytes()
    (tmp_path / "short.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(VideoError, match=r"short\.mp4"):
        extract_faces(tmp_path / "short.mp4", workspace, detect_every=1)
    assert files(workspace.root) == []


def test_a_full_disk_keeps_what_is_done_and_says_so(workspace, monkeypatch):
    extract_faces(A, workspace, detect_every=60)
    before = contents(workspace.faces)
    write, written = Path.write_bytes, []

    def full(path, content):
        written.append(path)
        if len(written) > 20:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        patched.setattr(extract_module, "PICTURES_AT_ONCE", 4)
        with pytest.raises(OSError, match=r"\.part: the disk is full; make room and run again"):
            extract_faces(A, workspace, detect_every=5)
        assert contents(workspace.faces) == before
        patched.setattr(Path, "write_bytes", write)
        resumed = extract_faces(A, workspace, detect_every=5)
    assert contents(workspace.faces) == contents(extracted_at_once(workspace))
    assert len(resumed.faces) == 12


def test_a_full_disk_changes_no_training_image(workspace, monkeypatch):
    extract_faces(A, workspace, detect_every=20, crop="half")
    before = contents(copy_to("A", workspace).folder)
    extract_faces(A, workspace, detect_every=20)
    write, written = Path.write_bytes, []

    def full(path, content):
        written.append(path)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="the disk is full; make room and run again"):
            copy_to("A", workspace)
    assert contents(workspace.face_folder("A")) == before
    assert sorted(path.name for path in workspace.root.iterdir()) == ["faceA", "faceA_sources.json", "faces"]
    assert contents(copy_to("A", workspace).folder) != before


def extracted_at_once(workspace):
    other = Workspace(workspace.root / "at_once")
    extract_faces(A, other, detect_every=5)
    return other.faces


def test_a_folder_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    locked, mkdir = Workspace(tmp_path / "locked"), Path.mkdir

    def refuse(path, *arguments, **options):
        if path.is_relative_to(tmp_path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError, match=r"locked.*change its permissions or choose another workspace"):
        extract_faces(A, locked)


def test_faces_that_are_not_good_enough_say_why(workspace, tmp_path):
    with VideoWriter(tmp_path / "fog.mp4", rate=24, size=(320, 320)) as writer:
        for frame in read_frames(A, every=20):
            writer.write(cv2.GaussianBlur(frame.image, (0, 0), 6))
    with pytest.raises(NoFaceError, match=r"of 3 faces found in .* none is good enough .*blurred"):
        extract_faces(tmp_path / "fog.mp4", workspace, detect_every=1)
    assert files(workspace.root) == []


def test_rejected_faces_keep_their_reason(workspace, tmp_path):
    frames = [frame.image for frame in read_frames(A, every=10)]
    with VideoWriter(tmp_path / "mixed.mp4", rate=24, size=(320, 320)) as writer:
        for image in [*frames[:3], frames[2], cv2.GaussianBlur(frames[3], (0, 0), 4), frames[4]]:
            writer.write(image)
    result = extract_faces(tmp_path / "mixed.mp4", workspace, detect_every=1)
    assert [record.frame for record in result.faces] == [0, 1, 2, 5]
    reasons = {record.frame: record.rejected for record in result.rejected}
    assert reasons[3] == "repeats an earlier face (frame2face0.png)"
    assert reasons[4].startswith("blurred (")
    assert files(workspace.faces / "rejected_faces") == ["frame3face0.png", "frame4face0.png"]
    assert len(files(workspace.faces / "raw_faces")) == len(files(workspace.faces / "binary_masks_eyes")) == 4
    sheet = result.rejected_sheet()
    assert sheet.shape == (2 * (96 + 22), 6 * 96, 3)
    np.testing.assert_array_equal(
        load_image(workspace.faces / "rejected_faces" / "frame4face0.png").shape, (256, 256, 3)
    )
