"""Draw the contact sheets of docs/colors_and_masks.md from the sample clip: colours, masks, shapes, obstacles.

python -m tools.conversion_sheets
"""

from __future__ import annotations

import os
import tempfile
from itertools import cycle
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from fsgan_utils.conversion import ConvertConfig, compare_colors, compare_masks, compare_shapes
from fsgan_utils.extraction import FaceTracker
from fsgan_utils.images import limited, write_image
from fsgan_utils.training import load_model
from fsgan_utils.video import VideoWriter, probe, read_frames
from fsgan_utils.workspace import PROJECT
from tools.obstacles import hand, microphone, stick

CLIP, DOCS = PROJECT / "data" / "clips" / "a_target.mp4", PROJECT / "docs"
FRAMES, SIDE = 6, 1200


def main() -> None:
    """Write the sheets."""
    model, config = load_model(PROJECT / "data" / "models" / "sample_pair"), ConvertConfig()
    write_image(DOCS / "colors.jpg", limited(compare_colors(CLIP, model, config, FRAMES), SIDE))
    write_image(DOCS / "masks.jpg", limited(compare_masks(CLIP, model, config, FRAMES), SIDE))
    write_image(DOCS / "shapes.jpg", limited(compare_shapes(CLIP, model, config, FRAMES), SIDE))
    with tempfile.TemporaryDirectory() as folder:
        clip = obstructed(Path(folder) / "obstructed.mp4")
        write_image(DOCS / "obstacles.jpg", limited(compare_masks(clip, model, config, FRAMES), SIDE))


def obstructed(path: Path) -> Path:
    """Write a few moments of the clip with things before the face."""
    tracker, info = FaceTracker(), probe(CLIP)
    moments = read_frames(CLIP, every=info.frames // FRAMES)
    with VideoWriter(path, rate=info.rate, size=(info.width, info.height)) as writer:
        for frame, obstacle in zip(moments, cycle((stick, hand, microphone)), strict=False):
            tracker.reset()
            largest = tracker.update(frame.image)[0][0]
            writer.write(obstacle(frame.image, largest.face)[0])
    return path


if __name__ == "__main__":
    main()
