"""The first two notebooks, run as `papermill` runs them."""

import nbformat
import papermill
import pytest

from fsgan_utils.extraction import copy_to, extract_faces
from fsgan_utils.workspace import Workspace

NOTEBOOKS = ("notebooks/1_MTCNN_video_face_detection_alignment.ipynb", "notebooks/2_prep_binary_masks.ipynb")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Faces of B, by the package; those of A come from notebook 1."""
    space = Workspace(tmp_path_factory.mktemp("swap"))
    extract_faces("data/clips/b_train_cool.mp4", space, detect_every=30)
    copy_to("B", space)
    return space


@pytest.fixture(scope="module")
def executed(workspace):
    video = {"video": "data/clips/a_train_cool.mp4", "detect_every": 30, "use_for": "A"}
    settings = ({"workspace": str(workspace.root), **video}, {"workspace": str(workspace.root)})
    return [
        papermill.execute_notebook(notebook, None, parameters, kernel_name="python3", progress_bar=False)
        for notebook, parameters in zip(NOTEBOOKS, settings, strict=True)
    ]


def text(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.text for output in outputs if output.output_type == "stream")


def pictures(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_notebook_1_leaves_the_faces(workspace, executed):
    names = ["frame0face0.png", "frame30face0.png"]
    for folder in ("raw_faces", "aligned_faces", "binary_masks_eyes"):
        assert sorted(path.name for path in (workspace.faces / folder).iterdir()) == names
    copied = sorted(path.name for path in workspace.face_folder("A").iterdir())
    assert copied == [f"a_train_cool_{name}" for name in names]
    assert "found faces in 2" in text(executed[0])
    assert pictures(executed[0]) == 5


def test_notebook_2_leaves_the_masks(workspace, executed):
    for side in "AB":
        stems = sorted(path.stem for path in workspace.face_folder(side).iterdir())
        for folder in workspace.mask_folders(side).values():
            assert sorted(path.name for path in folder.iterdir()) == [f"{stem}.png" for stem in stems]
    assert "faceA: 2 masks of the eyes, 2 masks of the mouth, 2 masks of the outline made" in text(executed[1])
    assert pictures(executed[1]) == 6


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_notebooks_keep_to_their_form(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    for cell in code:
        assert not cell.outputs
        assert "parameters" in cell.metadata.get("tags", []) or len(cell.source.splitlines()) <= 15
        assert not any(line.startswith(("def ", "class ")) for line in cell.source.splitlines())
        assert notebook.cells[notebook.cells.index(cell) - 1].cell_type == "markdown"
