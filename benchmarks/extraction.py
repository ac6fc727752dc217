"""Frames a second of a whole extraction, ours against finding the faces of each frame for itself.

    python -m benchmarks.extraction [--json]

A clip of 1280×720 pixels with one face, every frame: decode, find or follow, align, measure, save, tell people apart.
The other way is v2.2's: detect each frame, align by the detector's points and save, one frame after another. Both use
our detector with the same settings, and are timed in turn. Then the shake of the landmarks on a still head under
noise: mean acceleration, in pixels, of the five points when followed and when each frame is detected.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks._scenes import HEIGHT, WIDTH, write_talk
from benchmarks._timing import alternate
from fsgan_utils.extraction import FaceDetector, FaceTracker, extract_faces, eye_box_mask
from fsgan_utils.faces import Alignment
from fsgan_utils.images import write_image
from fsgan_utils.video import probe, read_frames
from fsgan_utils.workspace import PROJECT, Workspace


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2, help="timed runs of each; the median counts")
    parser.add_argument("--frames", type=int, help="length of the clip, if not as long as all of A's clips")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), given.repeats, given.frames)
    if given.json:
        print(json.dumps(result))
        return
    print(f"Every frame of {result['frames']} at {WIDTH}×{HEIGHT}, one face:")
    print(f"  each frame for itself  {result['frames_per_second_each_detected']:6.1f} frames a second")
    print(f"  ours                   {result['frames_per_second']:6.1f} frames a second")
    print(f"Shake on a still head: {result['shake_detected']:.2f} pixels detected, {result['shake']:.2f} followed")


def measure(folder: Path, repeats: int, most: int | None = None) -> dict[str, float]:
    """Time both on a clip of at most so many frames, and measure the shake."""
    clip = write_talk(folder / "talk.mp4", most)
    frames = probe(clip).frames
    seconds = alternate(
        {"ours": lambda: _ours(clip, folder), "each": lambda: _each_frame(clip, folder)}, warm_up=1, repeats=repeats
    )
    shakes = {landmarks: _shake(landmarks) for landmarks in ("facemesh", "mtcnn")}
    return {
        "frames_per_second": frames / seconds["ours"],
        "frames_per_second_each_detected": frames / seconds["each"],
        "ratio": seconds["each"] / seconds["ours"],
        "frames": frames,
        "shake": shakes["facemesh"],
        "shake_detected": shakes["mtcnn"],
        "cores": os.cpu_count() or 1,
    }


def _ours(clip: Path, folder: Path) -> None:
    shutil.rmtree(folder / "ours", ignore_errors=True)
    extract_faces(clip, Workspace(folder / "ours"), detect_every=1)


def _each_frame(clip: Path, folder: Path) -> None:
    detector = FaceDetector()
    for frame in read_frames(clip):
        for number, face in enumerate(detector.detect([frame.image])[0]):
            x0, y0, x1, y1 = np.maximum(face.box.round().astype(int), 0)
            alignment = Alignment.from_landmarks(face.landmarks)
            name = f"frame{frame.index}face{number}.png"
            write_image(folder / "each" / "raw_faces" / name, frame.image[y0:y1, x0:x1])
            write_image(folder / "each" / "aligned_faces" / name, alignment.warp(frame.image))
            write_image(folder / "each" / "masks" / name, eye_box_mask(alignment.apply(face.landmarks[:2])))


def _shake(landmarks: str, count: int = 30) -> float:
    head = next(read_frames(PROJECT / "data" / "clips" / "a_train_studio.mp4", first=30)).image.astype(np.float64)
    random = np.random.default_rng(0)
    tracker, points = FaceTracker(landmarks=landmarks), []
    for _ in range(count):
        noisy = np.clip(head + random.normal(0, 4, head.shape), 0, 255).astype(np.uint8)
        points.append(tracker.update(noisy)[0][0].face.landmarks)
    return float(np.linalg.norm(np.diff(points, n=2, axis=0), axis=-1).mean())


if __name__ == "__main__":
    main()
