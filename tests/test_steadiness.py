"""The new face stays on a head that moves quickly, and rests on one that rests, in frames shown twice too."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from painter import Painter

from fsgan_utils.conversion import ConvertConfig, follow_faces
from fsgan_utils.conversion.plan import plan_swaps
from fsgan_utils.conversion.repeats import Moments
from fsgan_utils.extraction import FaceTracker, Source
from fsgan_utils.landmarks import MESH_EYELIDS, five_points
from fsgan_utils.video import VideoWriter, read_frames

CONFIG = ConvertConfig(min_face=60)
RATE, SIZE = 24, (560, 400)
TIMES = np.arange(60) / RATE
STARTED = TIMES > 0.75
PATHS = {
    "shaken": (40 * np.sin(4 * np.pi * TIMES), 0 * TIMES),
    "nodding": (0 * TIMES, 25 * np.sin(5 * np.pi * TIMES)),
    "starting": (STARTED * 60 * np.sin(4 * np.pi * (TIMES - 0.75)), 0 * TIMES),
    "resting": (0 * TIMES, 0 * TIMES),
}


@pytest.fixture(scope="module")
def face():
    """A picture of a face with room around it, and the face's mesh there."""
    picture = next(read_frames("data/clips/a_target.mp4")).image
    wide = cv2.copyMakeBorder(picture, 40, 40, 120, 120, cv2.BORDER_REPLICATE)
    tracker = FaceTracker()
    return wide, tracker.refined(tracker.update(wide)[0][0]).mesh[:, :2].astype(np.float64)


def filmed(folder, face, path, order=None, quality=23):
    """Film the face along a path, with the noise of a camera; the tracks, and where its mesh truly is."""
    picture, mesh = face
    noise, steps = np.random.default_rng(0), np.stack(path, axis=1)
    order = range(len(steps)) if order is None else order
    shown = []
    for step in steps:
        moved = cv2.warpAffine(
            picture, np.column_stack([np.eye(2), step]), SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        shown.append(np.clip(moved + noise.normal(0, 2, moved.shape), 0, 255).astype(np.uint8))
    with VideoWriter(folder / "clip.mp4", rate=RATE, size=SIZE, quality=quality) as writer:
        for index in order:
            writer.write(shown[index])
    tracks = follow_faces(Source.open(folder / "clip.mp4"), CONFIG)
    return tracks, mesh + steps[list(order)][:, None]


def laid(tracks, **settings):
    """Where the plan lays the mesh, and where the middle of what the network draws, frame by frame."""
    plan = plan_swaps(tracks, Painter(), replace(CONFIG, **settings), tracks.rate)
    faces = [plan.faces[index][0] for index in tracks.index.tolist()]
    middles = np.array([face.alignment.undo(np.full((1, 2), face.alignment.size / 2))[0] for face in faces])
    return np.array([face.alignment.undo(face.mesh[:, :2]) for face in faces]), middles, plan


def errors(found, truth):
    """How far the five points slide in each frame, in eye distances. Where they lie off in all of them, they do not."""
    places, true = (np.array([five_points(mesh) for mesh in meshes]) for meshes in (found, truth))
    places = places - np.median(places - true, axis=0)
    return np.linalg.norm(places - true, axis=-1).mean(axis=1) / np.linalg.norm(true[0, 0] - true[0, 1])


@pytest.mark.parametrize("path", ["shaken", "nodding", "starting"])
def test_the_new_face_stays_on_a_head_that_moves_quickly(tmp_path, face, path):
    tracks, truth = filmed(tmp_path, face, PATHS[path])
    found, middles, _ = laid(tracks)
    off = errors(found, truth)
    assert np.median(off) <= 0.02
    assert off.max() <= 0.06
    astray = middles - truth.mean(axis=1)
    slid = np.linalg.norm(astray - np.median(astray, axis=0), axis=-1)
    assert np.median(slid) <= 0.03 * np.linalg.norm(np.diff(five_points(truth[0])[:2], axis=0))


def test_a_head_at_rest_trembles_no_more(tmp_path, face):
    tracks, truth = filmed(tmp_path, face, PATHS["resting"])
    found, _, plan = laid(tracks)
    assert plan.jitter < 0.1 * plan.source_jitter
    assert errors(found, truth).max() <= 0.03


@pytest.mark.parametrize("dropped", [False, True])
def test_repeated_frames_get_repeated_places(tmp_path, face, dropped):
    """Every fifth frame twice, beside its original or in place of the next one, and all of it encoded anew."""
    count = len(TIMES)
    order = [i - (i % 5 == 4) for i in range(count)] if dropped else [*range(count), *range(4, count, 5)]
    order = sorted(order)
    tracks, truth = filmed(tmp_path, face, PATHS["shaken"], order, quality=28)
    again = np.flatnonzero(np.diff(order) == 0) + 1
    found, middles, _ = laid(tracks)
    assert np.linalg.norm(middles[again] - middles[again - 1], axis=-1).max() <= 0.3
    assert np.linalg.norm(found[again] - found[again - 1], axis=-1).max() <= 0.3
    off = errors(found, truth)
    assert np.median(off) <= 0.02
    assert off.max() <= 0.06


def test_frames_filmed_anew_are_no_repetitions():
    tracks = follow_faces(Source.open("data/clips/a_target.mp4"), CONFIG)
    rows = tracks.rows_by_track[0]
    assert len(Moments.of_rows(tracks, rows, tracks.rate).times) == len(rows)


def test_a_blink_of_three_frames_is_drawn():
    tracks = follow_faces(Source.open("data/clips/a_target.mp4"), CONFIG)
    closed, mesh = slice(20, 23), tracks.mesh.copy()
    mesh[closed, MESH_EYELIDS[:, 1:8]] = mesh[closed, MESH_EYELIDS[:, 15:8:-1]]
    blinking = replace(tracks, mesh=mesh)

    def opening(meshes):
        upper, lower = meshes[:, MESH_EYELIDS[:, 4]], meshes[:, MESH_EYELIDS[:, 12]]
        return np.linalg.norm(upper - lower, axis=-1).mean(axis=1)

    found = opening(laid(blinking)[0])
    assert found[closed].max() < 0.2 * np.median(found)
    assert found[[18, 24]].min() > 0.8 * opening(mesh[[18, 24], :, :2]).min()
