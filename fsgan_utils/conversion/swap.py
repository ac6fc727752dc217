"""Swap the faces of pictures."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fsgan_utils.conversion.bending import make_room
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.covering import Covering, find_coverings
from fsgan_utils.conversion.generator import Generator, proportions_of
from fsgan_utils.conversion.placing import PlacedFace, aim, lacks_mesh
from fsgan_utils.conversion.rules import face_sizes, reasons_against
from fsgan_utils.conversion.steps import Drawing, GeneratedFace, Swapped, compose, draw, finish, fit
from fsgan_utils.conversion.whose import doubts_of_faces
from fsgan_utils.extraction import FaceDetector, FaceTracker, Sighting
from fsgan_utils.faces import margin
from fsgan_utils.landmarks import five_points
from fsgan_utils.masks import FaceFinder


def build_detector(config: ConvertConfig) -> FaceDetector:
    """The face detector that a conversion's settings describe."""
    return FaceDetector(min_face=config.min_face, thresholds=(0.6, 0.7, config.threshold), factor=config.factor)


def swap_image(
    image: np.ndarray, model: Generator, config: ConvertConfig | None = None, detector: FaceDetector | None = None
) -> np.ndarray:
    """Swap the faces of a picture.

    Args:
        image: uint8 RGB (H, W, 3).
        model: the trained model.
        config: the settings; their layout, smoothing and times do not matter here, and a track or a person, which only
            a video has, cannot be asked for.
        detector: one made before, to save loading it again.

    Returns:
        uint8 RGB (H, W, 3); the same picture where no face was found. Where the faces do not look like the person
        replaced, a warning says so.

    Raises:
        ValueError: the image is not such an array, or the settings ask for a track or a person.
    """
    config = config or ConvertConfig()
    if config.track is not None or config.identity is not None:
        raise ValueError(
            'one picture has no tracks or identities to choose from; take faces="largest", or cut the picture. '
            f"Received: track={config.track}, identity={config.identity}"
        )
    tracker = FaceTracker(detector or build_detector(config), config.landmarks)
    sightings = [tracker.refined(one) for one in tracker.update(image)[0]]
    portraits = {number: [one.portrait] for number, one in enumerate(chosen(sightings, model, config)) if one.alignment}
    for doubt in doubts_of_faces(portraits, dict.fromkeys(portraits, 1), model, config):
        warnings.warn(doubt, stacklevel=2)
    return swap_faces([image], [sightings], model, config)[0].image


def swap_faces(
    images: Sequence[np.ndarray], sightings: Sequence[Sequence[Sighting]], model: Generator, config: ConvertConfig
) -> list[Swapped]:
    """Swap the faces of several pictures; the network runs once for all.

    Args:
        images: uint8 RGB (H, W, 3) each.
        sightings: for each image the faces in it. Which of them are swapped, the settings say.
        model: the trained model.
        config: the settings.

    Returns:
        One result per image. A face is left as it is where its landmarks do not determine an alignment, or where the
        settings or a guided model need a mesh and there is none.
    """
    placed = [[PlacedFace.seen(one, model, config) for one in chosen(group, model, config)] for group in sightings]
    groups = [[face for face in group if face is not None] for group in placed]
    left_alone = [len(found) - len(group) for found, group in zip(sightings, groups, strict=True)]
    return swap_placed(images, groups, model, config, left_alone)


def swap_placed(
    images: Sequence[np.ndarray],
    groups: Sequence[Sequence[PlacedFace]],
    model: Generator,
    config: ConvertConfig,
    left_alone: Sequence[int],
) -> list[Swapped]:
    """Swap faces of which it is known where they go; the network runs once for all.

    Args:
        images: uint8 RGB (H, W, 3) each.
        groups: for each image the faces to swap.
        model: the trained model.
        config: the settings.
        left_alone: for each image how many others there are; only counted.
    """
    sources = [face.alignment.warp(image) for image, group in zip(images, groups, strict=True) for face in group]
    faces = [face for group in groups for face in group]
    drawings = iter(draw(sources, model, config, faces))
    coverings = iter(find_coverings(sources, faces, model, config))
    return [
        lay(image, group, [next(drawings) for _ in group], [next(coverings) for _ in group], config, others)
        for image, group, others in zip(images, groups, left_alone, strict=True)
    ]


def lay(
    image: np.ndarray,
    faces: Sequence[PlacedFace],
    drawings: Sequence[np.ndarray],
    coverings: Sequence[Covering | None],
    config: ConvertConfig,
    left_alone: int = 0,
) -> Swapped:
    """Lay drawn faces into a picture.

    Args:
        image: uint8 RGB (H, W, 3).
        faces: where they go.
        drawings: of each float32 (res, res, 4), from `draw`.
        coverings: what lies before each of them, from `find_coverings`.
        config: the settings.
        left_alone: faces of the picture that are not among them; only counted.
    """
    scene = make_room(image, faces, config, coverings)
    finished: list[Drawing] = []
    sources = [face.alignment.warp(scene.image) for face in scene.faces]
    for face, source, drawn, covering in zip(scene.faces, sources, drawings, coverings, strict=True):
        transfer, alpha = fit(source, drawn, config, face, covering)
        finished.append((face.alignment, finish(source, drawn, transfer, alpha, face.mesh, config, covering)))
    return compose(scene.image, finished, config, left_alone, scene.bent)


def chosen(sightings: Sequence[Sighting], model: Generator, config: ConvertConfig) -> list[Sighting]:
    """The faces of one picture that the settings want swapped, largest first."""
    sizes = face_sizes(np.array([one.face.box for one in sightings]).reshape(-1, 4))
    against = reasons_against(sizes, np.array([one.face.score for one in sightings]), config)
    fitting = ~np.any(list(against.values()), axis=0)
    fitting &= np.array([not lacks_mesh(one.mesh, model, config) for one in sightings], bool)
    by_size = [sightings[place] for place in np.argsort(-sizes, kind="stable") if fitting[place]]
    return by_size[:1] if config.faces == "largest" else by_size


def generate_faces(
    crops: Sequence[np.ndarray], model: Generator, config: ConvertConfig, person: str | None = None
) -> list[GeneratedFace]:
    """Swap faces that are aligned already, such as training images, without a picture or a mesh.

    A guided model is guided by what FaceMesh sees in the crops, and placed by it anew. Things that lie before the faces
    are not looked for, whatever `keep_objects` says.

    Args:
        crops: uint8 RGB (S, S, 3), aligned faces.
        model: the trained model.
        config: the settings; of the masks only the network's own counts.
        person: whose faces they are, "a" or "b"; None for the one whom the direction replaces.

    Raises:
        ValueError: the model returned something else than it should.
    """
    meshless = replace(config, mask="attention", keep=())
    finder = None if proportions_of(model) is None else FaceFinder()
    seen = [_shown(crop, finder, model, config, person) for crop in crops]
    sources = [source for source, _ in seen]
    drawings = zip(sources, draw(sources, model, config, [face for _, face in seen]), strict=True)
    return [finish(source, drawn, *fit(source, drawn, config), None, meshless) for source, drawn in drawings]


def _shown(
    crop: np.ndarray, finder: FaceFinder | None, model: Generator, config: ConvertConfig, person: str | None
) -> tuple[np.ndarray, PlacedFace | None]:
    """What the network sees of an aligned face, and its place, if a guided model needs it and it can be told."""
    mesh = None if finder is None else finder.mesh(crop)
    if mesh is not None:
        landmarks, features = aim(five_points(mesh), mesh, model, config, person)
        face = PlacedFace.of(landmarks, mesh, features, model, config)
        if face is not None:
            return face.alignment.warp(crop), face
    rim = margin(len(crop), config.roi_coverage)
    return crop[rim : len(crop) - rim, rim : len(crop) - rim], None
