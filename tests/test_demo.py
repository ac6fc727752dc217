"""`make demo`, with a short training."""

import os
import subprocess

import numpy as np
import pytest

from fsgan_utils.images import load_image
from fsgan_utils.training import load_model
from fsgan_utils.video import probe, read_frames
from fsgan_utils.workspace import PROJECT
from tools import demo


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_the_demo_leaves_a_swapped_video_the_model_and_the_executed_notebooks(tmp_path):
    command = ["make", "demo", "ITERATIONS=20", "DETECT_EVERY=6", f"WORKSPACE={tmp_path}"]
    subprocess.run(command, cwd=PROJECT, check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    source, result = probe(demo.CLIPS / demo.TARGET), probe(tmp_path / demo.RESULT)
    for name in ("frames", "width", "height", "rate", "duration", "has_audio"):
        assert getattr(result, name) == getattr(source, name), name
    frames = zip(read_frames(source.path), read_frames(result.path), strict=True)
    assert all(np.abs(a.image.astype(int) - b.image).max() > 40 for a, b in frames)
    assert load_model(tmp_path / "models").iteration == 20
    clips = sum(map(len, demo.TRAINING_CLIPS.values()))
    assert len(list((tmp_path / "notebooks").glob("*.ipynb"))) == clips + 3
    assert load_image(tmp_path / "contact_sheet.png").shape == (3 * 320, 6 * 320, 3)
