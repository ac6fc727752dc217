"""Notebook 2: binary masks of the eyes and the mouth, and outlines of the face."""

from fsgan_utils.masks.finding import FaceFinder
from fsgan_utils.masks.making import MadeMasks, make_masks, preview_masks, set_aside, tint
from fsgan_utils.masks.matching import find_mismatches, load_masks
from fsgan_utils.masks.regions import eye_mask, outline_mask, region_mask, widened
from fsgan_utils.masks.skin import SkinEvidence, skin_outlines

__all__ = [
    "FaceFinder",
    "MadeMasks",
    "SkinEvidence",
    "eye_mask",
    "find_mismatches",
    "load_masks",
    "make_masks",
    "outline_mask",
    "preview_masks",
    "region_mask",
    "set_aside",
    "skin_outlines",
    "tint",
    "widened",
]
