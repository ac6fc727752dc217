import base64
import re

import faults
import numpy as np
import pytest
from conftest import CLIPS

from fsgan_utils.conversion import ConvertConfig, convert_video
from fsgan_utils.evaluation import ClipJudge, score_clip, write_report
from fsgan_utils.evaluation.meanings import SCORES
from fsgan_utils.extraction import FaceDetector
from fsgan_utils.heads import Proportions
from fsgan_utils.images import load_image, write_image
from fsgan_utils.landmarks import MESH_EYELIDS, MESH_INNER_LIPS, MESH_LIPS
from fsgan_utils.training import (
    Augmentation,
    ModelConfig,
    TrainConfig,
    learn_proportions,
    load_model,
    open_model,
    train,
)
from fsgan_utils.video import VideoWriter, probe, read_frames
from tools.demo import MOVES, SAMPLE_MODEL, UNLIKE
from tools.obstacles import stick

RATE, EVERY = 4, 6


def frames_of(name):
    return [frame.image for frame in read_frames(CLIPS / name, every=EVERY)]


def written(path, images):
    height, width = images[0].shape[:2]
    with VideoWriter(path, rate=RATE, size=(width, height)) as writer:
        for image in images:
            writer.write(image)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory, faces):
    """Each sixth frame of source and truth as clips, and six pictures of each person as galleries."""
    place = tmp_path_factory.mktemp("scores")
    written(place / "source.mp4", frames_of("a_target.mp4"))
    written(place / "truth.mp4", frames_of("b_target.mp4"))
    for side, sample in faces.items():
        for name, image in zip(sample.names, sample.images, strict=True):
            write_image(place / side / name, image)
    return place


@pytest.fixture(scope="module")
def galleries(folder):
    return {"gallery_a": folder / "a", "gallery_b": [folder / "b"]}


@pytest.fixture(scope="module")
def judge(folder, galleries):
    return ClipJudge(folder / "source.mp4", folder / "truth.mp4", **galleries)


@pytest.fixture(scope="module")
def score(folder, judge):
    """Scores the truth after something went wrong with it; `squeezed` is a good swap."""
    images, done = [frames_of(name) for name in ("b_target.mp4", "a_target.mp4")], {}

    def scored(fault):
        if fault not in done:
            done[fault] = judge.score(written(folder / f"{fault.__name__}.mp4", fault(*images))).summary()
        return done[fault]

    return scored


def test_the_truth_is_perfect_and_no_swap_is_none(score):
    good, none = score(faults.squeezed), score(faults.untouched)
    assert good["identity_retrieval"] == 1 and none["identity_retrieval"] == 0
    assert good["expression_error"] < 0.01 < 0.035 < none["expression_error"]
    assert good["ssim_gain"] > 0.85 and abs(none["ssim_gain"]) < 0.03
    assert (good["missed_faces"], none["missed_faces"]) == (0, none["frames"])
    assert 0.8 < good["jitter"] < 1.25 and 0.8 < good["flicker"] < 1.25


HIGH, LOW = 1, -1


@pytest.mark.parametrize(
    ("fault", "name", "better", "by"),
    [
        (faults.shuffled, "expression_error", LOW, 0.03),
        (faults.shuffled, "jitter", LOW, 1),
        (faults.mirrored, "pose_error", LOW, 5),
        (faults.mirrored, "gaze_error", LOW, 0.1),
        (faults.shifted, "place_error", LOW, 0.05),
        (faults.shifted, "ssim_gain", HIGH, 0.3),
        (faults.darker, "color_error", LOW, 3),
        (faults.darker, "psnr", HIGH, 5),
        (faults.blurred, "blur", LOW, 0.15),
        (faults.blurred, "feature_distance", LOW, 0.4),
        (faults.wrong_person, "identity_retrieval", HIGH, 0.9),
        (faults.wrong_person, "identity_cosine", HIGH, 0.05),
        (faults.frozen, "expression_error", LOW, 0.02),
        (faults.half_transparent, "expression_error", LOW, 0.015),
        (faults.half_transparent, "ssim_gain", HIGH, 0.2),
        (faults.hard_edged, "seam_color", LOW, 5),
        (faults.trembling, "jitter", LOW, 0.3),
        (faults.flickering, "flicker", LOW, 0.3),
    ],
)
def test_the_score_that_should_notice_a_fault_does(score, fault, name, better, by):
    good, bad = score(faults.squeezed)[name], score(fault)[name]
    assert better * (good - bad) > by, (good, bad)


@pytest.fixture(scope="module")
def follow(folder, galleries):
    """Scores every second frame, enough to tell how a face moves, without a truth clip, as of real people."""
    source, truth = ([frame.image for frame in read_frames(CLIPS / name, every=2)] for name in TARGETS)
    judge, swap = ClipJudge(written(folder / "source_2.mp4", source), **galleries), folder / "swap_2.mp4"
    model = load_model(SAMPLE_MODEL)
    shapes = model.proportions.shapes

    def converted(change):
        """The sample model's swap, with B's head changed."""
        model.proportions = Proportions({"a": shapes["a"], "b": change(shapes["b"].copy())})
        convert_video(folder / "source_2.mp4", swap, model, ConvertConfig(smoothing="none", steady_colors=0))
        return judge.score(swap).summary()

    return converted, lambda fault: judge.score(written(swap, fault(truth, source))).summary()


TARGETS = ("a_target.mp4", "b_target.mp4")


def apart(shape, upper, lower, by):
    """Move lips or lids apart, from corner to corner, by so many distances between the eyes."""
    bow = by * np.linalg.norm(shape[33] - shape[263]) * 0.7 * np.sin(np.linspace(0, np.pi, len(upper) + 2))[1:-1]
    shape[upper, 1] -= bow / 2
    shape[lower, 1] += bow / 2


def lips(by):
    def change(shape):
        for edge in (MESH_INNER_LIPS, MESH_LIPS):
            apart(shape, edge[1:10], edge[:10:-1], by)
        return shape

    return change


def lids(by):
    def change(shape):
        for edge in MESH_EYELIDS:
            apart(shape, edge[1:8], edge[:8:-1], by)
        return shape

    return change


def flat(shape):
    shape[:, 2] = 0.39 * (shape[:, 2] - shape[:, 2].mean()) + shape[:, 2].mean()
    return shape


SEEN = (
    *("mouth_closed", "mouth_open", "eyes_closed", "eyes_open", "head_turn", "face_slant", "fine_detail"),
    *("foreign_bands", "objects_painted_over", "sliding"),
)
"""The scores that tell without a truth clip what anybody sees."""


def verdicts(summary):
    return {name: SCORES[name].verdict(summary[name]) for name in SEEN}


def test_what_needs_no_truth_clip_finds_nothing_wrong_with_the_truth_and_the_sample_swap(follow):
    converted, faulty = follow
    assert set(verdicts(faulty(lambda truth, source: truth)).values()) == {"good"}
    swap = verdicts(converted(lambda shape: shape))
    assert swap.pop("fine_detail") == "fair" and "poor" not in swap.values()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lips(0.12), "mouth_closed"),
        (lips(-0.12), "mouth_open"),
        (lids(0.1), "eyes_closed"),
        (lids(-0.1), "eyes_open"),
        (flat, "head_turn"),
    ],
)
def test_a_wrong_head_makes_the_swap_poor(follow, change, name):
    assert verdicts(follow[0](change))[name] == "poor"


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (faults.hair_in_the_face, "foreign_bands"),
        (faults.lagging, "sliding"),
        (faults.wandering, "sliding"),
        (faults.sheared, "face_slant"),
        (faults.blurred, "fine_detail"),
    ],
)
def test_what_anybody_sees_is_poor(follow, fault, name):
    assert verdicts(follow[1](fault))[name] == "poor"


def test_a_stick_that_was_painted_over_is_missed_and_one_that_was_kept_is_not(folder, galleries):
    before, truth = (frames_of(name)[::2] for name in TARGETS)
    detector = FaceDetector(60)
    faces = [detector.detect([image])[0][0] for image in before]
    covered = [stick(image, face)[0] for image, face in zip(before, faces, strict=True)]
    judge = ClipJudge(written(folder / "stick.mp4", covered), **galleries)
    gone = judge.score(written(folder / "gone.mp4", faults.painted_over(truth, covered))).summary()
    kept = [stick(image, face)[0] for image, face in zip(faults.painted_over(truth, before), faces, strict=True)]
    seen = judge.score(written(folder / "kept.mp4", kept)).summary()
    assert [SCORES["objects_painted_over"].verdict(one["objects_painted_over"]) for one in (gone, seen)] == [
        "poor",
        "good",
    ]


@pytest.mark.long
def test_the_more_a_swap_has_learned_the_more_it_is_b(folder, judge, faces):
    settings = TrainConfig(iterations=100, preview_every=100, optimizer="muon", learning_rate=5e-4, beta_1=0.9)
    beginner = open_model(folder / "models", ModelConfig(capacity="compact", guide=True), settings)
    train(beginner, learn_proportions(faces, "full"), settings, folder / "models", Augmentation(**MOVES, **UNLIKE))
    swaps = {"truth": folder / "truth.mp4", "no swap": folder / "source.mp4"}
    for name, model in (("trained", load_model(SAMPLE_MODEL)), ("100 steps", beginner)):
        swaps[name] = folder / f"{name}.mp4"
        convert_video(folder / "source.mp4", swaps[name], model, ConvertConfig(smoothing="none", steady_colors=0))
    scores = {name: judge.score(clip).summary() for name, clip in swaps.items()}
    nearer = {name: one["identity_cosine"] - one["identity_cosine_a"] for name, one in scores.items()}
    assert nearer["truth"] > nearer["trained"] > nearer["100 steps"] > nearer["no swap"]
    assert scores["trained"]["identity_retrieval"] == 1 and scores["no swap"]["identity_retrieval"] == 0


def test_without_a_truth_clip_what_needs_one_is_unknown(folder, galleries):
    scores = score_clip(folder / "truth.mp4", folder / "source.mp4", **galleries, every=2)
    summary = scores.summary()
    needing = {"expression_error", "ssim", "ssim_gain", "psnr", "color_error", "feature_distance"}
    assert needing == {name for name in summary if summary[name] is None} - {"head_turn", "sliding", "eyes_closed"}
    assert summary["frames"] == 4 and summary["identity_retrieval"] == 1


def test_the_middle_picture_of_three_is_the_result(folder, judge, score):
    images = zip(frames_of("a_target.mp4"), frames_of("b_target.mp4"), strict=True)
    triple = [np.hstack([source, truth, source]) for source, truth in images]
    assert judge.score(written(folder / "triple.mp4", triple)).summary()["ssim_gain"] > 0.9


def embedded(page, kind):
    return [base64.b64decode(found) for found in re.findall(f'data:{kind};base64,([^"]+)', page)]


def test_the_report_holds_clip_table_curves_and_worst_frames(folder, judge, score):
    score(faults.frozen)
    scores = judge.score(folder / "frozen.mp4")
    page = write_report(scores, folder / "report.html", "A <as> B").read_text()
    assert "A &lt;as&gt; B" in page and not re.search(r"(src|href)=\"(?!data:|#)", page)
    (video,) = embedded(page, "video/mp4")
    clip = probe(_saved(folder / "clip.mp4", video))
    assert (clip.width, clip.height, clip.frames) == (3 * 320, 320, 8)
    pictures = embedded(page, "image/jpeg")
    assert len(pictures) > 9 and load_image(_saved(folder / "worst.jpg", pictures[0])).shape == (3 * 150, 150, 3)
    row = re.search(r"<th>Expression error.*?</tr>", page, re.DOTALL)[0]
    summaries = [scores.summary(of)["expression_error"] for of in ("swap", "no swap", "truth")]
    assert re.findall(r"<td[^>]*>([\d.]+)</td>", row) == [f"{value:.3f}" for value in summaries]
    assert 'class="poor"' in row and "<svg" in page and "Over time" in page


def test_the_report_names_what_needs_a_truth_clip_instead_of_empty_rows(folder, galleries):
    scores = score_clip(folder / "truth.mp4", folder / "source.mp4", **galleries, every=3)
    page = write_report(scores, folder / "plain.html").read_text()
    assert "<th>Expression error" not in page and "without a truth clip" in page
    assert "Not in the table: Expression error (needs a truth clip)" in page
    assert probe(_saved(folder / "pair.mp4", embedded(page, "video/mp4")[0])).width == 2 * 320


def _saved(path, content):
    path.write_bytes(content)
    return path


def test_clips_that_do_not_show_the_same_are_refused(folder, judge):
    images = frames_of("b_target.mp4")
    with pytest.raises(ValueError, match=r"short\.mp4 has 7 where 8 are compared"):
        judge.score(written(folder / "short.mp4", images[:-1]))
    with pytest.raises(ValueError, match=r"320×320 pixels.*Received: 320×300 pixels"):
        judge.score(written(folder / "low.mp4", [image[:300] for image in images]))


def test_clips_without_faces_are_refused(folder, galleries):
    plain = written(folder / "plain.mp4", [np.full((320, 320, 3), 100, np.uint8)] * 2)
    with pytest.raises(ValueError, match=r"no face was found in .*plain\.mp4"):
        ClipJudge(plain, **galleries)
    with pytest.raises(ValueError, match=r"no face was found in the gallery .*plain\.mp4"):
        ClipJudge(folder / "source.mp4", gallery_a=plain, gallery_b=galleries["gallery_b"])
