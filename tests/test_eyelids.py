"""Eyelids and irises as they are found, against the true ones of the invented people."""

import json
from pathlib import Path

import numpy as np
import pytest

from fsgan_utils.extraction import FaceDetector, FaceTracker
from fsgan_utils.faces import Alignment
from fsgan_utils.images import load_image, write_image
from fsgan_utils.landmarks import IRISES, MESH_EYELIDS
from fsgan_utils.masks import make_masks, region_mask
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT, Workspace

TRUTH = Path(__file__).parent / "eyelids"
FRAMES = json.loads((TRUTH / "true_eyelids.json").read_text())["frames"]
GAZES = json.loads((TRUTH / "true_gaze.json").read_text())
CLOSED = np.array([frame["closed"] for frame in FRAMES]) > 0.3
TURNED = np.abs([frame["yaw"] for frame in FRAMES]) > 30


@pytest.fixture(scope="module")
def agreement(tmp_path_factory):
    """Intersection over union of mask and true eyelids, for both eyes of each frame together."""
    workspace, detector, truth = Workspace(tmp_path_factory.mktemp("eyelids")), FaceDetector(60), []
    for number, frame in enumerate(FRAMES):
        (image,) = (
            one.image
            for one in read_frames(PROJECT / "data" / "clips" / frame["clip"], every=20)
            if one.index == frame["frame"]
        )
        alignment = Alignment.from_landmarks(detector.detect([image])[0][0].landmarks)
        write_image(workspace.face_folder("A") / f"{number:02}.png", alignment.warp(image))
        eyes = [region_mask(alignment.apply(frame[eye])[None]) for eye in ("left", "right")]
        truth.append(np.maximum(*eyes) > 0)
    made = make_masks(workspace, ("eyes",), sides=("A",)).made["eyes"]["A"]
    masks = [load_image(path)[..., 0] > 0 for path in made]
    return np.array([(m & t).sum() / (m | t).sum() for m, t in zip(masks, truth, strict=True)])


def test_open_eyes_agree_with_the_true_eyelids(agreement):
    assert agreement[~CLOSED].mean() >= 0.75
    assert agreement[~CLOSED & ~TURNED].mean() >= 0.8
    assert agreement[~CLOSED & ~TURNED].min() >= 0.7


def test_turned_heads_and_closing_eyes_are_still_found(agreement):
    assert agreement[~CLOSED & TURNED].mean() >= 0.6
    assert agreement.min() >= 0.55


@pytest.mark.parametrize("clip", list(GAZES))
def test_irises_follow_the_true_gaze(clip):
    tracker, truth = FaceTracker(FaceDetector(60)), {one["frame"]: one for one in GAZES[clip] if one["closed"] < 0.2}
    gazes, yaws, asides = [], [], []
    for frame in read_frames(PROJECT / "data" / "clips" / clip):
        if frame.index not in truth:
            continue
        tracker.reset()
        mesh = tracker.refined(tracker.update(frame.image)[0][0]).mesh[:, :2]
        corners = mesh[MESH_EYELIDS[:, [0, 8]]]
        halves = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1) / 2
        asides.append(((mesh[IRISES] - corners.mean(axis=1))[:, 0] / halves).mean())
        gazes.append(truth[frame.index]["gaze"])
        yaws.append(truth[frame.index]["yaw"])
    # a turned head shows the irises, which lie before the corners of the eyes, off their middle
    terms = np.column_stack([gazes, yaws, np.ones(len(yaws))])
    fitted = np.linalg.lstsq(terms, np.array(asides), rcond=None)[0]
    assert 0.011 < fitted[0] < 0.02  # an eyeball's radius of 12 mm, half an eye's width of 15 mm: .014 a degree
    assert np.var(asides - terms @ fitted) < 0.25 * np.var(asides - terms[:, 1:] @ fitted[1:])
