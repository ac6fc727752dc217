"""The training room under each engine of Keras: its tests pass, and it learns the same.

The tests themselves run under TensorFlow, like all others; what they start runs under the engine they name, on the
CPU.
"""

import itertools
import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import keras
import numpy as np
import pytest

from fsgan_utils.training import FaceSwapGAN, ModelConfig, PairedBatches, save_model
from fsgan_utils.workspace import PROJECT

ROOM = "networks losses perceptual legacy augmentation data gan phases train mixed_precision"
HEAVY = {
    # JAX compiles whatever it computes: these take it 7 to 50 seconds each, and others test the same code in small.
    "jax": "128 64-standard has_the_shapes neither_norm_nor_attention bfloat16 leave_weights_in_float32 resnet50 "
    "gradient_reaches compares_perceptually perceptual_term_comes weights_change_without draws_the_faces_better "
    "exchanges_its_decoders_once shape_of_the_networks_is_read",
    "torch": "",
}
RUN_PYTEST = """
import sys, keras, pytest
assert keras.backend.backend() == sys.argv[1]
sys.exit(pytest.main(sys.argv[2:]))
"""
STEPS = 20


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("engine", HEAVY)
def test_the_training_room_passes_its_tests(engine, tmp_path):
    files = [f"tests/test_{subject}.py" for subject in ROOM.split()]
    light = " and ".join(f"not {name}" for name in HEAVY[engine].split())
    report = tmp_path / "report.xml"
    options = ["-k", light, "--tb=short", "-p", "no:cacheprovider", f"--junitxml={report}"]
    run(engine, tmp_path, "-c", RUN_PYTEST, engine, *files, *options)
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert int(suite.get("tests")) > 100 and suite.get("skipped") == "0"


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_from_the_same_start_the_engines_learn_the_same(faces, tmp_path):
    keras.utils.set_random_seed(0)
    save_model(FaceSwapGAN(ModelConfig(capacity="compact")), tmp_path)
    batches = PairedBatches(faces, 64, batch_size=2)
    arrays = {
        f"{step}/{side}/{name}": array
        for step in range(STEPS)
        for side, batch in batches.batch(step).items()
        for name, array in batch.items()
    }
    np.savez(tmp_path / "batches.npz", **arrays)

    losses = {}
    for engine in ("tensorflow", *HEAVY):
        printed = run(engine, tmp_path, "tests/engine_losses.py", str(tmp_path))
        losses[engine] = [json.loads(line) for line in printed.splitlines()]
        assert len(losses[engine]) == STEPS
        assert losses[engine][-1]["loss"] < 0.8 * losses[engine][0]["loss"]
    for one, other in itertools.combinations(losses, 2):
        for step in range(STEPS):
            message = f"{one} and {other} at step {step}"
            assert losses[one][step] == pytest.approx(losses[other][step], rel=0.01, abs=1e-6), message


def run(engine, folder, *arguments):
    """Run Python under an engine; return what it printed. JAX keeps what it compiles in the folder."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": engine,
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(PROJECT),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    command = [sys.executable, *arguments]
    finished = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
