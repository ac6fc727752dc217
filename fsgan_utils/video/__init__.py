"""Videos in and out: every frame with its exact time, its colours and its sound."""

from fsgan_utils.video.cuts import is_cut, signature
from fsgan_utils.video.encoders import CODECS, PART, VIDEO_SUFFIXES, codec_of
from fsgan_utils.video.parts import Part
from fsgan_utils.video.reading import Frame, VideoError, VideoInfo, check_range, probe, read_frames
from fsgan_utils.video.writing import SYNTHETIC_COMMENT, VideoWriter, written_size

__all__ = [
    "CODECS",
    "PART",
    "SYNTHETIC_COMMENT",
    "VIDEO_SUFFIXES",
    "Frame",
    "Part",
    "VideoError",
    "VideoInfo",
    "VideoWriter",
    "check_range",
    "codec_of",
    "is_cut",
    "probe",
    "read_frames",
    "signature",
    "written_size",
]
