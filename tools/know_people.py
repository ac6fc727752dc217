"""Add to a trained model what its people look like, from their training images: models made before lack it.

python -m tools.know_people MODEL FACE_A FACE_B
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from fsgan_utils.training import FaceSet
from fsgan_utils.training.checkpoints import add_pair, read_card, saved_config
from fsgan_utils.training.pair import find_pair


def main() -> None:
    """Read the images, find what both people look like, and add it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the model")
    parser.add_argument("face_a", type=Path, help="folder of A's aligned faces")
    parser.add_argument("face_b", type=Path, help="folder of B's")
    arguments = parser.parse_args()
    faces = {"a": FaceSet.load(arguments.face_a), "b": FaceSet.load(arguments.face_b)}
    pair = find_pair(faces, saved_config(read_card(arguments.model)).crop)
    add_pair(arguments.model, pair)
    print(f"{arguments.model}: A and B are alike by {float(pair['a'] @ pair['b']):.2f}")


if __name__ == "__main__":
    main()
