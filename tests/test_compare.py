import numpy as np
import pytest
from painter import Painter

from fsgan_utils.conversion import ConvertConfig, compare_colors, compare_masks, compare_shapes
from fsgan_utils.conversion.color import METHODS
from fsgan_utils.conversion.compare import MASKS, SHAPES, TILE
from fsgan_utils.images import TEXT_HEIGHT, write_image
from fsgan_utils.training import load_model
from fsgan_utils.video import VideoWriter, read_frames

CLIP = "data/clips/a_target.mp4"


def rows(sheet):
    return [band[TEXT_HEIGHT:] for band in np.split(sheet, len(sheet) // (TILE + TEXT_HEIGHT))]


@pytest.fixture(scope="module")
def colors():
    model = Painter()
    return compare_colors(CLIP, model, ConvertConfig(min_face=60, complexion=0.0), frames=3), model


def test_colours_side_by_side(colors):
    sheet, model = colors
    assert sheet.dtype == np.uint8
    source, *others = rows(sheet[:, : 3 * TILE])
    assert len(others) == len(METHODS)
    reddening = [(row[..., 0].astype(float) - source[..., 0]).mean() for row in others]
    assert reddening[METHODS.index("none")] > 15
    assert all(gain < 3 for method, gain in zip(METHODS, reddening, strict=True) if method != "none")
    assert model.calls == [3]  # the network draws each face once


def test_the_sheet_is_the_same_each_time(colors):
    again = compare_colors(CLIP, Painter(), ConvertConfig(min_face=60, complexion=0.0), frames=3)
    np.testing.assert_array_equal(again, colors[0])


def test_masks_side_by_side():
    sheet = compare_masks(CLIP, Painter(), ConvertConfig(min_face=60, color_correction="none"), frames=2)
    others = rows(sheet[:, : 2 * TILE])[1:]
    shown = [row[-TILE // 4 :, : TILE // 4].astype(float).mean() for row in others]
    assert len(shown) == len(MASKS)
    by_title = dict(zip(MASKS, shown, strict=True))
    assert 20 < by_title["mask = both"] < by_title["mask = attention"]
    assert by_title["mask = attention, mask_grow = -0.05"] < by_title["mask = attention"]
    assert by_title["mask = attention, keep = eyes"] < by_title["mask = attention"]


def test_shapes_side_by_side():
    sheet = compare_shapes(CLIP, load_model("data/models/sample_pair"), ConvertConfig(min_face=60), frames=2)
    source, *others = (row.astype(float) for row in rows(sheet[:, : 2 * TILE]))
    chin = slice(int(0.7 * TILE), int(0.85 * TILE))
    changed = {title: np.abs(row - source)[chin].mean() for title, row in zip(SHAPES, others, strict=True)}
    straight = [change for title, change in changed.items() if title.endswith("bend = 0")]
    assert straight == sorted(straight)  # the more of A's shape, the further down B's face is drawn
    bent = [change for title, change in changed.items() if title.startswith("face_shape = 1,")]
    assert bent == sorted(bent, reverse=True)  # the more bent, the more of A's chin is gone
    with pytest.raises(ValueError, match="guided"):
        compare_shapes(CLIP, Painter(), ConvertConfig(min_face=60), frames=1)


def test_a_photograph_will_do(tmp_path):
    write_image(tmp_path / "a.png", next(read_frames(CLIP)).image)
    sheet = compare_colors(tmp_path / "a.png", Painter(), ConvertConfig(min_face=60))
    assert len(rows(sheet)) == 1 + len(METHODS)
    assert (sheet[TEXT_HEIGHT : TEXT_HEIGHT + TILE, TILE:] == 255).all()  # one picture in a row


def test_a_video_without_a_face_is_refused(tmp_path):
    with VideoWriter(tmp_path / "empty.mp4", rate=24, size=(96, 64)) as writer:
        for _ in range(4):
            writer.write(np.full((64, 96, 3), 90, np.uint8))
    with pytest.raises(ValueError, match=r"no face to swap was found.*empty\.mp4"):
        compare_colors(tmp_path / "empty.mp4", Painter())
