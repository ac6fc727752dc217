from itertools import pairwise

import numpy as np

from fsgan_utils.video import is_cut, read_frames, signature


def test_cuts_are_between_clips_and_not_within():
    first = [signature(frame.image) for frame in read_frames("data/clips/a_target.mp4", every=4)]
    second = signature(next(read_frames("data/clips/b_train_warm.mp4")).image)
    assert not any(is_cut(a, b) for a, b in pairwise(first))
    assert is_cut(first[-1], second)
    assert is_cut(np.zeros_like(second), np.full_like(second, 255))


def test_a_signature_is_small_whatever_the_frame():
    for height, width in ((1, 7), (2160, 3840)):
        assert signature(np.full((height, width, 3), 9, np.uint8)).shape == (32, 32, 3)
