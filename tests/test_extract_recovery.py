"""Killed anywhere and run again, an extraction ends with the files of one that was not killed."""

import signal
import subprocess
import sys
import time

import pytest

from fsgan_utils.extraction import extract_faces
from fsgan_utils.workspace import Workspace
from tests.test_extract import contents

CLIP = "data/clips/b_train_cool.mp4"
PROGRAM = """
import sys
import time
from fsgan_utils.extraction import extract, extract_faces
from fsgan_utils.extraction.tracking import FaceTracker
from fsgan_utils.workspace import Workspace

extract.PICTURES_AT_ONCE = 4
look = FaceTracker.update

def slow(self, image):
    time.sleep(0.05)
    return look(self, image)

FaceTracker.update = slow
extract_faces(sys.argv[1], Workspace(sys.argv[2]), detect_every=2, redetect_every=5)
"""


def killed_after(images, workspace):
    """Run until so many more images are there, and kill."""
    goal = len(list(workspace.root.rglob("*.png"))) + images
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, CLIP, str(workspace.root)], stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(workspace.root.rglob("*.png"))) < goal:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.recovery
def test_a_killed_run_goes_on_and_ends_alike(tmp_path):
    whole, broken = Workspace(tmp_path / "whole"), Workspace(tmp_path / "broken")
    extract_faces("data/clips/a_train_cool.mp4", broken, detect_every=30)
    before = contents(broken.faces)
    for images in (3, 30, 14):
        killed_after(images, broken)
        assert contents(broken.faces) == before
    unfinished = [path for path in broken.root.iterdir() if path.suffix == ".partial"]
    assert len(unfinished) == 1
    expected = extract_faces(CLIP, whole, detect_every=2, redetect_every=5)
    resumed = extract_faces(CLIP, broken, detect_every=2, redetect_every=5)
    assert resumed.faces == expected.faces
    assert contents(broken.faces) == contents(whole.faces)
    assert contents(resumed.kept_folder) == before
    assert not unfinished[0].exists()
