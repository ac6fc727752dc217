import json
import subprocess
import sys

import pytest

from fsgan_utils.workspace import PROJECT


@pytest.mark.long
def test_training_step_prints_one_json_object():
    command = [sys.executable, "-m", "benchmarks.training_step", "--resolution", "64", "--capacity", "lite"]
    quick = ["--norm", "none", "--attention", "none", "--batch", "1", "--repeats", "1", "--json"]
    finished = subprocess.run([*command, *quick], cwd=PROJECT, capture_output=True, text=True, check=True)
    result = json.loads(finished.stdout)
    assert result["ratio"] == pytest.approx(result["v22_seconds"] / result["seconds"])
    assert result["seconds"] > 0
    assert (result["backend"], result["batch"], result["resolution"]) == ("tensorflow", 1, 64)
