from dataclasses import replace

import cv2
import numpy as np
import pytest
from painter import Painter

from fsgan_utils.conversion import (
    ConvertConfig,
    choosing,
    convert_video,
    follow_faces,
    identify,
    people_sheet,
    preview_swap,
)
from fsgan_utils.conversion.choosing import choose
from fsgan_utils.extraction import FaceDetector, Source
from fsgan_utils.video import VideoWriter, read_frames

SIDE, WIDTH = 320, 640
CAST = ("a_target", "b_target", "a_train_cool")
OF_FACES = (
    "frame",
    "track",
    "box",
    "landmarks",
    "score",
    "mesh",
    "look",
    "change",
    "bridged",
    "sample_track",
    "samples",
)
DOWN = np.array([0, 1, 0, 1], np.float32)
EVERYBODY = ConvertConfig(color_correction="none")


def side_by_side():
    """A left and B right, then, after a cut, B left and A right and smaller."""
    clips = {who: [f.image for f in read_frames(f"data/clips/{who}_target.mp4", stop=1)] for who in "ab"}
    for number, (a, b) in enumerate(zip(clips["a"], clips["b"], strict=True)):
        canvas = np.full((SIDE, WIDTH, 3), 90, np.uint8)
        if number < 12:
            canvas[:, :SIDE], canvas[:, SIDE:] = a, b
        else:
            canvas[:, :SIDE] = b
            canvas[80:240, 400:560] = a[::2, ::2]
        yield canvas


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("two") / "two.mp4"
    with VideoWriter(path, rate=24, size=(WIDTH, SIDE), quality=10) as writer:
        for image in side_by_side():
            writer.write(image)
    return path


@pytest.fixture(scope="module")
def tracks(clip):
    return follow_faces(Source.open(clip), EVERYBODY)


def changed(clip, result):
    """Of each frame, whether the left and the right half have changed."""
    halves = []
    for before, after in zip(read_frames(clip), read_frames(result), strict=True):
        difference = np.abs(before.image.astype(int) - after.image).max(axis=-1)
        halves.append((difference[:, :SIDE].max() > 40, difference[:, SIDE:].max() > 40))
    return halves


def whose(tracks, number):
    """Where a track begins says who it is: A is left before the cut and right after it."""
    first = np.flatnonzero(tracks.track == number)[0]
    left = tracks.box[first, 0] < SIDE - 20
    return "a" if left == (tracks.frame[first] < 12) else "b"


def test_tracks_end_at_the_cut_and_belong_to_one_person_each(tracks):
    assert (tracks.frames, tracks.faceless, len(tracks)) == (24, 0, 48)
    for rows in tracks.rows_by_track.values():
        assert len({frame < 12 for frame in tracks.frame[rows]}) == 1
    people = identify(tracks)
    of = {(whose(tracks, number), person) for number, person in people.items()}
    assert len(of) == 2
    assert {person for _, person in of} == {0, 1}


@pytest.mark.parametrize("person", [0, 1])
def test_only_the_person_asked_for_changes(clip, tracks, person, tmp_path):
    config = ConvertConfig(color_correction="none", identity=person)
    summary = convert_video(clip, tmp_path / "out.mp4", Painter(), config, tracks=tracks)
    assert summary.left_alone == {"somebody else": 24}
    who = next(whose(tracks, number) for number, found in identify(tracks).items() if found == person)
    before, after = ((True, False), (False, True)) if who == "a" else ((False, True), (True, False))
    assert changed(clip, summary.output) == 12 * [before] + 12 * [after]


def test_the_preview_shows_the_person_asked_for(clip, tracks):
    for person in (0, 1):
        config = ConvertConfig(color_correction="none", identity=person)
        before, after = preview_swap(Source.open(clip), tracks, Painter(), config)
        difference = np.abs(before.astype(int) - after).max(axis=-1)
        halves = difference[:, :SIDE].max() > 40, difference[:, SIDE:].max() > 40
        who = next(whose(tracks, number) for number, found in identify(tracks).items() if found == person)
        assert halves == ((False, True) if who == "a" else (True, False))
    before, after = preview_swap(Source.open(clip), tracks, Painter(), ConvertConfig(min_face=1000))
    np.testing.assert_array_equal(before, after)


def test_one_track(clip, tracks, tmp_path):
    number = int(tracks.track[0])
    summary = convert_video(clip, tmp_path / "out.mp4", Painter(), ConvertConfig(track=number), tracks=tracks)
    assert summary.swapped_frames == summary.swapped_faces == 12
    assert set(changed(clip, summary.output)[12:]) == {(False, False)}


def test_the_largest_face_is_one_track_a_shot(tracks):
    chosen, reasons = choose(tracks, ConvertConfig(faces="largest"))
    assert reasons == {"not the largest face": 24}
    assert len(np.unique(tracks.track[chosen])) == 2
    assert len(np.unique(tracks.frame[chosen])) == 24


def test_small_and_doubtful_faces_are_left_alone(tracks):
    sizes = (tracks.box[:, 2:] - tracks.box[:, :2]).max(axis=1)
    chosen, reasons = choose(tracks, ConvertConfig(min_face=110))
    np.testing.assert_array_equal(chosen, sizes >= 110)
    assert reasons == {"smaller than 110 pixels": 12}
    limit = float(np.median(tracks.score))
    chosen, reasons = choose(tracks, ConvertConfig(min_score=limit))
    np.testing.assert_array_equal(chosen, tracks.score >= limit)
    assert list(reasons) == [f"less sure than {limit:g}"]


def test_nobody_of_that_number(clip, tracks, tmp_path):
    with pytest.raises(ValueError, match=r"there is no person 7 in this video; there are 0, 1"):
        convert_video(clip, tmp_path / "out.mp4", Painter(), ConvertConfig(identity=7), tracks=tracks)
    with pytest.raises(ValueError, match="there is no track 99"):
        choose(tracks, ConvertConfig(track=99))
    with pytest.raises(ValueError, match="no person 1 in this video; no face was found in it"):
        choose(replace(tracks, **{name: getattr(tracks, name)[:0] for name in OF_FACES}), ConvertConfig(identity=1))


class Twice(FaceDetector):
    """A detector that finds every face a second time, further down."""

    def detect(self, images):
        return [
            [face for one in found for face in (one, replace(one, box=one.box + 0.55 * one.height * DOWN))]
            for found in super().detect(images)
        ]


def test_a_face_found_twice_is_one_person(clip):
    tracks = follow_faces(Source.open(clip), replace(EVERYBODY, stop=0.4), Twice(35))
    assert len(tracks) == 2 * tracks.frames
    assert sorted(identify(tracks).values()) == [0, 1]


@pytest.fixture(scope="module")
def look_alikes(tmp_path_factory):
    """A beside A mirrored, longer and in other colors; A goes, and after a cut somebody who may be either is there."""
    path = tmp_path_factory.mktemp("alike") / "alike.mp4"
    frames = [frame.image for frame in read_frames("data/clips/a_target.mp4", stop=1.5)]
    later = [frame.image for frame in read_frames("data/clips/a_train_cool.mp4", stop=1)]
    with VideoWriter(path, rate=24, size=(WIDTH, SIDE), quality=10) as writer:
        for number in range(36):
            canvas = np.full((SIDE, WIDTH, 3), 90, np.uint8)
            if number < 12:
                canvas[:, :SIDE] = frames[number]
            if number < 24:
                canvas[:, SIDE:] = cv2.resize(frames[number][:, ::-1], (SIDE, 340))[10:330] * np.array([1, 0.95, 0.85])
            else:
                canvas[:, :SIDE] = later[number - 24]
            writer.write(canvas)
    return path


def test_one_of_two_look_alikes_is_swapped(look_alikes, tmp_path):
    tracks = follow_faces(Source.open(look_alikes), EVERYBODY)
    people = identify(tracks)
    in_shot = {person for number, person in people.items() if tracks.frame[tracks.track == number][0] < 24}
    assert in_shot == {0, 1}
    assert [person for number, person in people.items() if tracks.frame[tracks.track == number][0] >= 24] == [None]
    config = ConvertConfig(color_correction="none", identity=0)
    summary = convert_video(look_alikes, tmp_path / "out.mp4", Painter(), config, tracks=tracks)
    assert changed(look_alikes, summary.output) == 24 * [(False, True)] + 12 * [(False, False)]
    assert "not clearly one of the people" in str(summary)


def test_the_same_person_comes_back_after_a_cut(tmp_path):
    """A, then A and B, then B alone, then A in other light and at half the size."""
    clips = {name: [f.image for f in read_frames(f"data/clips/{name}.mp4", stop=1.5)] for name in CAST}
    with VideoWriter(tmp_path / "back.mp4", rate=24, size=(WIDTH, SIDE), quality=10) as writer:
        for number in range(36):
            canvas = np.full((SIDE, WIDTH, 3), 90, np.uint8)
            if number < 18:
                canvas[:, :SIDE] = clips["a_target"][number]
            if 9 <= number < 27:
                canvas[:, SIDE:] = clips["b_target"][number]
            if number >= 27:
                canvas[80:240, 400:560] = clips["a_train_cool"][number][::2, ::2]
            writer.write(canvas)
    tracks = follow_faces(Source.open(tmp_path / "back.mp4"), EVERYBODY)
    people = identify(tracks)
    firsts = {int(tracks.frame[rows[0]]): people[number] for number, rows in tracks.rows_by_track.items()}
    assert firsts[0] == firsts[27] == 0 and set(firsts.values()) == {0, 1}


def test_who_may_be_the_person_asked_for_is_left_alone_and_named(tracks, monkeypatch):
    of = identify(tracks)
    monkeypatch.setattr(choosing, "identify", lambda *_: choosing.Identified(of, [(0, 1, 0.71)]))
    chosen, reasons = choose(tracks, ConvertConfig(identity=0))
    assert chosen.sum() == 24 and reasons == {"perhaps the person asked for; if they are, take identity=(0, 1)": 24}
    chosen, reasons = choose(tracks, ConvertConfig(identity=(0, 1)))
    assert chosen.all() and not reasons
    monkeypatch.setattr(choosing, "identify", lambda *_: choosing.Identified(of, [(0, 0, 0.77)]))
    with pytest.warns(UserWarning, match="person 0 may be two people"):
        assert choose(tracks, ConvertConfig(identity=0))[0].sum() == 24
    assert people_sheet(tracks, choosing.identify()).shape == (2 * (96 + 22), 6 * 96, 3)


def test_the_sheet_has_a_row_for_each_person(tracks):
    sheet = people_sheet(tracks, identify(tracks))
    assert sheet.shape == (2 * (96 + 22), 6 * 96, 3)
