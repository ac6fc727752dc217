"""Take the faces out of a video: find, align, save."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from fsgan_utils.extraction.eye_boxes import eye_box_mask
from fsgan_utils.extraction.folders import replaced_folder, unused_name
from fsgan_utils.extraction.mtcnn import FaceDetector
from fsgan_utils.extraction.records import FaceRecord, read_records, write_records
from fsgan_utils.faces import Alignment, Face
from fsgan_utils.images import write_image
from fsgan_utils.video import Frame, probe, read_frames
from fsgan_utils.workspace import Workspace

SAVE_FORMATS = ("png", "jpg")
CROP_SIZE = 256
FRAMES_AT_ONCE = 16
PREVIEWS = 6
