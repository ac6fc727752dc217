"""Draw the contact sheets of docs/extraction.md from the sample clips: people, faces left out, eye masks.

python -m tools.contact_sheets
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import cv2
import numpy as np

from fsgan_utils.extraction import Extraction, Selection, copy_to, extract_faces
from fsgan_utils.images import contact_sheet, write_image
from fsgan_utils.masks import make_masks, preview_masks
from fsgan_utils.video import VideoWriter, read_frames
from fsgan_utils.workspace import PROJECT, Workspace

CLIPS, DOCS = PROJECT / "data" / "clips", PROJECT / "docs"
WIDTH, SIDE = 720, 320
STRICT = Selection(max_yaw=35, max_pitch=20)
"""Stricter than the default about poses, so that the sheet shows some that were left out."""


def main() -> None:
    """Compose the clip, take its faces out, and write the three sheets."""
    with tempfile.TemporaryDirectory() as folder:
        clip, workspace = Path(folder) / "both.mp4", Workspace(Path(folder) / "swap")
        with VideoWriter(clip, rate=24, size=(WIDTH, SIDE)) as writer:
            for image in both_people():
                writer.write(image)
        result = extract_faces(clip, workspace, detect_every=1, selection=STRICT)
        print(result)
        left_out = result.rejected_sheet()
        write_image(DOCS / "people.jpg", result.people_sheet())
        if left_out is not None:
            write_image(DOCS / "left_out.jpg", left_out)
        write_image(DOCS / "eye_masks.jpg", eye_masks(result, workspace))


def both_people() -> Iterator[np.ndarray]:
    """A and B change places, pass each other, stand still, and are out of focus for a while: uint8 RGB."""
    people = [
        [frame.image for name in names for frame in read_frames(CLIPS / f"{name}.mp4", every=2)]
        for names in (("a_train_studio", "a_train_cool"), ("b_train_warm", "b_train_cool"))
    ]
    for number, (a, b) in enumerate(zip(*people, strict=True)):
        across = round((WIDTH - SIDE) * min(number, 30) / 30)
        a_left, b_left = (across, WIDTH - SIDE - across) if number < 60 else (0, WIDTH - SIDE)
        image = np.full((SIDE, WIDTH, 3), 100, np.uint8)
        image[:, b_left : b_left + SIDE] = b
        image[:, a_left : a_left + SIDE] = a
        yield cv2.GaussianBlur(image, (0, 0), 4) if 35 <= number < 41 else image
        if number % 30 == 20:
            yield image


def eye_masks(result: Extraction, workspace: Workspace) -> np.ndarray:
    """Close-ups of both people's eyes with the edges of their masks: uint8 RGB."""
    for side, identity in (("A", 0), ("B", 1)):
        copy_to(side, workspace, identity)
    masks = make_masks(workspace, ("eyes",))
    return contact_sheet(
        {f"person {'AB'.index(side)}": preview_masks(workspace, masks, side, "eyes", 8) for side in "AB"}, 120
    )


if __name__ == "__main__":
    main()
