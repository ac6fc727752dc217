"""Notebook 4: swap the faces of a video or a picture."""

from fsgan_utils.conversion.config import ConvertConfig
from fsgan_utils.conversion.convert import ConversionSummary, convert_video
from fsgan_utils.conversion.swap import (
    GeneratedFace,
    Generator,
    Swapped,
    build_detector,
    generate_faces,
    swap_faces,
    swap_image,
)

__all__ = [
    "ConversionSummary",
    "ConvertConfig",
    "GeneratedFace",
    "Generator",
    "Swapped",
    "build_detector",
    "convert_video",
    "generate_faces",
    "swap_faces",
    "swap_image",
]
