"""Frames a second of a whole conversion, ours against a loop as v2.2's.

    python -m benchmarks.conversion [--capacity lite] [--json]

A clip of 1280×720 pixels with one face: find or follow, align, draw, match colours, blend, encode. The loop goes about
it as v2.2: it detects in every frame by the published MTCNN (facenet-pytorch's, which looks for faces from 20 pixels on
in the whole frame; v2.2 itself reduced large frames first), shows one face at a time to the network in float32 and
blends whole frames. Both draw with the same untrained network, on half of the cores as in notebook 4, write with
the same encoder, and are timed in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // 2)))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks._published import facenet_points
from benchmarks._scenes import write_talk
from benchmarks._timing import alternate
from benchmarks._v22_conversion import convert_like_v22
from fsgan_utils.conversion import convert_video
from fsgan_utils.training import FaceSwapGAN, ModelConfig

WARM_UP = 9
"""Frames of a clip that both convert first: one more than a batch, so that the networks are ready for either size."""


def measure(folder: Path, capacity: str, frames: int, repeats: int) -> dict[str, object]:
    """Time both.

    Args:
        folder: where the clip and the results are written.
        capacity: of the network, 64 pixels.
        frames: length of the clip.
        repeats: timed conversions of each; the median counts.

    Returns:
        "frames_per_second" of ours and "v22_frames_per_second"; "ratio" of them, and of the processor time.
    """
    clip = write_talk(folder / "talk.mp4", frames)
    model = FaceSwapGAN(ModelConfig(64, capacity))
    points = facenet_points()
    spent: dict[str, list[float]] = {"ours": [], "v22": []}

    def counted(name: str, run: object) -> None:
        begun = time.process_time()
        run()  # type: ignore[operator]
        spent[name].append(time.process_time() - begun)

    opening = write_talk(folder / "opening.mp4", WARM_UP)
    convert_video(opening, folder / "ours.mp4", model)
    convert_like_v22(opening, folder / "v22.mp4", model, points)
    runs = {
        "ours": lambda: counted("ours", lambda: convert_video(clip, folder / "ours.mp4", model)),
        "v22": lambda: counted("v22", lambda: convert_like_v22(clip, folder / "v22.mp4", model, points)),
    }
    seconds = alternate(runs, warm_up=0, repeats=repeats)
    return {
        "frames_per_second": frames / seconds["ours"],
        "v22_frames_per_second": frames / seconds["v22"],
        "ratio": seconds["v22"] / seconds["ours"],
        "ratio_processor": min(spent["v22"]) / min(spent["ours"]),
        "frames": frames,
        "capacity": capacity,
        "cores": os.cpu_count() or 1,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--capacity", default="lite", help="of the network: lite, standard or compact")
    parser.add_argument("--frames", type=int, default=144, help="length of the clip")
    parser.add_argument("--repeats", type=int, default=1, help="timed conversions of each; the median counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), given.capacity, given.frames, given.repeats)
    print(json.dumps(result) if given.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
