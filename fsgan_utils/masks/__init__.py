"""Notebook 2: binary masks of the eyes, and outlines of the face."""

from fsgan_utils.masks.eyes import EyeMasks, eye_mask, make_eye_masks, preview_masks, tint
from fsgan_utils.masks.outline import OutlineMasks, make_outline_masks, outline_mask

__all__ = [
    "EyeMasks",
    "OutlineMasks",
    "eye_mask",
    "make_eye_masks",
    "make_outline_masks",
    "outline_mask",
    "preview_masks",
    "tint",
]
