import pytest

from fsgan_utils.workspace import PROJECT, Workspace, existing_file, resolve, weights_file


def test_relative_paths_count_from_the_project_in_a_notebook_and_from_here_elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert resolve("data") == tmp_path / "data"
    for folder in ("notebooks", "colab"):
        monkeypatch.chdir(PROJECT / folder)
        assert resolve("data") == PROJECT / "data"
    assert resolve(tmp_path / "x") == tmp_path / "x"


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.mp4"):
        existing_file(tmp_path / "nothing.mp4")
    with pytest.raises(IsADirectoryError, match="found a folder"):
        existing_file(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"other\.tflite are missing"):
        weights_file("other.tflite")
    with pytest.raises(ValueError, match="A, B"):
        Workspace(tmp_path).face_folder("C")
