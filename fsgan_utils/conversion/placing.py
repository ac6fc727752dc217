"""Where a face goes: what the network is shown of the picture, and where it is to draw the other person's features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.generator import Generator, proportions_of
from fsgan_utils.conversion.masking import needs_mesh
from fsgan_utils.conversion.steps import place
from fsgan_utils.extraction import Sighting
from fsgan_utils.faces import Alignment
from fsgan_utils.landmarks import five_points

REPLACED = {"AtoB": "a", "BtoA": "b"}
"""Whose face is in the picture, by direction."""


@dataclass(frozen=True, eq=False)
class PlacedFace:
    """One face that is to be swapped.

    Attributes:
        alignment: from the picture to what the network sees.
        mesh: (468 or 470, 2), its mesh in pixels of what the network sees; None where there is none.
        features: (470, 2), where the other person's points are to be drawn there; None for a model without guides, and
            where there is no mesh.
        track: number of its track.
        opacity: how far it covers what lies there, above 0 to 1; below 1 where it fades, see `faded`.
    """

    alignment: Alignment
    mesh: np.ndarray | None
    features: np.ndarray | None
    track: int = 0
    opacity: float = 1.0

    @classmethod
    def of(
        cls,
        landmarks: np.ndarray,
        mesh: np.ndarray | None,
        features: np.ndarray | None,
        model: Generator,
        config: ConvertConfig,
        track: int = 0,
    ) -> PlacedFace | None:
        """Place a face in a picture.

        Args:
            landmarks: (5, 2), what aligns it, from `aim`; they may have been steadied since.
            mesh: (468 or 470, 2 or 3), its mesh in the picture, or None.
            features: (470, 2 or 3), from `aim`.
            model: the trained model.
            config: the settings.
            track: number of its track.

        Returns:
            None where the landmarks do not determine an alignment.
        """
        alignment = place(landmarks, model, config)
        if alignment is None:
            return None
        seen, drawn = (None if points is None else alignment.apply(points[:, :2]) for points in (mesh, features))
        return cls(alignment, seen, drawn, track)

    @classmethod
    def seen(cls, sighting: Sighting, model: Generator, config: ConvertConfig) -> PlacedFace | None:
        """Place a face as it was seen in one picture."""
        landmarks, features = aim(sighting.face.landmarks, sighting.mesh, model, config)
        return cls.of(landmarks, sighting.mesh, features, model, config)


def lacks_mesh(mesh: np.ndarray | None, model: Generator, config: ConvertConfig) -> bool:
    """Whether a face has no mesh, and cannot be swapped without: the settings need one, or a guided model does."""
    return mesh is None and (needs_mesh(config) or proportions_of(model) is not None)


def aim(
    landmarks: np.ndarray,
    mesh: np.ndarray | None,
    model: Generator,
    config: ConvertConfig,
    person: str | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Find what aligns a face, and where the other person's features go.

    A guided model draws the other person's proportions, as far as `face_shape` says, in the place of the face that is
    there, so it is they that are aligned.

    Args:
        landmarks: (5, 2), of the face in the picture.
        mesh: (470, 3), as `FaceMesh.refine` gives it, in the picture, or None.
        model: the trained model; guided if it has `proportions`.
        config: `direction` and `face_shape` count.
        person: whose face it is, "a" or "b"; None for the one whom the direction replaces.

    Returns:
        (5, 2), the points to align; and (470, 2 or 3), the other person's, None where there is no guide.
    """
    proportions = proportions_of(model)
    if proportions is None or mesh is None:
        return landmarks, None
    replaced = REPLACED[config.direction]
    features = proportions.exchanged(mesh, replaced, config.face_shape) if person in (None, replaced) else mesh
    return five_points(features), features
