"""One frame, swapped as in the video, before the whole video is."""

from __future__ import annotations

import warnings

import numpy as np

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.frames import source_frames
from fsgan_utils.conversion.generator import Generator
from fsgan_utils.conversion.plan import plan_swaps
from fsgan_utils.conversion.swap import swap_placed
from fsgan_utils.conversion.tracks import FaceTracks
from fsgan_utils.conversion.whose import doubts_of_plan
from fsgan_utils.extraction import Source


def preview_swap(
    source: Source, tracks: FaceTracks, model: Generator, config: ConvertConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Swap the frame nearest to the middle with a face to swap: as in the video, but not averaged over time.

    Args:
        source: the video or the photographs.
        tracks: what `follow_faces` gave for them.
        model: the trained model.
        config: the settings.

    Returns:
        The frame, and the same with the faces swapped; uint8 RGB (H, W, 3) each. Where no face of the video is to be
        swapped, twice the frame in the middle. Where the faces to swap do not look like the person replaced, a warning
        says so.

    Raises:
        ValueError: the settings name a track or a person that is not there, or the model is damaged.
    """
    plan = plan_swaps(tracks, model, config, tracks.rate)
    for doubt in doubts_of_plan(tracks, plan, model, config):
        warnings.warn(doubt, stacklevel=2)
    faces = plan.faces
    middle = int(tracks.index[tracks.frames // 2])
    index = min(faces, key=lambda place: abs(place - middle), default=middle)
    image = next(source_frames(source, config, index)).image
    return image, swap_placed([image], [faces.get(index, [])], model, config, [0])[0].image
