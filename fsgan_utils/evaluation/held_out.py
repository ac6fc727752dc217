"""Score a model while it trains, on a few faces that it is not trained with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from fsgan_utils.conversion import ConvertConfig, generate_faces
from fsgan_utils.embedding import MobileNetEmbedder, mean_direction
from fsgan_utils.evaluation.motion import Motion, expression_matches
from fsgan_utils.landmarks import FaceMesh
from fsgan_utils.masks import FaceFinder
from fsgan_utils.training import FaceSet, FaceSwapGAN
from fsgan_utils.training.preview import central_part
from fsgan_utils.training.scoring import MERIT

OTHER = {"a": ("b", "AtoB"), "b": ("a", "BtoA")}
"""By person, who is put on their faces, and the direction that does it."""
FEATURES = 1 / 128, 3 / 64
"""Standard deviations, in sides of the face, of the blurs between which eyes, brows, nose and lips show."""
LEAST_GAP = 0.05
"""Least difference of likeness, between a person and the other, that a swap's likeness is measured by."""


class HeldOutScorer:
    """Scores a model by swaps of a few faces in both directions, in about a second on a processor.

    The judge of finished clips, the ResNet, has no part in it, so that it stays unprejudiced.

    Args:
        faces: by side, "a" and "b", aligned faces that the model is not trained with; see `training.hold_out`.

    Raises:
        ValueError: FaceMesh finds no face in any of the images.
    """

    def __init__(self, faces: Mapping[str, FaceSet]) -> None:
        """Measure the faces themselves."""
        self._settings = {side: ConvertConfig(direction, mask="attention") for side, (_, direction) in OTHER.items()}
        self._embedder, self._mesh, finder = MobileNetEmbedder(), FaceMesh(), FaceFinder()
        self._crops = {side: list(one.images) for side, one in faces.items()}
        self._seen = {side: self._central(one.images) for side, one in faces.items()}
        self._boxes = {side: [_box(finder.mesh(image)) for image in images] for side, images in self._seen.items()}
        if not any(box is not None for boxes in self._boxes.values() for box in boxes):
            raise ValueError(
                "FaceMesh finds no face in the images held out; give aligned faces, as notebook 1 cuts them"
            )
        self._motion = {side: Motion.of(self._meshes(images, side)) for side, images in self._seen.items()}
        self._people = {side: mean_direction(self._embedder.embed(images)) for side, images in self._seen.items()}

    def __call__(self, model: FaceSwapGAN) -> dict[str, float]:
        """Score a model.

        Returns:
            "score_identity": how far the swaps' likeness, by the MobileNet, has gone from the person replaced (0) to
            the person put in (1), over those in which FaceMesh sees a face; "score_expression": correlation of their
            expressions with the replaced faces'; "score_redrawn": structural similarity of each face redrawn by its
            own decoder; "score_detail": the part of the faces' features that these show, see `explained_detail`; and
            "score", the mean of the first three times the last. Noise and mud are like anybody to an identity
            network, so that what else is measured counts only as far as features are drawn. Both directions count
            alike.
        """
        rows = [self._score(model, side) for side in OTHER]
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        merit = means["detail"] * np.clip([means[name] for name in ("identity", "expression", "redrawn")], 0, 1).mean()
        return {MERIT: float(merit), **{f"{MERIT}_{name}": value for name, value in means.items()}}

    def _score(self, model: FaceSwapGAN, side: str) -> dict[str, float]:
        other, _ = OTHER[side]
        swapped = [face.blended for face in generate_faces(self._crops[side], model, self._settings[side])]
        redrawn = generate_faces(self._crops[side], model, self._settings[other], person=side)
        meshes = self._meshes(swapped, side)
        matches = expression_matches(Motion.of(meshes), self._motion[side])
        seen = float(np.mean([mesh is not None for mesh in meshes]))
        return {
            "identity": seen * self._likeness(swapped, side, other),
            "expression": float(np.nan_to_num(matches).mean()),
            "redrawn": float(np.mean([_similarity(face.raw, face.source) for face in redrawn])),
            "detail": float(np.mean([max(0, explained_detail(face.raw, face.source)) for face in redrawn])),
        }

    def _likeness(self, swapped: Sequence[np.ndarray], side: str, other: str) -> float:
        towards = self._people[other] - self._people[side]
        begin, end = (float(self._people[one] @ towards) for one in (side, other))
        reached = float((self._embedder.embed(swapped) @ towards).mean())
        return (reached - begin) / max(end - begin, LEAST_GAP)

    def _meshes(self, images: Sequence[np.ndarray], side: str) -> list[np.ndarray | None]:
        """The mesh of each face, where one is found at the place of the face held out."""
        found = [
            (None, 0.0) if box is None else self._mesh.detect(image, box, looks=2)
            for image, box in zip(images, self._boxes[side], strict=True)
        ]
        return [mesh if score >= self._mesh.least_score else None for mesh, score in found]

    def _central(self, images: np.ndarray) -> list[np.ndarray]:
        return list(central_part(images, self._settings["a"].roi_coverage))


def explained_detail(drawn: np.ndarray, image: np.ndarray) -> float:
    """Measure how much of an image's features a drawing shows: the coefficient of determination of its middle detail.

    Args:
        drawn: RGB (S, S, 3), 0 to 255.
        image: uint8 RGB (S, S, 3), what it should look like.

    Returns:
        1 - sum (d - t)² / sum t² over the middle three quarters, d and t the luminance of both between Gaussian blurs
        of 1/128 and 3/64 of the side: 1 for the image itself, about 0 for mud, below for noise.
    """
    found, true = (_features(picture) for picture in (drawn, image))
    return 1 - float(np.sum((found - true) ** 2) / max(float(np.sum(true**2)), 1e-6))


def _features(picture: np.ndarray) -> np.ndarray:
    side = len(picture)
    grey = cv2.cvtColor(np.asarray(picture, np.float32), cv2.COLOR_RGB2GRAY)
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), part * side) for part in FEATURES)
    middle = slice(side // 8, side - side // 8)
    return np.asarray((fine - coarse)[middle, middle])


def _box(mesh: np.ndarray | None) -> np.ndarray | None:
    return None if mesh is None else np.concatenate([mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)])


def _similarity(drawn: np.ndarray, image: np.ndarray) -> float:
    one, other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (drawn, image))
    return float(structural_similarity(one, other, data_range=255, gaussian_weights=True, sigma=1.5))
