import numpy as np
import pytest

from fsgan_utils.embedding import MobileNetEmbedder
from fsgan_utils.extraction import copy_to, extract_faces
from fsgan_utils.extraction.people import find_people
from fsgan_utils.extraction.quality import thumbnail
from fsgan_utils.images import load_image
from fsgan_utils.video import VideoWriter, read_frames
from fsgan_utils.workspace import Workspace

WIDTH, SIDE = 720, 320


def crossing_and_cutting():
    """Frames in which A and B pass each other, change places at cuts and stand in for each other; and who is where.

    Yields an image and, by person, the columns in which they are to be seen alone.
    """
    clips = {
        who: [frame.image for name in names for frame in read_frames(f"data/clips/{name}.mp4", every=2)]
        for who, names in {"a": ("a_train_studio", "a_train_cool"), "b": ("b_train_warm", "b_train_cool")}.items()
    }
    for number, images in enumerate(zip(clips["a"], clips["b"], strict=True)):
        across = round((WIDTH - SIDE) * min(number, 29) / 29)
        places = {"a": across, "b": WIDTH - SIDE - across}
        if 30 <= number < 60:
            places = {"a": 0, "b": WIDTH - SIDE} if number % 10 < 5 else {"a": WIDTH - SIDE, "b": 0}
        elif number >= 60:
            places = {"ab"[number // 5 % 2]: 200}
        order = sorted(places, reverse=bool(number // 15 % 2))
        canvas = np.full((SIDE, WIDTH, 3), 100, np.uint8)
        for who in order:
            canvas[:, places[who] : places[who] + SIDE] = images["ab".index(who)]
        yield canvas, places, order[-1]


def whose(record, places, front):
    """Who is seen at the middle of a face."""
    middle = (record.box[0] + record.box[2]) / 2
    there = [who for who, x in places.items() if x <= middle < x + SIDE]
    return front if len(there) > 1 else there[0]


@pytest.fixture(scope="module")
def two_people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    truth = []
    with VideoWriter(folder / "two.mp4", rate=24, size=(WIDTH, SIDE)) as writer:
        for image, places, front in crossing_and_cutting():
            writer.write(image)
            truth.append((places, front))
    workspace = Workspace(folder / "swap")
    return extract_faces(folder / "two.mp4", workspace, detect_every=1), truth, workspace


def test_no_face_comes_to_the_wrong_person(two_people):
    result, truth, _ = two_people
    assert len(result.faces) > 110
    of = {}
    for record in result.faces:
        of.setdefault(record.identity, set()).add(whose(record, *truth[record.frame]))
    assert all(len(people) == 1 for people in of.values()), of
    assert {next(iter(of[0])), next(iter(of[1]))} == {"a", "b"}
    assert sum(count for identity, count in result.people.items() if identity > 1) <= 3


def test_each_person_goes_to_the_folder_asked_for(two_people):
    result, truth, workspace = two_people
    records = {f"two_{record.file}": record for record in result.faces}
    for side, identity in (("A", 0), ("B", 1)):
        collected = copy_to(side, workspace, identity)
        assert len(collected.copied) == result.people[identity]
        assert len({whose(records[path.name], *truth[records[path.name].frame]) for path in collected.copied}) == 1
    usual = copy_to("A", workspace)
    assert (usual.identity, usual.chosen) == (0, False)
    assert "set identity to choose another" in str(usual)


def test_the_contact_sheet_has_a_row_for_each_person(two_people):
    result, *_ = two_people
    sheet = result.people_sheet(each=7)
    assert sheet.shape == (len(result.people) * (96 + 22), 7 * 96, 3)
    assert "person 1: " in str(result)
    first = result.faces[next(i for i, record in enumerate(result.faces) if record.identity == 0)]
    assert load_image(result.folder / "aligned_faces" / first.file).shape == (256, 256, 3)


def test_one_person_in_two_lights_stays_one(faces):
    embedder = MobileNetEmbedder()
    crops = list(faces["a"].images) + [np.uint8(image * 0.6) for image in faces["a"].images]
    people = find_people(lambda positions: [crops[i] for i in positions], range(len(crops)), embedder)
    assert set(people) == {0}


def test_a_mixture_of_two_people_belongs_to_neither(faces):
    embedder = MobileNetEmbedder()
    a, b = faces["a"].images[:4], faces["b"].images[:4]
    mixtures = [np.uint8(share * a[2] + (1 - share) * b[2]) for share in np.linspace(0.2, 0.8, 25)]
    like_a, like_b = embedder.embed([a[2], b[2]])  # the faces that the two tracks are first known by
    halfway = np.abs(embedder.embed(mixtures) @ (like_a - like_b))
    crops = [*a, *b, mixtures[halfway.argmin()]]
    tracks = [0, 0, 0, 0, 1, 1, 1, 1, 1]
    people = find_people(lambda positions: [crops[i] for i in positions], tracks, embedder)
    assert len(set(people[:4])) == len(set(people[4:8])) == 1
    assert people[0] != people[4]
    assert people[8] not in (people[0], people[4])


def test_somebody_in_a_few_frames_of_a_track_is_told_apart(faces):
    crops = [*faces["a"].images[:3], *faces["b"].images[:4], *faces["a"].images[3:10]]
    crops = crops[:3] + crops[3:7] * 2 + crops[7:]
    thumbnails = np.stack([thumbnail(crop) for crop in crops])
    people = find_people(
        lambda positions: [crops[i] for i in positions], [0] * len(crops), MobileNetEmbedder(), thumbnails
    )
    assert set(people[3:11]) != {people[0]}
    assert not set(people[3:11]) & set(np.r_[people[:3], people[11:]])


def test_no_faces_no_people():
    assert len(find_people(lambda positions: [], [], MobileNetEmbedder())) == 0
