"""Swap the faces of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.masking import needs_mesh
from fsgan_utils.conversion.steps import (
    Drawing,
    GeneratedFace,
    Generator,
    Swapped,
    compose,
    draw,
    finish,
    fit,
    place,
)
from fsgan_utils.extraction import FaceDetector, FaceTracker, Sighting
from fsgan_utils.faces import margin


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
        config: the settings; their layout, smoothing and times do not matter here.
        detector: one made before, to save loading it again.

    Returns:
        uint8 RGB (H, W, 3); the same picture where no face was found.

    Raises:
        ValueError: the image is not such an array.
    """
    config = config or ConvertConfig()
    sightings, _ = FaceTracker(detector or build_detector(config), config.landmarks).update(image)
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
        settings need a mesh and there is none.
    """
    placed = [[(one, place(one.face.landmarks, model, config)) for one in chosen(group, config)] for group in sightings]
    sources = [a.warp(image) for image, group in zip(images, placed, strict=True) for _, a in group if a is not None]
    drawings = iter(zip(sources, draw(sources, model, config), strict=True))
    results = []
    for image, group, found in zip(images, placed, sightings, strict=True):
        faces: list[Drawing] = []
        for sighting, alignment in group:
            if alignment is not None:
                source, drawn = next(drawings)
                mesh = None if sighting.mesh is None else alignment.apply(sighting.mesh[:, :2])
                faces.append((alignment, finish(source, drawn, *fit(source, drawn, config, mesh), mesh, config)))
        results.append(compose(image, faces, config, len(found) - len(faces)))
    return results


def chosen(sightings: Sequence[Sighting], config: ConvertConfig) -> list[Sighting]:
    """The faces of one picture that the settings want swapped, largest first."""
    fit_for_it = [
        one
        for one in sightings
        if one.face.score >= config.min_score
        and max(one.face.width, one.face.height) >= config.min_face
        and (one.mesh is not None or not needs_mesh(config))
    ]
    by_size = sorted(fit_for_it, key=lambda one: -one.face.width * one.face.height)
    return by_size[:1] if config.faces == "largest" else by_size


def generate_faces(crops: Sequence[np.ndarray], model: Generator, config: ConvertConfig) -> list[GeneratedFace]:
    """Swap faces that are aligned already, such as training images, without a picture or a mesh.

    Args:
        crops: uint8 RGB (S, S, 3), aligned faces.
        model: the trained model.
        config: the settings; of the masks only the network's own counts.

    Raises:
        ValueError: the model returned something else than it should.
    """
    meshless = replace(config, mask="attention", keep=())
    rims = [margin(len(crop), config.roi_coverage) for crop in crops]
    sources = [crop[rim : len(crop) - rim, rim : len(crop) - rim] for crop, rim in zip(crops, rims, strict=True)]
    drawings = zip(sources, draw(sources, model, config), strict=True)
    return [finish(source, drawn, *fit(source, drawn, config), None, meshless) for source, drawn in drawings]
