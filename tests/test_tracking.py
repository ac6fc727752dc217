import json

import cv2
import numpy as np
import pytest

from fsgan_utils.extraction import FaceDetector, FaceTracker
from fsgan_utils.faces import Alignment
from fsgan_utils.landmarks import FaceMesh, five_points
from fsgan_utils.video import read_frames

CLIPS = {"a": "data/clips/a_train_cool.mp4", "b": "data/clips/b_train_cool.mp4"}


@pytest.fixture(scope="module")
def frames():
    return {who: [frame.image for frame in read_frames(clip)] for who, clip in CLIPS.items()}


class CountingDetector:
    """The detector, counting its looks."""

    def __init__(self):
        self.looks = 0
        self._detector = FaceDetector(60)

    def detect(self, images):
        self.looks += len(images)
        return self._detector.detect(images)


def followed(images, **settings):
    tracker = FaceTracker(CountingDetector(), **settings)
    return tracker, [tracker.update(image)[0] for image in images]


def test_one_face_is_one_track_and_rarely_searched_for(frames):
    tracker, seen = followed(frames["a"], redetect_every=12)
    assert [len(sightings) for sightings in seen] == [1] * 60
    assert {sighting.face.track for sightings in seen for sighting in sightings} == {0}
    assert tracker.detector.looks == 5


def test_a_followed_face_lies_where_a_new_look_finds_it(frames):
    _, seen = followed(frames["b"][:24], redetect_every=100)
    for image, (sighting,) in list(zip(frames["b"], seen, strict=False))[3::4]:
        ((anew,), _) = FaceTracker(FaceDetector(60)).update(image)
        assert np.abs(sighting.face.landmarks - anew.face.landmarks).mean() < 1.5
        assert sighting.crop.shape == (256, 256, 3)


@pytest.mark.parametrize("landmarks", ["facemesh", "mtcnn"])
def test_a_refined_sighting_is_the_same_face_more_exactly(frames, landmarks):
    tracker, seen = followed(frames["a"][:8], landmarks=landmarks, redetect_every=4)
    before = tracker.state()
    finder = FaceMesh()
    for image, (sighting,) in zip(frames["a"][:8], seen, strict=True):
        refined = tracker.refined(sighting)
        assert refined.face.track == sighting.face.track
        np.testing.assert_array_equal(refined.face.box, sighting.face.box)
        np.testing.assert_array_equal(refined.mesh, finder.refine(image, sighting.mesh))
        aligned_by = five_points(refined.mesh) if landmarks == "facemesh" else sighting.face.landmarks
        np.testing.assert_array_equal(refined.face.landmarks, aligned_by)
        np.testing.assert_array_equal(refined.crop, Alignment.from_landmarks(aligned_by, 256).warp(image))
    assert tracker.state() == before


def test_a_still_head_shakes_less_than_by_detecting_every_frame(frames):
    random = np.random.default_rng(0)
    still = [np.clip(frames["a"][10] + random.normal(0, 4, (320, 320, 3)), 0, 255).astype(np.uint8) for _ in range(16)]

    def shake(landmarks):
        _, seen = followed(still, landmarks=landmarks, redetect_every=100)
        points = np.array([sightings[0].face.landmarks for sightings in seen])
        return np.linalg.norm(np.diff(points, n=2, axis=0), axis=-1).mean()

    assert shake("facemesh") < 0.7 * shake("mtcnn")


def test_a_cut_to_someone_else_in_the_same_place_begins_a_track(frames):
    images = frames["a"][:5] + frames["b"][:5]
    _, seen = followed(images, redetect_every=100)
    tracks = [sightings[0].face.track for sightings in seen]
    assert tracks[:5] == [tracks[0]] * 5
    assert tracks[5:] == [tracks[5]] * 5
    assert tracks[0] != tracks[5]


def test_a_lost_face_is_searched_for_at_once(frames):
    empty = np.full_like(frames["a"][0], 90)
    tracker, seen = followed([frames["a"][0], empty, empty, frames["a"][1]], redetect_every=100)
    assert [len(sightings) for sightings in seen] == [1, 0, 0, 1]
    assert tracker.detector.looks == 4


def test_faces_too_near_each_other_end_their_tracks(frames):
    tracker = FaceTracker(FaceDetector(60))
    whole = np.hstack([frames["a"][20], frames["b"][20]])
    (a, b), _ = FaceTracker(FaceDetector(60)).update(whole)
    a, b = sorted((a, b), key=lambda sighting: sighting.face.box[0])
    x0, y0, x1, y1 = b.face.box.round().astype(int)
    side_by_side, near = whole.copy(), whole.copy()
    near[:, 320:] = 90
    left = round(float(a.face.box[2] - 0.15 * a.face.width))
    near[y0:y1, left : left + x1 - x0] = whole[y0:y1, x0:x1]
    seen = [tracker.update(image)[0] for image in (side_by_side, near, side_by_side)]
    assert [[sighting.crowded for sighting in sightings] for sightings in seen] == [
        [False] * 2,
        [True] * 2,
        [False] * 2,
    ]
    tracks = [{sighting.face.track for sighting in sightings} for sightings in seen]
    assert not tracks[0] & tracks[1]
    assert not tracks[1] & tracks[2]


@pytest.mark.parametrize("landmarks", ["facemesh", "mtcnn"])
def test_a_restored_tracker_goes_on_as_if_never_stopped(frames, landmarks):
    images = [cv2.hconcat([a, b]) for a, b in zip(frames["a"][:12], frames["b"][:12], strict=True)]
    _, expected = followed(images, landmarks=landmarks, redetect_every=5)
    tracker = FaceTracker(FaceDetector(60), landmarks, 5)
    for image, sightings in zip(images, expected, strict=True):
        state = json.loads(json.dumps(tracker.state()))
        tracker = FaceTracker(FaceDetector(60), landmarks, 5)
        tracker.restore(state)
        again, _ = tracker.update(image)
        assert [sighting.face.track for sighting in again] == [sighting.face.track for sighting in sightings]
        for one, other in zip(again, sightings, strict=True):
            np.testing.assert_array_equal(one.face.landmarks, other.face.landmarks)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="landmarks must be one of facemesh, mtcnn"):
        FaceTracker(FaceDetector(60), "dlib")
    with pytest.raises(ValueError, match="redetect_every"):
        FaceTracker(FaceDetector(60), redetect_every=0)
