"""Notebook 1: find the faces of a video, align them, save them."""

from fsgan_utils.extraction.mtcnn import FaceDetector

__all__ = ["FaceDetector"]
