"""Speed of finding faces, ours against the PyPI package mtcnn and the published MTCNN in facenet-pytorch.

    python -m benchmarks.detection [--json]

All look at the same pictures of 1280×720 pixels with two or three computer-generated heads, for faces of at least 20
pixels with equal thresholds, one picture at a time and in turn. Ours is also timed with the settings it has by
default. What it finds is compared with what facenet-pytorch finds.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks._published import FACTOR, MIN_FACE, THRESHOLDS, Detect, facenet_detector, pypi_detector
from benchmarks._scenes import talking_heads
from benchmarks._timing import alternate
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import box_overlaps

SAME_FACE = 0.8
OTHER_FACE = 0.5
LARGE_FACE = 60


def measure(pictures: int = 100, timed: int = 5, repeats: int = 5) -> dict[str, object]:
    """Time the detectors and compare what they find.

    Args:
        pictures: how many are compared.
        timed: how many of them a timed call looks at.
        repeats: timed calls of each; the median counts.

    Returns:
        "ratio_pypi", "ratio_reference": their seconds a picture / ours; "ratio_reference_default": the same for ours by
        default. Of facenet-pytorch's faces "recall" is the part that ours finds at an intersection over union of .8,
        "recall_large" that of faces at least 60 pixels high, "iou" the mean of the best; "false_extra" is the part of
        our faces that lie on none of its (.5). "recall_pypi" is what mtcnn finds.
    """
    scenes = talking_heads(pictures)
    facenet, pypi = facenet_detector(), pypi_detector()
    ours = our_detector(FaceDetector(MIN_FACE, THRESHOLDS, FACTOR))
    by_default = our_detector(FaceDetector())
    runs = {"pypi": pypi, "reference": facenet, "ours": ours, "ours_default": by_default}
    calls = {name: (lambda run=run: [run(scene) for scene in scenes[:timed]]) for name, run in runs.items()}
    seconds = {name: value / timed for name, value in alternate(calls, warm_up=1, repeats=repeats).items()}
    expected = [facenet(scene) for scene in scenes]
    found = [ours(scene) for scene in scenes]
    overlaps = best_overlaps(expected, found)
    large = np.concatenate(expected)[:, 3] - np.concatenate(expected)[:, 1] >= LARGE_FACE
    return {
        "ratio_pypi": seconds["pypi"] / seconds["ours"],
        "ratio_reference": seconds["reference"] / seconds["ours"],
        "ratio_reference_default": seconds["reference"] / seconds["ours_default"],
        "recall": float(np.mean(overlaps >= SAME_FACE)),
        "recall_large": float(np.mean(overlaps[large] >= SAME_FACE)),
        "recall_pypi": float(np.mean(best_overlaps(expected, [pypi(scene) for scene in scenes]) >= SAME_FACE)),
        "iou": float(np.mean(overlaps)),
        "false_extra": float(np.mean(best_overlaps(found, expected) < OTHER_FACE)),
        "faces": len(overlaps),
        **{f"{name}_seconds": value for name, value in seconds.items()},
    }


def our_detector(detector: FaceDetector) -> Detect:
    """Make our detector answer as the others do."""
    return lambda image: np.array([face.box for face in detector.detect([image])[0]], float).reshape(-1, 4)


def best_overlaps(boxes: list[np.ndarray], others: list[np.ndarray]) -> np.ndarray:
    """Largest intersection over union that each box has with one of the others, picture by picture, (N,)."""
    return np.concatenate(
        [box_overlaps(one, other).max(axis=1, initial=0) for one, other in zip(boxes, others, strict=True)]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100, help="how many are compared")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.pictures)
    print(json.dumps(result) if arguments.json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
