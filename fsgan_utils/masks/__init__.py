"""Notebook 2: binary masks of the eyes, and outlines of the face."""

from fsgan_utils.masks.eyes import eye_mask, make_eye_masks
from fsgan_utils.masks.finding import FaceFinder
from fsgan_utils.masks.making import MadeMasks, preview_masks, set_aside, tint
from fsgan_utils.masks.matching import find_mismatches, load_masks
from fsgan_utils.masks.outline import make_outline_masks, outline_mask

__all__ = [
    "FaceFinder",
    "MadeMasks",
    "eye_mask",
    "find_mismatches",
    "load_masks",
    "make_eye_masks",
    "make_outline_masks",
    "outline_mask",
    "preview_masks",
    "set_aside",
    "tint",
]
