"""Speed of finding faces, ours against the PyPI package mtcnn and the published MTCNN in facenet-pytorch.

    python -m benchmarks.detection [--json]

All look at the same pictures of 1280×720 pixels for faces of at least 20 pixels with equal thresholds, one picture at a
time and in turn; ours also with the settings it has by default. Crowded pictures have two or three computer-generated
heads; talking heads are frames of the sample clips, one face in each, which is what the default is for. Seconds are
counted on the clock and of the processors. What ours finds is compared with what facenet-pytorch finds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks._published import FACTOR, MIN_FACE, THRESHOLDS, Detect, facenet_detector, one_thread, pypi_detector
from benchmarks._scenes import one_head, talking_heads
from benchmarks._timing import alternate
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.faces import box_overlaps
from fsgan_utils.images import spread

SAME_FACE = 0.8
OTHER_FACE = 0.5
LARGE_FACE = 60


def measure(pictures: int = 100, timed: int = 5, repeats: int = 5) -> dict[str, object]:
    """Time the detectors and compare what they find.

    Args:
        pictures: how many are compared, of crowded ones and of talking heads.
        timed: how many of each a timed call looks at.
        repeats: timed calls of each; the median counts.

    Returns:
        On crowded pictures "ratio_pypi", "ratio_reference": the others' seconds a picture / ours; with "_default" ours
        by default, with "_processor" in processor seconds, PyTorch on one thread. What begins with "head_" is the same
        of talking heads. Of facenet-pytorch's faces "recall" is the part that ours finds at an intersection over union
        of .8, "recall_large" that of faces at least 60 pixels high, "iou" the mean of the best; "false_extra" is the
        part of our faces that lie on none of its (.5). "recall_pypi" is what mtcnn finds.
    """
    crowded, heads = talking_heads(pictures), one_head(pictures)
    facenet, pypi = facenet_detector(), pypi_detector()
    ours = our_detector(FaceDetector(MIN_FACE, THRESHOLDS, FACTOR))
    detectors = {"pypi": pypi, "reference": facenet, "ours": ours, "ours_default": our_detector(FaceDetector())}
    result: dict[str, object] = {}
    for prefix, scenes in (("", crowded), ("head_", heads)):
        chosen = [scenes[index] for index in spread(len(scenes), timed)]
        on_the_clock = speed(detectors, chosen, repeats, time.perf_counter)
        result |= {f"{prefix}{key}": value for key, value in on_the_clock.items()}
        with one_thread():
            in_processor = speed(detectors, chosen, repeats, time.process_time)
        result |= {f"{prefix}{key}_processor": value for key, value in in_processor.items()}
    for prefix, scenes in (("", crowded), ("head_", heads)):
        expected = [facenet(scene) for scene in scenes]
        result |= {f"{prefix}{key}": value for key, value in agreement(expected, [ours(s) for s in scenes]).items()}
        overlaps = best_overlaps(expected, [pypi(scene) for scene in scenes])
        result[f"{prefix}recall_pypi"] = float(np.mean(overlaps >= SAME_FACE))
    return result


def speed(
    detectors: dict[str, Detect], scenes: list[np.ndarray], repeats: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Time detectors in turn: their seconds a picture, and ratios to ours."""
    calls = {name: (lambda run=run: [run(scene) for scene in scenes]) for name, run in detectors.items()}
    timed = alternate(calls, warm_up=1, repeats=repeats, clock=clock)
    seconds = {name: value / len(scenes) for name, value in timed.items()}
    return {
        "ratio_pypi": seconds["pypi"] / seconds["ours"],
        "ratio_reference": seconds["reference"] / seconds["ours"],
        "ratio_reference_default": seconds["reference"] / seconds["ours_default"],
        **{f"{name}_seconds": value for name, value in seconds.items()},
    }


def agreement(expected: list[np.ndarray], found: list[np.ndarray]) -> dict[str, float]:
    """Compare boxes found, picture by picture, with those expected."""
    overlaps = best_overlaps(expected, found)
    large = np.concatenate(expected)[:, 3] - np.concatenate(expected)[:, 1] >= LARGE_FACE
    return {
        "recall": float(np.mean(overlaps >= SAME_FACE)),
        "recall_large": float(np.mean(overlaps[large] >= SAME_FACE)),
        "iou": float(np.mean(overlaps)),
        "false_extra": float(np.mean(best_overlaps(found, expected) < OTHER_FACE)),
        "faces": len(overlaps),
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
    parser.add_argument("--pictures", type=int, default=100, help="how many of each kind are compared")
    parser.add_argument("--repeats", type=int, default=5, help="timed calls of each; the median counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.pictures, repeats=arguments.repeats)
    print(json.dumps(result) if arguments.json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
