"""What a swap does not change stays in a video as the source holds it."""

from dataclasses import replace

import numpy as np
import pytest
from painter import Painter

from fsgan_utils.conversion import ConvertConfig, convert_video
from fsgan_utils.video import VideoWriter, probe, read_frames
from fsgan_utils.video.parts import pixels

CLIP = "data/clips/a_target.mp4"
PART = (slice(101, 200), slice(60, 175))
EVENED = (slice(100, 200), slice(60, 176))


def planes(frame):
    return [pixels(plane).astype(int) for plane in frame.stored.planes]


def on_plane(part, plane):
    step = 320 // plane.shape[1]
    return tuple(slice(side.start // step, side.stop // step) for side in part)


def written(path, frame, image, changed):
    """The picture after it was written without loss."""
    with VideoWriter(path, probe(CLIP), quality=0) as writer:
        writer.write(image, frame, changed)
    return next(read_frames(path))


@pytest.fixture
def frame():
    return next(read_frames(CLIP, first=5))


def test_only_what_changed_is_converted(frame, tmp_path):
    image = frame.image.copy()
    image[PART] = 255 - image[PART]
    whole = planes(written(tmp_path / "whole.mp4", frame, image, None))
    parts = planes(written(tmp_path / "parts.mp4", frame, image, [PART]))
    assert any((a != b).any() for a, b in zip(whole, planes(frame), strict=True))
    for result, converted, source in zip(parts, whole, planes(frame), strict=True):
        place = on_plane(EVENED, result)
        np.testing.assert_array_equal(result[place], converted[place])
        result[place] = source[place]
        np.testing.assert_array_equal(result, source)


def test_a_picture_of_another_kind_is_converted_whole(frame, tmp_path):
    other = replace(probe(CLIP), color_range=2)
    with VideoWriter(tmp_path / "full.mp4", other, quality=0) as writer:
        writer.write(frame.image, frame, [])
    result = next(read_frames(tmp_path / "full.mp4"))
    assert np.abs(result.image.astype(int) - frame.image).mean() < 2


def test_a_swap_leaves_the_corners_of_the_picture_alone(tmp_path):
    convert_video(CLIP, tmp_path / "swapped.mp4", Painter(), ConvertConfig(quality=0, stop=0.2))
    for source, result in zip(read_frames(CLIP, stop=0.2), read_frames(tmp_path / "swapped.mp4"), strict=True):
        changed = [before != after for before, after in zip(planes(source), planes(result), strict=True)]
        assert all(plane.any() for plane in changed)
        assert not any(plane[:8].any() or plane[:, :8].any() for plane in changed)
