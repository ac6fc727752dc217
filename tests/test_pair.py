import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data
from conftest import CLIPS
from painter import Painter

from fsgan_utils.conversion import ConvertConfig, convert_video, follow_faces, preview_swap, swap_image
from fsgan_utils.extraction import Source
from fsgan_utils.images import write_image
from fsgan_utils.training import ModelConfig, TrainConfig, load_model, open_model, train
from fsgan_utils.training.pair import check_pair, find_pair
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT

SAMPLE = PROJECT / "data" / "models" / "sample_pair"
COMPACT = ModelConfig(capacity="compact")
SETTINGS = TrainConfig(iterations=1, batch_size=1, preview_every=1, backup_every=4)


@pytest.fixture(scope="module")
def sample():
    return load_model(SAMPLE)


@pytest.fixture(scope="module")
def trained(faces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    train(open_model(folder, COMPACT, SETTINGS), faces, SETTINGS, folder)
    return folder


def go_on(folder, faces, **options):
    settings = replace(SETTINGS, iterations=2)
    return train(open_model(folder, COMPACT, settings, **options), faces, settings, folder)


def changed(faces, how):
    return {side: replace(one, images=np.stack([how(image) for image in one.images])) for side, one in faces.items()}


def test_a_model_knows_its_people_from_its_first_step(faces, trained):
    pair = load_model(trained).pair
    assert {side: vector.shape for side, vector in pair.items()} == {"a": (1024,), "b": (1024,)}
    for side in "ab":
        np.testing.assert_allclose(pair[side], find_pair(faces, "full")[side], atol=1e-5)


def test_the_sample_models_people_are_those_of_the_clips(faces, sample):
    found = find_pair(faces, "full")
    likeness = {one + other: float(found[one] @ sample.pair[other]) for one in "ab" for other in "ab"}
    assert min(likeness["aa"], likeness["bb"]) > 0.9 and max(likeness["ab"], likeness["ba"]) < 0.6


def test_a_model_of_before_goes_on_without(faces, trained, tmp_path):
    card = json.loads((trained / "model.json").read_text())
    whole = tmp_path / card["weights"]
    whole.mkdir()
    for file in (trained / card["weights"]).iterdir():
        (whole / file.name).write_bytes(file.read_bytes())
    del card["sha256"]["people.npz"]
    (tmp_path / "model.json").write_text(json.dumps(card))
    assert load_model(tmp_path).pair is None
    go_on(tmp_path, {"a": faces["b"], "b": faces["a"]})
    assert load_model(tmp_path).pair is not None


def test_people_exchanged_are_refused_before_a_step_is_made(faces, trained):
    before = (trained / "model.json").read_bytes()
    with pytest.raises(ValueError, match=r"A and B have changed places: .* Exchange faceA and faceB"):
        go_on(trained, {"a": faces["b"], "b": faces["a"]})
    assert (trained / "model.json").read_bytes() == before


def test_strangers_are_refused_but_a_new_model_may_begin_with_this_one(faces, trained, tmp_path):
    both = {"a": faces["b"], "b": faces["b"]}
    with pytest.raises(ValueError, match="faceA shows the other of its people, not A of the model"):
        go_on(trained, both)
    portrait = skimage.data.astronaut()[0:256, 96:352]
    stranger = replace(faces["b"], images=np.stack([portrait, portrait[:, ::-1]]), names=["0", "1"], masks={})
    with pytest.raises(ValueError, match="faceB shows somebody else, not B of the model"):
        go_on(trained, {"a": faces["a"], "b": stranger})
    go_on(tmp_path, {"a": faces["b"], "b": faces["a"]}, start=trained)
    assert load_model(tmp_path).pair["a"] @ load_model(trained).pair["b"] > 0.99


@pytest.mark.parametrize(
    "how",
    [
        lambda image: cv2.GaussianBlur(image, (0, 0), 3),
        lambda image: np.uint8(image * 0.2),
        lambda image: cv2.resize(cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA), (256, 256)),
        lambda image: np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
        lambda image: image[:, ::-1],
    ],
    ids=["blurred", "dark", "small", "grey", "mirrored"],
)
def test_poor_pictures_of_the_same_people_are_no_strangers(faces, sample, how):
    check_pair(sample.pair, find_pair(changed(faces, how), "full"), SAMPLE)


def frame_of(clip):
    return next(read_frames(CLIPS / f"{clip}.mp4")).image


def test_a_picture_of_the_person_put_in_warns_of_the_direction(sample):
    with pytest.warns(UserWarning, match=r'1 of 1 faces to swap look like B, who is put in.*try direction="BtoA"'):
        swap_image(frame_of("b_target"), sample, ConvertConfig(direction="AtoB"))
    swap_image(frame_of("b_target"), sample, ConvertConfig(direction="BtoA"))
    with pytest.warns(UserWarning, match="look neither like A nor like B"):
        swap_image(skimage.data.astronaut(), sample)


@pytest.fixture
def knowing(sample):
    """A painter that knows the people of the sample model."""
    painter = Painter()
    painter.pair = sample.pair
    return painter


def test_a_video_of_the_person_put_in_warns_before_the_second_pass_and_in_the_summary(knowing, tmp_path):
    source, config = CLIPS / "b_target.mp4", ConvertConfig(stop=0.3)
    tracks = follow_faces(Source.open(source), config)
    with pytest.warns(UserWarning, match=r'8 of 8 faces to swap look like B.*try direction="BtoA"'):
        preview_swap(Source.open(source), tracks, knowing, config)
    with pytest.warns(UserWarning, match="look like B, who is put in"):
        summary = convert_video(source, tmp_path / "out.mp4", knowing, config, tracks=tracks)
    assert 'try direction="BtoA"' in str(summary)
    other_way = replace(config, direction="BtoA")
    assert not convert_video(source, tmp_path / "right.mp4", knowing, other_way, tracks=tracks).notes


def test_poor_footage_of_the_right_person_warns_of_nothing(knowing, tmp_path):
    for number, frame in enumerate(read_frames(CLIPS / "a_train_cool.mp4", every=24)):
        dull = cv2.GaussianBlur(np.uint8(frame.image * 0.5), (0, 0), 1.5)
        write_image(tmp_path / "dull" / f"{number}.png", dull)
    assert not convert_video(tmp_path / "dull", tmp_path / "out", knowing).notes
