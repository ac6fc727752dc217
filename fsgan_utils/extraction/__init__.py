"""Notebook 1: find the faces of a video, align them, save them."""

from fsgan_utils.extraction.collect import Collected, copy_to
from fsgan_utils.extraction.extract import Extraction, NoFaceError, Skipped, draw_faces, extract_faces
from fsgan_utils.extraction.eye_boxes import eye_box_mask
from fsgan_utils.extraction.mtcnn import FaceDetector
from fsgan_utils.extraction.records import FaceRecord, read_records

__all__ = [
    "Collected",
    "Extraction",
    "FaceDetector",
    "FaceRecord",
    "NoFaceError",
    "Skipped",
    "copy_to",
    "draw_faces",
    "extract_faces",
    "eye_box_mask",
    "read_records",
]
