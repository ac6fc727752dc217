from dataclasses import replace

import cv2
import numpy as np
import pytest

from fsgan_utils.embedding import MobileNetEmbedder, compared_part
from fsgan_utils.extraction import Selection, copy_to, extract_faces
from fsgan_utils.extraction.people import find_people, seen_together
from fsgan_utils.extraction.quality import thumbnail
from fsgan_utils.extraction.result import Extraction, Summary
from fsgan_utils.images import load_image, write_image
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
    people = find_people(lambda positions: [crops[i] for i in positions], range(len(crops)), embedder).person
    assert set(people) == {0}


def test_a_mixture_of_two_people_belongs_to_neither(faces):
    embedder = MobileNetEmbedder()
    a, b = faces["a"].images[:4], faces["b"].images[:4]
    mixtures = [np.uint8(share * a[2] + (1 - share) * b[2]) for share in np.linspace(0.2, 0.8, 25)]
    like_a, like_b = embedder.embed([a[2], b[2]])  # the faces that the two tracks are first known by
    halfway = np.abs(embedder.embed(mixtures) @ (like_a - like_b))
    crops = [*a, *b, mixtures[halfway.argmin()]]
    tracks = [0, 0, 0, 0, 1, 1, 1, 1, 1]
    people = find_people(lambda positions: [crops[i] for i in positions], tracks, embedder).person
    assert len(set(people[:4])) == len(set(people[4:8])) == 1
    assert people[0] != people[4]
    assert people[8] not in (people[0], people[4])


def test_somebody_in_a_few_frames_of_a_track_is_told_apart(faces):
    crops = [*faces["a"].images[:3], *faces["b"].images[:4], *faces["a"].images[3:10]]
    crops = crops[:3] + crops[3:7] * 2 + crops[7:]
    thumbnails = np.stack([thumbnail(crop) for crop in crops])
    people = find_people(
        lambda positions: [crops[i] for i in positions], [0] * len(crops), MobileNetEmbedder(), thumbnails
    ).person
    assert set(people[3:11]) != {people[0]}
    assert not set(people[3:11]) & set(np.r_[people[:3], people[11:]])


def test_no_faces_no_people():
    assert len(find_people(lambda positions: [], [], MobileNetEmbedder()).person) == 0


def look_alike(image):
    """The same face or picture as a stranger's: mirrored, warmer and a little longer."""
    warmer = np.clip(image[:, ::-1] * np.array([1.08, 1.0, 0.9]), 0, 255).astype(np.uint8)
    longer = cv2.resize(warmer, None, fx=1, fy=1.06)
    return longer[(len(longer) - len(image)) // 2 :][: len(image)]


def people_of(crops, tracks, together=()):
    parts = [compared_part(crop, "full") for crop in crops]
    return find_people(lambda rows: [parts[row] for row in rows], tracks, MobileNetEmbedder(), together=together)


def test_look_alikes_seen_in_one_frame_are_two_people(faces):
    crops = [*faces["a"].images[:3], *map(look_alike, faces["a"].images[:3])]
    tracks = [0, 0, 0, 4, 4, 4]
    assert set(people_of(crops, tracks).person) == {0}
    assert people_of(crops, tracks, {(0, 4)}).person.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_track_that_may_be_either_look_alikes_is_nobodys(faces):
    crops = [*faces["a"].images[:2], *map(look_alike, faces["a"].images[:2]), *faces["a"].images[2:4]]
    crops += [*faces["b"].images[:2]]
    found = people_of(crops, [0, 0, 1, 1, 2, 2, 3, 3], {(0, 1), (2, 3)}).person.tolist()
    assert found[4:6] == [-1, -1]
    assert len({found[0], found[2], found[6]}) == 3 and -1 not in {found[0], found[2], found[6]}


def test_a_mirror_image_seen_once_takes_no_other_face_from_its_person(faces):
    crops = [*faces["a"].images, look_alike(faces["a"].images[3])]
    found = people_of(crops, [0, 1, 2, 3, 4, 5, 6], {(3, 6)}).person.tolist()
    assert sorted(found) == [0, 0, 0, 0, 0, 0, 1] and found[3] != found[6]


def test_one_face_found_twice_is_not_two_people():
    boxes = np.array([[0, 0, 100, 100], [10, 30, 90, 110], [150, 0, 250, 100], [0, 0, 100, 100]])
    assert seen_together([5, 5, 5, 6], [0, 1, 2, 3], boxes) == {(0, 2), (1, 2)}


class Known:
    """Stands for a network: a crop's first pixel is the number of the vector that it gives."""

    def __init__(self, vectors):
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed(self, faces):
        return np.stack([self.vectors[face[0, 0, 0]] for face in faces]).astype(np.float32)


@pytest.mark.parametrize(("likeness", "people"), [(0.6, [0, 1]), (0.76, [0, 1]), (0.85, [0, 0]), (0.95, [0, 0])])
def test_people_who_may_be_one_or_two_are_named(likeness, people):
    """Two tracks whose mean faces are alike by so much, each face off the mean by as much as real ones are."""
    rng = np.random.default_rng(0)
    means = np.zeros((20, 400))
    means[:, 0] = 1
    means[10:, :2] = likeness, np.sqrt(1 - likeness**2)
    noise = rng.normal(size=(20, 398))
    noise *= 0.7 / np.linalg.norm(noise, axis=1, keepdims=True)
    means[:, 2:] = noise
    crops = [np.full((4, 4, 3), number, np.uint8) for number in range(20)]
    tracks = [0] * 10 + [1] * 10
    found = find_people(lambda rows: [crops[row] for row in rows], tracks, Known(means))
    assert found.person.tolist() == [people[0]] * 10 + [people[1]] * 10
    doubts = {0.76: [(0, 1)], 0.85: [(0, 0)]}
    assert list(found.alike) == doubts.get(likeness, [])
    apart = find_people(lambda rows: [crops[row] for row in rows], tracks, Known(means), together={(0, 1)})
    assert apart.person.tolist() == [0] * 10 + [1] * 10 and apart.alike == {}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Three pictures of A beside a look-alike, and of B beside A."""
    folder = tmp_path_factory.mktemp("photographs")
    stills = {who: [frame.image for frame in read_frames(f"data/clips/{who}_target.mp4", every=9)] for who in "ab"}
    for number, (a, b) in enumerate(zip(stills["a"][:3], stills["b"][:3], strict=True)):
        write_image(folder / f"alike{number}.png", np.concatenate([a, look_alike(a)], axis=1))
        write_image(folder / f"two{number}.png", np.concatenate([b, stills["a"][(number + 1) % 3]], axis=1))
    return folder


def test_two_faces_of_one_photograph_are_two_people(photographs, tmp_path):
    result = extract_faces(photographs, Workspace(tmp_path / "swap"), selection=Selection(max_similarity=None))
    by_picture = {}
    for record in result.faces:
        by_picture.setdefault(record.photograph, []).append(record.identity)
    assert all(len(set(people)) == len(people) for people in by_picture.values()), by_picture
    right_of_two = {r.identity for r in result.faces if r.photograph.startswith("two") and r.box[0] < SIDE - 40}
    assert len(right_of_two) == 1  # B, whom nobody is like, stays one


def test_a_doubt_is_shown_and_both_rows_can_be_copied(two_people):
    result, _, workspace = two_people
    doubtful = replace(result, summary=replace(result.summary, alike=[(0, 1, 0.72)]))
    assert "person 0: " in str(doubtful) and "perhaps also person 1 (likeness 0.72)" in str(doubtful)
    assert "identity=(0, 1)" in str(doubtful)
    doubtful.summary.write(result.folder)
    assert Extraction.read(result.folder, Summary.read(result.folder)).summary.alike == [[0, 1, 0.72]]
    assert "person 1 may be the same person" in str(copy_to("A", workspace, 0))
    both = copy_to("A", workspace, (0, 1))
    assert len(both.copied) == result.people[0] + result.people[1] and "person 0 and 1" in str(both)
    result.summary.write(result.folder)
