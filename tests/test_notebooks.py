"""What holds for every notebook: its form, and that it can be read as a page."""

import json
import re

import nbformat
import pytest

from fsgan_utils.workspace import PROJECT

NOTEBOOKS = [*sorted(PROJECT.glob("notebooks/*.ipynb")), PROJECT / "colab" / "faceswap-GAN_colab_demo.ipynb"]


def test_all_five_are_there():
    assert [path.name for path in NOTEBOOKS] == [
        "1_MTCNN_video_face_detection_alignment.ipynb",
        "2_prep_binary_masks.ipynb",
        "3_FaceSwap_GAN_train_test.ipynb",
        "4_FaceSwap_GAN_video_conversion.ipynb",
        "faceswap-GAN_colab_demo.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_form(path):
    nbformat.validate(nbformat.reads(path.read_text(), 4))
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    settings = [cell for cell in code if "parameters" in cell["metadata"].get("tags", [])]
    assert cells[0]["cell_type"] == "markdown" and "".join(cells[0]["source"]).startswith("# ")
    assert len(settings) == 1 and all("  # " in line for line in settings[0]["source"])
    for cell in code:
        assert not cell["outputs"] and cell["execution_count"] is None
        assert cell in settings or len(cell["source"]) <= 15
        assert not re.search(r"^\s*(def|class) ", "".join(cell["source"]), re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    text = "".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (path.parent / link).exists(), link


def test_colab_names_its_terms_before_anything_else():
    text = "".join(json.loads(NOTEBOOKS[-1].read_text())["cells"][0]["source"])
    assert (
        "Colab's terms" in text and "invented" in text and "https://research.google.com/colaboratory/faq.html" in text
    )
