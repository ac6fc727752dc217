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
from fsgan_utils.conversion.work import Work, faces_made_from, frames_made_from
from fsgan_utils.extraction import Source
from fsgan_utils.landmarks import QUICK_LOOKS
from fsgan_utils.locking import BusyError, only_run_on
from fsgan_utils.video import read_frames

CLIP = "data/clips/a_target.mp4"
SETTINGS = {"color_correction": "mkl", "batch": 4, "layout": "triple"}
PROGRAM = """
import sys
import time
sys.path[:0] = [".", "tests"]
from painter import Painter
from fsgan_utils.conversion import ConvertConfig, convert, convert_video, following
from fsgan_utils.conversion.work import Work

Work.FRAMES_A_PART = 8
look, write = following.FaceTracker.update, convert.lay_out

def slowly(function):
    def slow(*arguments):
        time.sleep(0.05)
        return function(*arguments)
    return slow

following.FaceTracker.update, convert.lay_out = slowly(look), slowly(write)
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
    while process.poll() is None and not list(work.rglob(there)):
        time.sleep(0.01)
    assert process.poll() is None, "it has to be killed at work"
    process.send_signal(signal.SIGKILL)
    process.wait()


def stored(path):
    with av.open(str(path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux() if packet.size]


@pytest.mark.recovery
@pytest.mark.parametrize(
    ("name", "kills"), [("out.mp4", ("faces_00002.npz", "part_00003.json")), ("frames", ("frame_000034.png",))]
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
    config, detector, output = ConvertConfig(**SETTINGS), build_detector(ConvertConfig()), tmp_path / "out.mp4"

    def work(source=CLIP, model="painter", finder=detector, looks=(), **changed):
        settings = replace(config, **changed)
        found = faces_made_from(Source.open(source), settings, finder, looks)
        return Work.open(output, found, frames_made_from(found, settings, model))

    begun = work()
    begun.part(0, ".nut").write_bytes(b"pictures")
    begun.close_part(0, [begun.part(0, ".nut")], {"tints": []})
    assert len(work().notes()) == 1
    for other in (
        {"finder": build_detector(ConvertConfig(min_face=99))},
        {"source": "data/clips/b_target.mp4"},
        {"start": 1.0},
        {"looks": QUICK_LOOKS},
    ):
        assert work(**other).faces != begun.faces, other
    for other in ({"enhance": 0.1}, {"model": "another"}):
        assert (work(**other).notes(), work(**other).faces) == ([], begun.faces), other
    assert work(enhance=0.1).differences() == ["enhance = 0.0"]
    assert work(model="another").differences() == ["another model"]


def interrupted(monkeypatch, output, config, detector, after):
    """Run until so many frames are laid out, and fail."""
    lay_out, written = convert.lay_out, []

    def full_disk(*arguments):
        written.append(arguments)
        if len(written) > after:
            raise OSError(28, "No space left on device", str(output))
        return lay_out(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(convert, "lay_out", full_disk)
        with pytest.raises(OSError, match="the disk is full; make room and run again"):
            convert_video(CLIP, output, Painter(), config, detector)


def test_work_that_fails_is_kept_and_goes_on(tmp_path, small_parts, monkeypatch):
    """A full disk, say: the run stops with advice, and the next one goes on."""
    output, config = tmp_path / "out.mp4", ConvertConfig(color_correction="none")
    output.write_bytes(b"last week's result")
    detector = build_detector(config)
    interrupted(monkeypatch, output, config, detector, after=20)
    assert output.read_bytes() == b"last week's result"
    summary = convert_video(CLIP, output, Painter(), config, detector)
    assert (summary.frames, summary.resumed_frames) == (48, 16)
    assert len(list(read_frames(output))) == 48


class Watched:
    """A detector that counts the pictures it is shown."""

    def __init__(self, detector):
        self.detector, self.seen = detector, 0

    def __repr__(self):
        return "watched"

    def detect(self, images):
        self.seen += len(images)
        return self.detector.detect(images)


def test_other_settings_keep_the_faces_and_say_what_was_begun(tmp_path, small_parts, monkeypatch):
    output, config = tmp_path / "out.mp4", ConvertConfig(color_correction="none")
    detector = Watched(build_detector(config))
    interrupted(monkeypatch, output, config, detector, after=20)
    seen = detector.seen
    with pytest.warns(UserWarning, match="frames made before with quality = None are kept until this run ends"):
        summary = convert_video(CLIP, output, Painter(), replace(config, quality=20), detector)
    assert (summary.frames, summary.resumed_frames, detector.seen) == (48, 0, seen)
    assert list(tmp_path.iterdir()) == [output]
    interrupted(monkeypatch, output, config, detector, after=20)
    with pytest.warns(UserWarning, match="with another model are kept"):
        convert_video(CLIP, output, Painter(tint=-0.8), config, detector)
    interrupted(monkeypatch, output, config, detector, after=20)
    with pytest.warns(UserWarning, match="with start = None are kept"):
        assert convert_video(CLIP, output, Painter(), replace(config, start=1), detector).frames == 24


@pytest.mark.parametrize("name", ["out.mp4", "frames"])
def test_damaged_work_is_made_again(tmp_path, small_parts, monkeypatch, name):
    config, detector = ConvertConfig(color_correction="none"), build_detector(ConvertConfig())
    expected = convert_video(CLIP, tmp_path / "whole" / name, Painter(), config, detector)
    output = tmp_path / "broken" / name
    interrupted(monkeypatch, output, config, detector, after=36)
    (faces,) = output.parent.rglob("faces_00003.npz")
    faces.write_bytes(faces.read_bytes()[:-2000])
    (part,) = output.parent.rglob("part_00002.nut" if name == "out.mp4" else "frame_000020.png")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 255
    part.write_bytes(content)
    summary = convert_video(CLIP, output, Painter(), config, detector)
    assert (summary.frames, summary.resumed_frames) == (48, 16)
    assert (summary.jitter, summary.flicker) == (expected.jitter, expected.flicker)
    if name == "out.mp4":
        assert stored(output) == stored(expected.output)
    else:
        both = zip(sorted(output.iterdir()), sorted(expected.output.iterdir()), strict=True)
        assert all(one.read_bytes() == other.read_bytes() for one, other in both)


def test_two_runs_do_not_write_one_result(tmp_path):
    output = tmp_path / "out.mp4"
    with only_run_on(output), pytest.raises(BusyError, match=r"another run is writing .*out\.mp4; wait"):
        convert_video(CLIP, output, Painter())
    program = (
        "import sys; sys.path[:0] = ['.'];"
        "from fsgan_utils.locking import only_run_on; from pathlib import Path;"
        "lock = only_run_on(Path(sys.argv[1])); lock.__enter__(); print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(output)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(BusyError), only_run_on(output):
            pass
        other.kill()
    with only_run_on(output):
        assert not output.exists()


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
