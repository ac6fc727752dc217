"""A face missed for a moment stays one track; one that is gone for longer, or in another shot, does not."""

import cv2
import numpy as np
import pytest

from fsgan_utils.conversion import ConvertConfig, follow_faces
from fsgan_utils.conversion.smoothing import steadied
from fsgan_utils.extraction import FaceDetector, Source
from fsgan_utils.video import VideoWriter, read_frames

CONFIG = ConvertConfig(min_face=60)


@pytest.fixture(scope="module")
def images():
    return {name: [frame.image for frame in read_frames(f"data/clips/{name}_target.mp4", stop=0.7)] for name in "ab"}


@pytest.fixture(scope="module")
def box(images):
    return FaceDetector(60).detect([images["a"][0]])[0][0].box.round().astype(int)


def followed(path, images):
    with VideoWriter(path, rate=24, size=(320, 320), quality=4) as writer:
        for image in images:
            writer.write(image)
    return follow_faces(Source.open(path), CONFIG)


def hidden(image, box):
    """Hide a face behind a blur in which no face is left."""
    x0, y0, x1, y1 = box
    covered = image.copy()
    covered[y0:y1, x0:x1] = cv2.GaussianBlur(image, (0, 0), 60)[y0:y1, x0:x1]
    return covered


@pytest.mark.parametrize("missed", [1, 3])
def test_a_short_hole_is_bridged(tmp_path, images, box, missed):
    hole = range(6, 6 + missed)
    whole = followed(tmp_path / "whole.mp4", images["a"])
    tracks = followed(
        tmp_path / "hole.mp4", [hidden(one, box) if at in hole else one for at, one in enumerate(images["a"])]
    )
    assert tracks.frame.tolist() == list(range(len(images["a"])))
    assert set(tracks.track.tolist()) == {0} == set(tracks.sample_track.tolist())
    assert np.flatnonzero(tracks.bridged).tolist() == list(hole)
    assert tracks.faceless == 0
    for seen, guessed in ((whole.landmarks, tracks.landmarks), (whole.mesh, tracks.mesh)):
        assert np.linalg.norm(seen[list(hole)] - guessed[list(hole)], axis=-1).mean() < 3


def test_a_long_hole_is_not(tmp_path, images, box):
    tracks = followed(
        tmp_path / "hole.mp4", [hidden(one, box) if at in range(6, 10) else one for at, one in enumerate(images["a"])]
    )
    assert not tracks.bridged.any()
    assert (tracks.faceless, len(set(tracks.track.tolist()))) == (4, 2)


@pytest.mark.parametrize("other", ["a", "b"])
def test_a_cut_is_never_bridged(tmp_path, images, other):
    """Two frames of another shot between two of a face, or a face before and another after the hole."""
    elsewhere = [np.full_like(images["a"][0], 90)] * 2
    tracks = followed(tmp_path / "cut.mp4", [*images["a"][:6], *elsewhere, *images[other][6:12]])
    assert not tracks.bridged.any()
    assert (tracks.faceless, len(set(tracks.track.tolist()))) == (2, 2)


def test_what_was_guessed_does_not_pull_at_the_steadied_path():
    frames = np.arange(40)
    path = np.stack([np.sin(frames / 9), np.cos(frames / 9)], axis=-1)[:, None].repeat(5, axis=1)
    seen = (frames < 18) | (frames > 20)
    wrong = path + 50 * ~seen[:, None, None]
    steady = steadied(wrong, frames, "two_pass", 24, seen=seen)
    assert np.abs(steady - path).max() < 0.05
