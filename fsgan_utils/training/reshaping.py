"""Give each face the other person's proportions, so that the code learns not to tell whose face it came from.

Besides, FaceMesh's points of the faces serve to guide the decoders, see `fsgan_utils.guides`.

An encoder that has seen long faces from A alone and short ones from B alone writes down which it saw, and decoder B,
given A's code, draws a long B. Where part of A's inputs have B's proportions, and B's have A's, it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.interpolate import RBFInterpolator
from tqdm.auto import tqdm

from fsgan_utils.faces import Alignment
from fsgan_utils.heads import Proportions, head_shape
from fsgan_utils.landmarks import REFINED_POINTS, five_points
from fsgan_utils.masks import FaceFinder
from fsgan_utils.training.augmentation import FIELD_SIDE, SIDE
from fsgan_utils.training.data import FaceSet

EVERY = 3
"""Of FaceMesh's points, every so many say how the image is bent."""
SMOOTHING = 50.0
"""How far the bending may miss them, for the sake of smoothness."""
BEYOND, KNOTS = 20, 8
"""Pixels outside the image where it stays as it is, and at how many points along each side that is said."""


def learn_proportions(faces: Mapping[str, FaceSet], crop: str) -> dict[str, FaceSet]:
    """Find out for every face how to bend it to the other person's proportions.

    The heads of both, see `fsgan_utils.heads`, change places; the expression and the pose stay. The bent face
    is aligned as the other's crops are. A face that FaceMesh does not see stays as it is.

    Args:
        faces: training images by side, "a" and "b".
        crop: how they were cut, "half" or "full".

    Returns:
        The same with `FaceSet.meshes` and `FaceSet.bends`.

    Raises:
        ValueError: FaceMesh sees no face in any image of a side.
    """
    finder, result = FaceFinder(), {}
    for side, one in faces.items():
        found = [finder.mesh(image) for image in tqdm(one.images, f"{side}: faces")]
        meshes = [np.full((REFINED_POINTS, 3), np.nan) if mesh is None else mesh for mesh in found]
        result[side] = replace(one, meshes=np.array(meshes, np.float32))
    proportions = find_proportions(result)
    for side, one in result.items():
        bends = [_bend(mesh, side, proportions, crop) for mesh in tqdm(one.meshes, f"{side}: proportions")]
        result[side] = replace(one, bends=np.stack(bends))
    return result


def find_proportions(faces: Mapping[str, FaceSet]) -> Proportions:
    """Find how the heads of two people differ, in their training images.

    Args:
        faces: by side, from `learn_proportions`.

    Raises:
        ValueError: FaceMesh has seen no face in any image of a side, or has not looked.
    """
    shapes = {}
    for side, one in faces.items():
        if one.meshes is None:
            raise ValueError(f"the faces of side {side} have no meshes; call `learn_proportions(faces, crop)` first")
        seen = one.meshes[~np.isnan(one.meshes).any(axis=(1, 2))].astype(np.float64)
        if not len(seen):
            raise ValueError(
                f"FaceMesh sees no face in any of the {len(one)} images of side {side}; are they aligned faces, as "
                "notebook 1 cuts them? `reshape=0` and `guide=False` do without"
            )
        shapes[side] = head_shape(seen)
    return Proportions.between(shapes)


def _bend(mesh: np.ndarray, side: str, proportions: Proportions, crop: str) -> np.ndarray:
    """From places in the bent image to places in the image: float32 (33, 33, 2), `(x, y)` in pixels of the image."""
    if np.isnan(mesh).any():
        return np.zeros((FIELD_SIDE, FIELD_SIDE, 2), np.float32)
    reshaped = proportions.exchanged(mesh, side)
    aligned = Alignment.from_landmarks(five_points(reshaped), SIDE, crop).apply(reshaped)
    moves = mesh[:, :2] - aligned
    line = np.linspace(-BEYOND, SIDE + BEYOND, KNOTS)
    frame = np.array([(x, y) for x in line for y in line if x in line[[0, -1]] or y in line[[0, -1]]])
    places = np.concatenate([aligned[::EVERY], frame])
    bending = RBFInterpolator(places, np.concatenate([moves[::EVERY], 0 * frame]), smoothing=SMOOTHING)
    line = np.linspace(0, SIDE - 1, FIELD_SIDE)
    nodes = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return bending(nodes).reshape(FIELD_SIDE, FIELD_SIDE, 2).astype(np.float32)
