import numpy as np
import pytest

from fsgan_utils.conversion import ConvertConfig
from fsgan_utils.extraction import FaceDetector, Selection
from fsgan_utils.training import Augmentation, LossWeights, ModelConfig, TrainConfig


@pytest.mark.parametrize(
    ("settings", "wrong", "expected"),
    [
        (ConvertConfig, {"batch": 2.5}, "batch must be a whole number"),
        (ConvertConfig, {"redetect_every": 1.5}, "redetect_every must be a whole number"),
        (ConvertConfig, {"track": 1.5}, "track must be None or a whole number"),
        (ConvertConfig, {"start": "0:10"}, "start must be None or a number"),
        (ConvertConfig, {"start": float("nan")}, "start must be None or a number"),
        (ConvertConfig, {"quality": "high"}, "quality must be None or a number"),
        (ConvertConfig, {"synthetic": "no"}, "synthetic must be True or False"),
        (ConvertConfig, {"enhance": True}, "enhance must be a number"),
        (ConvertConfig, {"direction": 1}, "direction must be a text"),
        (Selection, {"max_blur": "0.5"}, "max_blur must be None or a number"),
        (FaceDetector, {"min_face": "20"}, "min_face must be None or a number"),
        (TrainConfig, {"iterations": 1e3}, "iterations must be a whole number"),
        (TrainConfig, {"seed": None}, "seed must be a whole number"),
        (ModelConfig, {"resolution": "64"}, "resolution must be a whole number"),
        (ModelConfig, {"guide": 1}, "guide must be True or False"),
        (LossWeights, {"reconstruction": "1"}, "reconstruction must be a number"),
        (Augmentation, {"flip": None}, "flip must be a number"),
    ],
)
def test_values_of_another_kind_are_refused_where_they_are_given(settings, wrong, expected):
    with pytest.raises(ValueError, match=f"{expected}. Received: "):
        settings(**wrong)


def test_numbers_of_numpy_and_whole_numbers_are_numbers():
    config = ConvertConfig(batch=np.int64(4), start=np.float32(0.5), enhance=1, track=np.int32(0))
    assert (config.batch, config.start, config.enhance, config.track) == (4, 0.5, 1, 0)
