from pathlib import Path

import av
import nbformat
import papermill

from fsgan_utils.images import write_image
from fsgan_utils.training import FaceSwapGAN, ModelConfig, save_model
from fsgan_utils.video import SYNTHETIC_COMMENT, probe, read_frames

NOTEBOOK = Path("notebooks/4_FaceSwap_GAN_video_conversion.ipynb")


def run(workspace, **parameters):
    settings = {"workspace": str(workspace), "stop": 0.25, "batch": 3, **parameters}
    executed = workspace / "executed.ipynb"
    papermill.execute_notebook(NOTEBOOK, executed, settings, progress_bar=False, cwd=".")
    return nbformat.read(executed, 4)


def shown(notebook, kind):
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [data[kind] for data in outputs if kind in data]


def printed(notebook):
    return "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", []))


def test_the_notebook_converts_a_video_and_shows_it(tmp_path):
    save_model(FaceSwapGAN(ModelConfig(64, "compact")), tmp_path / "models")
    galleries = {f"gallery_{side}": f"data/clips/{side}_train_cool.mp4" for side in "ab"}
    notebook = run(tmp_path, output="swapped.mp4", **galleries, truth="data/clips/b_target.mp4", score_every=2)
    info = probe(tmp_path / "swapped.mp4")
    assert (info.width, info.height, info.frames, info.rate, info.has_audio) == (320, 320, 6, 24, True)
    with av.open(str(info.path)) as container:
        assert container.metadata["comment"] == SYNTHETIC_COMMENT
    assert "frames with a swapped face: 6, without a face: 0" in printed(notebook)
    assert len(shown(notebook, "image/png")) == 4
    assert any("expression_error" in table for table in shown(notebook, "text/html"))
    assert "The worst moments" in (tmp_path / "report.html").read_text()
    assert any("<video" in html and "base64" in html for html in shown(notebook, "text/html"))


def test_the_notebook_takes_photographs(tmp_path):
    save_model(FaceSwapGAN(ModelConfig(64, "compact")), tmp_path / "models")
    for frame in read_frames("data/clips/a_target.mp4", every=30):
        write_image(tmp_path / "photographs" / f"{frame.index}.jpg", frame.image)
    notebook = run(tmp_path, video=str(tmp_path / "photographs"), output="swapped", identity=0, mask="both")
    assert "faces swapped: 2, left alone: 0" in printed(notebook) and "not scored" in printed(notebook)
    assert sorted(path.name for path in (tmp_path / "swapped").iterdir()) == ["0.jpg", "30.jpg"]
