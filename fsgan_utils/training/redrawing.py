"""Let a model draw the other person in each training image, and learn to bring the image back.

A conversion shows the encoder faces of A and asks decoder B for them, which training never does: each decoder learns
from codes of its own person alone. With faces of A that were drawn from images of B, with their expressions, it learns
from codes like those of a conversion as well, and what it should draw is known.

Reference: Sennrich et al., "Improving Neural Machine Translation Models with Monolingual Data" (2016), who translate
back; v2.2's cycle loss asks the same of one model while it learns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.training.augmentation import SIDE
from fsgan_utils.training.data import FaceSet, to_network, to_pixels
from fsgan_utils.training.gan import FaceSwapGAN
from fsgan_utils.training.preview import OTHER, central_part, guides_for

COVERAGE = 0.9
"""Part of an image that is drawn anew; beyond, the edge of that is repeated. As a conversion's `roi_coverage`."""
BATCH = 32


def redraw_faces(faces: Mapping[str, FaceSet], model: FaceSwapGAN) -> dict[str, FaceSet]:
    """Draw the other person in the place of every face.

    Args:
        faces: training images by side, "a" and "b"; for a guided model from `learn_proportions`.
        model: a trained model of the same two people.

    Returns:
        The same with `FaceSet.redrawn`.

    Raises:
        ValueError: the model is guided, and the faces' meshes are not known.
    """
    return {side: replace(one, redrawn=_redrawn(one, side, model)) for side, one in faces.items()}


def _redrawn(faces: FaceSet, side: str, model: FaceSwapGAN) -> np.ndarray:
    if model.config.guide and (faces.meshes is None or model.proportions is None):
        raise ValueError(
            "the model is guided, but where the features of the faces lie is not known; call "
            "`faces = learn_proportions(faces, crop)` first"
        )
    result = np.empty_like(faces.images)
    for first in tqdm(range(0, len(faces), BATCH), f"{side}: redrawing"):
        some = np.arange(first, min(first + BATCH, len(faces)))
        sources = central_part(faces.images[some], COVERAGE)
        guides = guides_for(model, faces.take(some), side, OTHER[side], COVERAGE)
        drawn = model.generate(to_network(sources, model.config.resolution), OTHER[side], guides)
        rim = (SIDE - sources.shape[1]) // 2
        for index, picture in zip(some, to_pixels(drawn[..., 1:]), strict=True):
            enlarged = cv2.resize(picture, sources.shape[1:3], interpolation=cv2.INTER_CUBIC)
            result[index] = cv2.copyMakeBorder(enlarged, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    return result
