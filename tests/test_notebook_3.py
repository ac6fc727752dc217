"""Notebook 3, run as `papermill` runs it: it trains, resumes, and swaps a picture."""

import nbformat
import papermill
import pytest

from fsgan_utils.images import load_image, write_image
from fsgan_utils.training import load_model

NOTEBOOK = "notebooks/3_FaceSwap_GAN_train_test.ipynb"


def run(workspace, **parameters):
    settings = {"workspace": str(workspace), "capacity": "compact", "batch_size": 2, "preview_every": 2, **parameters}
    papermill.execute_notebook(NOTEBOOK, workspace / "executed.ipynb", settings, progress_bar=False)
    return nbformat.read(workspace / "executed.ipynb", 4)


def pictures(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def text(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def test_it_trains_and_goes_on_where_it_was(face_folders):
    first = run(face_folders, iterations=2)
    assert load_model(face_folders / "models").iteration == 2
    assert "faceA: 6 images checked" in text(first) and "error" not in text(first)
    assert "trained for 0 of 2" in text(first) and pictures(first) == 11
    assert load_image(face_folders / "previews" / "preview_00000002.png").shape == (8 * 64, 9 * 64, 3)
    assert load_image(face_folders / "previews" / "swaps_AtoB.png").shape == (20 * 64, 24 * 64, 3)

    again = run(face_folders, iterations=3, use_bm_eyes=False, use_outlines=False, direction="BtoA")
    assert load_model(face_folders / "models").iteration == 3
    assert "trained for 2 of 3" in text(again)


def test_it_shows_what_is_wrong_with_the_images_and_stops_before_training(face_folders):
    eyes = face_folders / "binary_masks" / "faceA_eyes"
    write_image(eyes / "face0.png", load_image(eyes / "face0.png")[::-1])
    (eyes / "face1.png").unlink()
    with pytest.raises(papermill.PapermillExecutionError, match=r"DatasetError.*\n.*face1\.png"):
        run(face_folders, iterations=1)
    assert not (face_folders / "models").exists()
    assert pictures(nbformat.read(face_folders / "executed.ipynb", 4)) == 1
