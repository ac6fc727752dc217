"""Score colours, masks and shapes of the face by the sample model on the sample clip: docs/colors_and_masks.md.

python -m benchmarks.studies.colors
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import pandas as pd

from fsgan_utils.conversion import ConvertConfig, convert_video
from fsgan_utils.conversion.color import METHODS
from fsgan_utils.conversion.compare import SHAPES
from fsgan_utils.conversion.config import MASKS
from fsgan_utils.evaluation.scores import ClipJudge
from fsgan_utils.training import load_model
from fsgan_utils.workspace import PROJECT

CLIPS = PROJECT / "data" / "clips"
SOURCE, TRUTH = CLIPS / "a_target.mp4", CLIPS / "b_target.mp4"
COMPLEXIONS = (0.0, 0.4, 0.7, 1.0)
FOREHEADS = (1.0, 0.8, 0.6, 0.4, 0.2)
SCORES = (
    "ssim_gain",
    "expression_error",
    "color_error",
    "feature_distance",
    "identity_retrieval",
    "identity_cosine",
    "seam_color",
    "seam_gradient",
    "flicker",
)


def main() -> None:
    """Print a table with one row for each method, complexion, mask, forehead and shape."""
    print(pd.DataFrame(scores()).T[list(SCORES)].round(3).to_string())


def scores() -> dict[str, Mapping[str, float | int | None]]:
    """By name, the scores of each conversion, of every second frame."""
    model = load_model(PROJECT / "data" / "models" / "sample_pair")
    galleries = {"gallery_a": [CLIPS / "a_train_studio.mp4"], "gallery_b": [CLIPS / "b_train_warm.mp4"]}
    judge = ClipJudge(SOURCE, TRUTH, **galleries, every=2)
    configs = {method: ConvertConfig(color_correction=method) for method in METHODS}
    configs |= {f"complexion {share:g}": ConvertConfig(complexion=share) for share in COMPLEXIONS}
    configs |= {f"mask {mask}": ConvertConfig(mask=mask) for mask in MASKS}
    configs |= {f"forehead {reach:g}": ConvertConfig(forehead=reach) for reach in FOREHEADS}
    configs |= {title: ConvertConfig(**settings) for title, settings in SHAPES.items()}
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, config in configs.items():
            output = Path(folder) / f"{name}.mp4"
            convert_video(SOURCE, output, model, config)
            rows[name] = judge.score(output).summary()
    return rows


if __name__ == "__main__":
    main()
