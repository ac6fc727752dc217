"""A face that an object hides fades out before and in after it, and the summary says in which seconds it was lost."""

import numpy as np
import pytest
from painter import Painter

from fsgan_utils.conversion import ConvertConfig, convert_video, follow_faces
from fsgan_utils.conversion.plan import plan_swaps
from fsgan_utils.extraction import Source
from fsgan_utils.images import write_image
from fsgan_utils.video import VideoWriter, read_frames

CONFIG = ConvertConfig(min_face=60, color_correction="none")
FADE = 5


@pytest.fixture(scope="module")
def images():
    return [frame.image for frame in read_frames("data/clips/a_target.mp4")]


def written(path, images):
    with VideoWriter(path, rate=24, size=images[0].shape[1::-1], quality=12) as writer:
        for image in images:
            writer.write(image)
    return path


def covered(images, hidden):
    """A box before the whole face."""
    result = [image.copy() for image in images]
    for index in hidden:
        result[index][30:295, 55:275] = (90, 130, 60)
    return result


def opacities(tracks):
    plan = plan_swaps(tracks, Painter(), CONFIG, tracks.rate)
    return [max((face.opacity for face in plan.faces.get(index, [])), default=0.0) for index in tracks.index.tolist()]


@pytest.mark.parametrize("hidden", [range(14, 34), range(20, 25)])
def test_a_hidden_face_fades_out_and_in(tmp_path, images, hidden):
    clip = written(tmp_path / "clip.mp4", covered(images, hidden))
    shown = np.array(opacities(follow_faces(Source.open(clip), CONFIG)))
    assert not shown[list(hidden)].any()
    first, last = hidden[0], hidden[-1]
    assert (shown[: first - FADE] == 1).all()
    assert (shown[last + 1 + FADE :] == 1).all()
    assert 0 < shown[first - 1] < 0.3
    assert np.abs(np.diff(shown)).max() < 0.35
    summary = convert_video(clip, tmp_path / "out.mp4", Painter(), CONFIG)
    assert summary.lost == (pytest.approx((first / 24, (last + 1) / 24), abs=0.01),)
    assert f"0:00.{round(10 * first / 24)}–0:01." in str(summary)
    change = [
        np.abs(a.astype(int) - b.image).mean()
        for a, b in zip(covered(images, hidden), read_frames(summary.output), strict=True)
    ]
    assert np.abs(np.diff(change)).max() < 0.5 * max(change)


def test_at_cuts_and_ends_nothing_fades(tmp_path, images):
    elsewhere = [frame.image for frame in read_frames("data/clips/b_target.mp4", stop=0.5)]
    empty = [np.full_like(images[0], 90)] * 8
    tracks = follow_faces(Source.open(written(tmp_path / "c.mp4", [*images[:12], *elsewhere, *empty])), CONFIG)
    plan = plan_swaps(tracks, Painter(), CONFIG, tracks.rate)
    assert {face.opacity for faces in plan.faces.values() for face in faces} == {1.0}
    assert not plan.lost


def test_a_face_that_leaves_the_picture_is_not_lost(tmp_path, images):
    leaving = []
    for index, image in enumerate(images[:30]):
        moved = np.full_like(image, 90)
        step = max(0, 16 * (index - 6))
        if step < 320:
            moved[:, : 320 - step] = image[:, step:]
        leaving.append(moved)
    tracks = follow_faces(Source.open(written(tmp_path / "leaving.mp4", leaving)), CONFIG)
    assert tracks.frame.max() < 28
    assert not plan_swaps(tracks, Painter(), CONFIG, tracks.rate).lost


def test_photographs_do_not_fade(tmp_path, images):
    for index in (0, 10, 20):
        write_image(tmp_path / "photographs" / f"{index:02}.png", images[index])
    write_image(tmp_path / "photographs" / "15.png", np.full_like(images[0], 90))
    summary = convert_video(tmp_path / "photographs", tmp_path / "out", Painter(), CONFIG)
    assert (summary.swapped_faces, summary.lost) == (3, ())
