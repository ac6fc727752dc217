"""FAN through the package face-alignment itself, which loads a stand-in for its network's file."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from fsgan_utils.workspace import PROJECT


@pytest.mark.long
def test_the_package_loads_its_network_and_finds_what_it_shows(tmp_path):
    environment = {**os.environ, "TORCH_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "tests.fan_stand_in"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=PROJECT)
    assert run.returncode == 0, run.stderr
    assert "Downloading" not in run.stderr
    points = np.array(json.loads(run.stdout.splitlines()[-1]))
    assert points.shape == (68, 2)
    for landmarks, place in ((slice(36), (160, 170)), (slice(36, 48), (140, 120)), (slice(48, 68), (190, 150))):
        np.testing.assert_allclose(points[landmarks], np.broadcast_to(place, points[landmarks].shape), atol=5)
