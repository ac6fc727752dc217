"""Notebook 2: binary masks of the eyes."""

from fsgan_utils.masks.eyes import EyeMasks, eye_mask, make_eye_masks, preview_masks, tint

__all__ = ["EyeMasks", "eye_mask", "make_eye_masks", "preview_masks", "tint"]
