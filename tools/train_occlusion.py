"""Train the network that sees what lies before a face, `data/weights/face_objects.weights.h5`.

The faces are those of the training clips (see `data/README.md`), the astronaut of scikit-image (NASA, in the public
domain), and any pictures in a folder. What lies before them is drawn, with pieces of these pictures and of
scikit-image's `coffee`, `chelsea` and `rocket` as surfaces. Each leg begins with the weights that lie in the folder.

The file that comes with the project cannot be made again to the bit. It saw 91 renderings of 45 more invented people as
well, of all ages and complexions, made in Blender from the MakeHuman base mesh and its shape targets (CC0), as the
clips are; they do not come with the project. Its first leg was one of this tool's, over 2,500 batches. For its second
there were 700 objects and a rate of up to 2e-3, each sample person's faces came 25 times and the astronaut's four times
as often as any other person's, and it was ended after 2,200 batches.

python -m tools.train_occlusion [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import cv2
import numpy as np
import skimage

from fsgan_utils.faces import Alignment
from fsgan_utils.halving import halve_weights
from fsgan_utils.images import list_images, load_image
from fsgan_utils.landmarks import five_points
from fsgan_utils.masks import FaceFinder
from fsgan_utils.occlusion.faces import KnownFace
from fsgan_utils.occlusion.learning import teach
from fsgan_utils.occlusion.network import WEIGHTS, build_object_network
from fsgan_utils.occlusion.objects import draw_things
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT
from tools.demo import CLIPS, TRAINING_CLIPS

LEGS, STEPS, RATE, OBJECTS = 2, 2500, 1.5e-3, 900
EVERY = 6
"""Of the training clips' frames, every so many count."""
ENLARGED = 512
"""Side to which smaller pictures are enlarged, for FaceMesh to see the face well."""
OFTEN = ("a", "b", "astronaut")
"""Whose faces are shown twice as often as another's."""


def main() -> None:
    """Collect faces, draw objects, train, save."""
    arguments = _parse_arguments()
    people = collect(arguments.pictures)
    groups = [*people.values(), *(people[name] for name in OFTEN)]
    pictures = [skimage.data.coffee(), skimage.data.chelsea(), skimage.data.rocket()]
    things = draw_things(0, pictures + [face.image for group in groups for face in group[:2]], OBJECTS)
    network = build_object_network("mixed_bfloat16")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = arguments.folder / WEIGHTS
    for leg in range(LEGS):
        if path.exists():
            network.load_weights(path)
        teach(network, groups, things, arguments.steps, RATE, seed=leg)
        network.save_weights(path)
    trained = build_object_network()  # without the optimizer's state, which the file is to lack
    trained.set_weights(network.get_weights())
    trained.save_weights(path)
    halve_weights(path)


def collect(pictures: Path | None) -> dict[str, list[KnownFace]]:
    """Find the faces of all people; pictures of one person have one name up to the underscore."""
    finder, people = FaceFinder(), defaultdict(list)
    images = [("astronaut", skimage.data.astronaut())]
    for path in list_images(pictures) if pictures else []:
        images.append((path.stem.split("_")[0], load_image(path)))
    for side, clips in TRAINING_CLIPS.items():
        for clip in clips:
            images += [(side.lower(), frame.image) for frame in read_frames(CLIPS / clip, every=EVERY)]
    for name, image in images:
        enlarged = (
            cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) if len(image) < ENLARGED else image
        )
        mesh = finder.mesh(enlarged)
        if mesh is not None:
            alignment = Alignment.from_landmarks(five_points(mesh), crop="full")
            people[name].append(KnownFace.of(alignment.warp(enlarged), np.float32(alignment.apply(mesh[:, :2]))))
    return people


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="folder of further pictures, PERSON_NUMBER.png")
    parser.add_argument("--folder", type=Path, default=PROJECT / "runs" / "occlusion", help="where to save")
    parser.add_argument("--steps", type=int, default=STEPS, help="batches of 16 faces in a leg")
    return parser.parse_args()


if __name__ == "__main__":
    main()
