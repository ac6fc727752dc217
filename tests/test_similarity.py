import matplotlib.pyplot as plt
import numpy as np
import pytest

from fsgan_utils.embedding import ResNetEmbedder
from fsgan_utils.evaluation import Similarity, identity_similarity
from fsgan_utils.plotting import show_heat_maps
from fsgan_utils.training.preview import central_part

MATRIX = np.float32([[1, 0.8, 0.2, 0.0, 0.1], [0.8, 1, 0.4, 0.2, 0.3], [0.2, 0.4, 1, 0.9, 0.7],
                     [0.0, 0.2, 0.9, 1, 0.5], [0.1, 0.3, 0.7, 0.5, 1]])  # fmt: skip


def test_means_leave_each_face_with_itself_out():
    means = Similarity({"real A": 2, "real B": 3}, MATRIX).means
    assert list(means.columns) == list(means.index) == ["real A", "real B"]
    np.testing.assert_allclose(means, [[0.8, 0.2], [0.2, 0.7]], atol=1e-6)
    assert MATRIX[0, 0] == 1


def test_real_faces_are_most_like_their_own_person(faces):
    """Faces of A that were never swapped show it: they stay with A."""
    a, b = (central_part(faces[side].images, 0.9) for side in "ab")
    groups = {"real A": a[::2], "real B": b, "unchanged": a[1::2]}
    similarity = identity_similarity(groups, ResNetEmbedder())
    assert similarity.sizes == {"real A": 3, "real B": 6, "unchanged": 3}
    np.testing.assert_allclose(similarity.matrix, similarity.matrix.T, atol=1e-5)
    np.testing.assert_allclose(np.diag(similarity.matrix), 1, atol=1e-4)
    means = similarity.means
    assert means.loc["unchanged", "real A"] > means.loc["unchanged", "real B"] + 0.03
    assert min(means.loc[name, name] for name in groups) > means.loc["real A", "real B"] + 0.03


@pytest.mark.parametrize("groups", [{}, {"real A": [np.zeros((64, 64, 3), np.uint8)]}])
def test_too_few_faces_are_refused(groups):
    with pytest.raises(ValueError, match=r"no group|two faces at least.*real A"):
        identity_similarity(groups, ResNetEmbedder())


def test_a_matrix_that_does_not_fit_the_groups_is_refused():
    with pytest.raises(ValueError, match=r"\(4, 4\)\. Received: \(5, 5\)"):
        Similarity({"real A": 2, "real B": 2}, MATRIX)


@pytest.fixture
def shown(monkeypatch):
    """Keeps figures from being shown; returns the one drawn last."""
    monkeypatch.setattr(plt, "show", lambda: None)
    yield plt.gcf
    plt.close("all")


def test_heat_maps_show_borders_names_and_numbers(shown):
    similarity = Similarity({"real A": 2, "real B": 3}, MATRIX)
    show_heat_maps(similarity.matrix, similarity.sizes, similarity.means)
    every, grouped = shown().axes[:2]
    np.testing.assert_array_equal(every.images[0].get_array(), MATRIX)
    assert {tuple(line.get_xdata()) for line in every.lines} == {(0, 1), (1.5, 1.5)}
    for axis, places in ((every, [0.5, 3]), (grouped, [0, 1])):
        np.testing.assert_allclose(axis.get_xticks(), places)
        assert [label.get_text() for label in axis.get_xticklabels()] == ["real A", "real B"]
    assert [text.get_text() for text in grouped.texts] == ["0.80", "0.20", "0.20", "0.70"]
    assert every.images[0].get_clim() == grouped.images[0].get_clim() == (0, 1)


def test_heat_maps_that_do_not_fit_the_groups_are_refused():
    with pytest.raises(ValueError, match="2 groups of 4 members"):
        show_heat_maps(MATRIX, {"real A": 2, "real B": 2}, np.eye(2))
