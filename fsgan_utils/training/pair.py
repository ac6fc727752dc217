"""The two people a model is trained with: what each looks like, and whether faces are still theirs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fsgan_utils.embedding import (
    SAME_PERSON,
    SAME_PERSON_ON_AVERAGE,
    compared_part,
    mean_direction,
    usual_embedder,
)
from fsgan_utils.images import spread
from fsgan_utils.training.data import FaceSet
from fsgan_utils.training.gan import SIDES

MOST_EMBEDDED = 100
"""Faces of each person that are looked at, spread over all."""
CLEARLY = 0.15
"""How much more like the other person faces must be to count as theirs; on the sample clips it is .4, and .2 still
where half of the face is covered, or all is as good as black."""
STRANGER = 0.6
"""Likeness of two mean faces below which they are two people's for sure. On the sample clips one person's are alike by
.94 from clip to clip, by .77 and more with strong noise, motion blur or next to no light; two people's by .53."""

Pair = Mapping[str, np.ndarray]
"""By side, "a" and "b", what a person looks like: the MobileNet's mean embedding, float32 (1024,), of length 1."""


def typical_face(embeddings: np.ndarray) -> np.ndarray:
    """The mean of the person that most faces show: of those that are like the face which is likest to half of all.

    Args:
        embeddings: float32 (N, D), of length 1.

    Returns:
        float32 (D,), of length 1.
    """
    typical = embeddings[np.argmax(np.median(embeddings @ embeddings.T, axis=1))]
    mean = mean_direction(embeddings[embeddings @ typical >= SAME_PERSON])
    near = embeddings[embeddings @ mean >= SAME_PERSON]
    return mean_direction(near) if len(near) else mean


def find_pair(faces: Mapping[str, FaceSet], crop: str) -> Pair:
    """Find out what both people look like.

    Args:
        faces: training images by side, "a" and "b".
        crop: how they were cut, "half" or "full".

    Raises:
        FileNotFoundError: the embedding's weights are not in `data/weights`.
    """
    pair = {}
    for side, one in faces.items():
        chosen = one.images[spread(len(one), MOST_EMBEDDED)]
        pair[side] = typical_face(usual_embedder().embed([compared_part(image, crop) for image in chosen]))
    return pair


def check_pair(known: Pair, found: Pair, folder: Path) -> None:
    """Check that a training goes on with the people it began with; warn where it is in doubt.

    Args:
        known: what the model's people look like.
        found: what those in the training images look like.
        folder: the model's.

    Raises:
        ValueError: the people have changed places, or one is somebody else.
    """
    own = {side: float(found[side] @ known[side]) for side in SIDES}
    crossed = {"a": float(found["a"] @ known["b"]), "b": float(found["b"] @ known["a"])}
    others = {side: crossed[side] >= SAME_PERSON and crossed[side] - own[side] >= CLEARLY for side in SIDES}
    way_out = "to train this pair, choose another folder of models, which may begin with this one (start_from)"
    if all(others.values()):
        raise ValueError(
            f"A and B have changed places: faceA looks like B of the model in {folder}, and faceB like its A (likeness "
            f"{crossed['a']:.2f} and {crossed['b']:.2f}). Exchange faceA and faceB and their masks; or, {way_out}"
        )
    for side in SIDES:
        name, likeness = side.upper(), f"likeness {own[side]:.2f}, of one person above {SAME_PERSON_ON_AVERAGE}"
        if others[side] or own[side] < STRANGER:
            who = "the other of its people" if others[side] else "somebody else"
            raise ValueError(
                f"face{name} shows {who}, not {name} of the model in {folder} ({likeness}). Put {name}'s faces there; "
                f"or, {way_out}"
            )
        if own[side] < SAME_PERSON_ON_AVERAGE:
            message = f"face{name} may show somebody else than {name} of the model in {folder} ({likeness})"
            warnings.warn(message, stacklevel=3)
