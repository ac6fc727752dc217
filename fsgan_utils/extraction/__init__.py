"""Notebook 1: find the faces of a video or of photographs, align them, save them, tell the people apart."""

from fsgan_utils.extraction.collect import Collected, copy_to
from fsgan_utils.extraction.extract import extract_faces
from fsgan_utils.extraction.eye_boxes import eye_box_mask
from fsgan_utils.extraction.mtcnn import FaceDetector
from fsgan_utils.extraction.quality import PITCH_EDGES, YAW_EDGES, Selection, coverage, lacking_poses
from fsgan_utils.extraction.records import FaceRecord, read_records
from fsgan_utils.extraction.result import Extraction, NoFaceError, draw_faces
from fsgan_utils.extraction.sources import Source
from fsgan_utils.extraction.tracking import FaceTracker, Sighting

__all__ = [
    "PITCH_EDGES",
    "YAW_EDGES",
    "Collected",
    "Extraction",
    "FaceDetector",
    "FaceRecord",
    "FaceTracker",
    "NoFaceError",
    "Selection",
    "Sighting",
    "Source",
    "copy_to",
    "coverage",
    "draw_faces",
    "extract_faces",
    "eye_box_mask",
    "lacking_poses",
    "read_records",
]
