"""The Colab notebook, run to its end with nothing to install."""

import nbformat
import papermill

from fsgan_utils.video import probe

NOTEBOOK = "colab/faceswap-GAN_colab_demo.ipynb"


def test_two_people_in_a_swapped_video_out(tmp_path):
    settings = {
        "install": False,
        "workspace": str(tmp_path),
        "videos_a": ["data/clips/a_train_cool.mp4"],
        "videos_b": ["data/clips/b_train_cool.mp4"],
        "target": "data/clips/b_target.mp4",
        "direction": "BtoA",
        "detect_every": 20,
        "iterations": 2,
        "batch_size": 2,
    }
    papermill.execute_notebook(NOTEBOOK, tmp_path / "executed.ipynb", settings, progress_bar=False)
    notebook = nbformat.read(tmp_path / "executed.ipynb", 4)
    printed = "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", []))
    assert "frames with a swapped face: 48, without a face: 0" in printed
    video = probe(tmp_path / "swapped.mp4")
    assert (video.frames, video.width, video.height) == (48, 960, 320)
