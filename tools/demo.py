"""Run the four notebooks on the sample clips: two people in, a swapped video out."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import papermill

from fsgan_utils.images import write_image
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT

CLIPS = PROJECT / "data" / "clips"
TRAINING_CLIPS = {
    "A": ("a_train_studio.mp4", "a_train_cool.mp4", "a_train_cool_2.mp4"),
    "B": ("b_train_warm.mp4", "b_train_cool.mp4", "b_train_cool_2.mp4", "b_train_warm_2.mp4"),
}
TARGET, TRUTH, RESULT = "a_target.mp4", "b_target.mp4", "a_target_swapped.mp4"
MOMENTS = 6
SAMPLE_MODEL = PROJECT / "data" / "models" / "sample_pair"
MOVES = {"rotation": 8.0, "zoom": 0.07, "shift": 0.04, "warp_half_width": [98, 108], "warp_noise": [3.0, 5.0]}
"""Augmentation of the sample clips' faces: about what conversion shows the network, half a width of 103 pixels, and
distorted less than v2.2's, so that what is learned is what is asked for. Papermill hands on lists, but no tuples."""
UNLIKE = {"color_jitter": 0.2, "reshape": 0.5, "occlude": 0.2}
"""How the inputs are changed so that the code does not tell who it came from."""
COMPACT = {
    "capacity": "compact",
    "guide": True,
    "optimizer": "muon",
    "beta_1": 0.9,
    "batch_size": 8,
    "backup_every": 1_000_000,
}
COMPACT |= {**MOVES, **UNLIKE}
"""Settings of notebook 3 that suit the compact networks."""
SCRATCH = {"iterations": 2000, "learning_rate": 5e-4, "preview_every": 300}
FINE_TUNING = {"iterations": 300, "learning_rate": 1e-4, "preview_every": 100, "start_from": str(SAMPLE_MODEL)}


def main() -> None:
    """Run the demonstration and leave everything in the workspace."""
    arguments = _parse_arguments()
    workspace = arguments.workspace.resolve()
    workspace.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    for side, clips in TRAINING_CLIPS.items():
        for clip in clips:
            settings = {"video": str(CLIPS / clip), "use_for": side, "detect_every": arguments.detect_every}
            _run("1_MTCNN_video_face_detection_alignment", workspace, settings, seconds, f"_{Path(clip).stem}")
    _run("2_prep_binary_masks", workspace, {}, seconds)
    print(f"pictures of the training appear in {workspace / 'previews'}", flush=True)
    training = {**COMPACT, **(SCRATCH if arguments.from_scratch else FINE_TUNING)}
    training["iterations"] = arguments.iterations or training["iterations"]
    _run("3_FaceSwap_GAN_train_test", workspace, training, seconds)
    conversion = {"video": str(CLIPS / TARGET), "output": RESULT, "layout": "result", "truth": str(CLIPS / TRUTH)}
    _run("4_FaceSwap_GAN_video_conversion", workspace, conversion, seconds)
    write_image(workspace / "contact_sheet.png", contact_sheet((CLIPS / TARGET, workspace / RESULT, CLIPS / TRUTH)))
    for name, duration in seconds.items():
        print(f"{duration:7.1f} s  {name}")
    print(f"swapped video: {workspace / RESULT}\ncontact sheet: {workspace / 'contact_sheet.png'}")
    print(f"scores: {workspace / 'report.html'}")


def contact_sheet(clips: Sequence[Path]) -> np.ndarray:
    """Lay six moments of clips of equal length, such as source, result and truth, one below the other: uint8 RGB."""
    rows = []
    for path in clips:
        frames = [frame.image for frame in read_frames(path)]
        rows.append(np.hstack([frames[index] for index in np.linspace(0, len(frames) - 1, MOMENTS).astype(int)]))
    return np.vstack(rows)


def _run(notebook: str, workspace: Path, settings: dict, seconds: dict[str, float], suffix: str = "") -> None:
    print(f"{notebook}{suffix}", flush=True)
    begun = time.perf_counter()
    executed = workspace / "notebooks" / f"{notebook}{suffix}.ipynb"
    executed.parent.mkdir(exist_ok=True)
    parameters = {"workspace": str(workspace), **settings}
    papermill.execute_notebook(PROJECT / "notebooks" / f"{notebook}.ipynb", executed, parameters)
    seconds[f"{notebook}{suffix}"] = time.perf_counter() - begun


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=PROJECT / "runs" / "demo", help="folder for all results")
    parser.add_argument("--from-scratch", action="store_true", help="train from noise, not from the sample model")
    parser.add_argument("--iterations", type=int, help="steps of training, if other than usual")
    parser.add_argument("--detect-every", type=int, default=1, help="use every n-th frame of the training clips")
    return parser.parse_args()


if __name__ == "__main__":
    main()
