"""Notebook 4: swap the faces of a video or a picture."""

from fsgan_utils.conversion.choosing import choose, identify, people_sheet
from fsgan_utils.conversion.color import ColorTransfer, correct_color, fit_color
from fsgan_utils.conversion.compare import compare_colors, compare_masks, compare_shapes
from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.convert import convert_video
from fsgan_utils.conversion.following import follow_faces
from fsgan_utils.conversion.frames import source_frames
from fsgan_utils.conversion.generator import Generator
from fsgan_utils.conversion.masking import face_mask
from fsgan_utils.conversion.preview import preview_swap
from fsgan_utils.conversion.steps import GeneratedFace, Swapped, compose, draw, finish, fit, place
from fsgan_utils.conversion.summary import ConversionSummary
from fsgan_utils.conversion.swap import build_detector, chosen, generate_faces, swap_faces, swap_image
from fsgan_utils.conversion.tracks import FaceTracks

__all__ = [
    "ColorTransfer",
    "ConversionSummary",
    "ConvertConfig",
    "FaceTracks",
    "GeneratedFace",
    "Generator",
    "Swapped",
    "build_detector",
    "choose",
    "chosen",
    "compare_colors",
    "compare_masks",
    "compare_shapes",
    "compose",
    "convert_video",
    "correct_color",
    "draw",
    "face_mask",
    "finish",
    "fit",
    "fit_color",
    "follow_faces",
    "generate_faces",
    "identify",
    "people_sheet",
    "place",
    "preview_swap",
    "source_frames",
    "swap_faces",
    "swap_image",
]
