import cv2
import numpy as np
import pytest

from fsgan_utils.extraction import FaceDetector, FaceTracker
from fsgan_utils.faces import Alignment
from fsgan_utils.landmarks import MESH_TO_68
from fsgan_utils.masks import eye_mask, outline_mask, widened
from fsgan_utils.masks.finding import FaceFinder
from fsgan_utils.masks.regions import region_mask
from fsgan_utils.training import FaceSet
from fsgan_utils.video import read_frames
from fsgan_utils.workspace import PROJECT

CLIPS = PROJECT / "data" / "clips"


@pytest.fixture(scope="session")
def faces():
    """Six aligned faces of each person, cut from the sample clips, with both masks."""
    return {"a": _faces_of("a_train_studio.mp4"), "b": _faces_of("b_train_warm.mp4")}


@pytest.fixture(scope="session")
def sightings():
    """The face in some frames of the clip to convert, and in the same frames of the true clip."""
    tracker, found = FaceTracker(FaceDetector(60)), {}
    for clip in ("a_target", "b_target"):
        found[clip] = []
        for frame in read_frames(CLIPS / f"{clip}.mp4", every=6):
            tracker.reset()
            found[clip].append((frame.image, tracker.refined(tracker.update(frame.image)[0][0])))
    return found


@pytest.fixture
def face_folders(faces, tmp_path):
    """A workspace that holds those faces and masks as files."""
    for side, sample in faces.items():
        name = f"face{side.upper()}"
        folders = {"images": tmp_path / name} | {
            mask: tmp_path / "binary_masks" / f"{name}_{ending}" for mask, ending in MASK_FOLDERS.items()
        }
        for folder in folders.values():
            folder.mkdir(parents=True)
        for index, file in enumerate(sample.names):
            cv2.imwrite(str(folders["images"] / file), sample.images[index][..., ::-1])
            for mask in MASK_FOLDERS:
                cv2.imwrite(str(folders[mask] / file), sample.masks[mask][index])
    return tmp_path


MASK_FOLDERS = {"eyes": "eyes", "mouth": "mouth", "face": "outline"}


def _faces_of(clip):
    finder, detector, images = FaceFinder(), FaceDetector(60), []
    for frame in read_frames(CLIPS / clip, every=20):
        (face, *_) = detector.detect([frame.image])[0]
        images.append(Alignment.from_landmarks(face.landmarks, crop="full").warp(frame.image))
    eyes = [eye_mask(finder.mesh(image)[MESH_TO_68, :2]) for image in images]
    outlines = [outline_mask(finder.mesh(image)[:, :2]) for image in images]
    mouths = [widened(region_mask(finder.outlines(image, finder.mesh(image))["mouth"])) for image in images]
    names = [f"face{index}.png" for index in range(len(images))]
    return FaceSet(
        names, np.stack(images), {"eyes": np.stack(eyes), "mouth": np.stack(mouths), "face": np.stack(outlines)}
    )
