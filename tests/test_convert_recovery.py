"""Killed anywhere and run again, a conversion ends with the frames of one that was not killed."""

import signal
import subprocess
import sys
import time
from dataclasses import replace

import av
import numpy as np
import pytest
from painter import Painter

from fsgan_utils.conversion import ConvertConfig, build_detector, convert, convert_video
from fsgan_utils.conversion.work import Work, fingerprint
from fsgan_utils.extraction import Source
from fsgan_utils.video import read_frames

CLIP = "data/clips/a_target.mp4"
SETTINGS = {"color_correction": "mkl", "batch": 4, "layout": "triple"}
PROGRAM = """
import sys
import time
sys.path[:0] = [".", "tests"]
from painter import Painter
from fsgan_utils.conversion import ConvertConfig, convert, convert_video, tracks
from fsgan_utils.conversion.work import Work

Work.FRAMES_A_PART = 8
look, write = tracks.FaceTracker.update, convert.lay_out

def slowly(function):
    def slow(*arguments):
        time.sleep(0.05)
        return function(*arguments)
    return slow

tracks.FaceTracker.update, convert.lay_out = slowly(look), slowly(write)
convert_video(sys.argv[1], sys.argv[2], Painter(), ConvertConfig(**eval(sys.argv[3])))
"""


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(Work, "FRAMES_A_PART", 8)


def killed_once(there, output):
    """Run until a file is there, and kill."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, CLIP, str(output), repr(SETTINGS)], stderr=subprocess.DEVNULL
    )
    work = output.with_name(f".{output.name}.partial")
    while process.poll() is None and not list(work.glob(there)):
        time.sleep(0.01)
    assert process.poll() is None, "it has to be killed at work"
    process.send_signal(signal.SIGKILL)
    process.wait()


def stored(path):
    with av.open(str(path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux() if packet.size]


@pytest.mark.recovery
@pytest.mark.parametrize(
    ("name", "kills"), [("out.mp4", ("faces_00002.npz", "part_00003.json")), ("frames", ("part_00004*",))]
)
def test_a_killed_run_goes_on_and_ends_alike(tmp_path, small_parts, name, kills):
    config, whole, broken = ConvertConfig(**SETTINGS), tmp_path / "whole" / name, tmp_path / "broken" / name
    broken.parent.mkdir()
    for there in kills:
        killed_once(there, broken)
        assert not broken.exists()
    resumed = convert_video(CLIP, broken, Painter(), config)
    expected = convert_video(CLIP, whole, Painter(), config)
    assert (resumed.resumed_frames, expected.resumed_frames) == (32, 0)
    for field in ("frames", "swapped_frames", "swapped_faces", "jitter", "flicker"):
        assert getattr(resumed, field) == getattr(expected, field), field
    if whole.is_dir():
        assert [path.read_bytes() for path in sorted(broken.iterdir())] == [
            path.read_bytes() for path in sorted(whole.iterdir())
        ]
    else:
        assert stored(broken) == stored(whole)
    assert [path.name for path in broken.parent.iterdir()] == [name]


def test_only_the_same_source_settings_and_model_go_on(tmp_path):
    config, detector = ConvertConfig(**SETTINGS), build_detector(ConvertConfig())
    source = Source.open(CLIP)
    begun = Work.open(tmp_path / "out.mp4", fingerprint(source, config, Painter(), detector))
    begun.close_part(0, {"tints": []})
    for other in (
        (source, config, Painter(), build_detector(ConvertConfig(min_face=99))),
        (source, replace(config, enhance=0.1), Painter(), detector),
        (Source.open("data/clips/b_target.mp4"), config, Painter(), detector),
        (source, config, Painter(tint=-0.8), detector),
    ):
        assert fingerprint(*other) != fingerprint(source, config, Painter(), detector)
    again = Work.open(tmp_path / "out.mp4", fingerprint(source, config, Painter(), detector))
    assert again.notes() == [{"tints": []}]
    assert Work.open(tmp_path / "out.mp4", fingerprint(*other)).notes() == []


def test_work_that_fails_is_kept_and_goes_on(tmp_path, small_parts, monkeypatch):
    """A full disk, say: the run stops with advice, and the next one goes on."""
    output, config, model = tmp_path / "out.mp4", ConvertConfig(color_correction="none"), Painter()
    output.write_bytes(b"last week's result")
    lay_out, written = convert.lay_out, []

    def full_disk(*arguments):
        written.append(arguments)
        if len(written) > 20:
            raise OSError(28, "No space left on device", str(output))
        return lay_out(*arguments)

    detector = build_detector(config)
    monkeypatch.setattr(convert, "lay_out", full_disk)
    with pytest.raises(OSError, match="the disk is full; make room and run again"):
        convert_video(CLIP, output, model, config, detector)
    assert output.read_bytes() == b"last week's result"
    monkeypatch.setattr(convert, "lay_out", lay_out)
    summary = convert_video(CLIP, output, model, config, detector)
    assert (summary.frames, summary.resumed_frames) == (48, 16)
    assert len(list(read_frames(output))) == 48


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        convert_video(CLIP, tmp_path / "file" / "out.mp4", Painter())
    assert (tmp_path / "file").read_text() == "not a folder"


def test_the_first_frames_of_a_part_are_steadied_like_the_others(tmp_path, small_parts, monkeypatch):
    """A part begins with what the frames before it contribute, resumed or not: no seam between parts."""
    config = ConvertConfig(color_correction="adain", quality=0)
    parted = convert_video(CLIP, tmp_path / "parted.mp4", Painter(), config).output
    monkeypatch.setattr(Work, "FRAMES_A_PART", 240)
    whole = convert_video(CLIP, tmp_path / "whole.mp4", Painter(), config).output
    for one, other in zip(read_frames(parted), read_frames(whole), strict=True):
        assert np.abs(one.image.astype(int) - other.image).max() <= 8
