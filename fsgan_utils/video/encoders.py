"""How videos are encoded, and which containers hold what."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fsgan_utils.video.reading import VideoError

PART = ".nut"
"""Ending of a part of a video (`append`): FFmpeg's own container, which holds every codec and every clock."""


class Encoder(NamedTuple):
    """How FFmpeg encodes a codec.

    Attributes:
        name: of the encoder.
        crf: its usual constant rate factor.
        options: its other options.
        colors_left: whether halved colours lie on every second column of pixels (H.264 and HEVC, where nothing else is
            said), or in the middle between two.
    """

    name: str
    crf: float
    options: dict[str, str]
    colors_left: bool


# None holds back pictures until later ones are known (B-frames), so that parts follow each other without a gap.
ENCODERS = {
    "h264": Encoder("libx264", 16, {"preset": "superfast", "bf": "0"}, colors_left=True),
    "hevc": Encoder(
        "libx265", 16, {"preset": "veryfast", "x265-params": "bframes=0:log-level=error"}, colors_left=True
    ),
    "vp9": Encoder("libvpx-vp9", 20, {"b": "0", "cpu-used": "4", "row-mt": "1"}, colors_left=False),
}
CODECS = tuple(ENCODERS)
HOLD_ODD_SIZES = ("vp9",)
"""Codecs with pictures of odd sizes whose colours are halved: the others count in pairs of pixels."""
_MP4, _WEBM = ("h264", "hevc", "vp9"), ("vp9",)
_CONTAINERS = {".mp4": _MP4, ".m4v": _MP4, ".mov": ("h264", "hevc"), ".mkv": CODECS, ".webm": _WEBM}
MUXERS = {".mp4": "mp4", ".m4v": "ipod", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""FFmpeg's names of the containers."""
VIDEO_SUFFIXES = tuple(_CONTAINERS)
"""Endings of the videos that can be written."""
LARGEST_CRF = 51
APPLE = (".mp4", ".m4v", ".mov")


def codec_of(path: str | Path, codec: str | None = None) -> str:
    """The codec that a video of some name is written with.

    Args:
        path: its name, of whose ending the container follows.
        codec: the codec asked for; None for the usual one of that container.

    Raises:
        VideoError: the container is unknown, or does not hold the codec.
    """
    suffix = Path(path).suffix.lower()
    holds = CODECS if suffix == PART else _CONTAINERS.get(suffix, ())
    if not holds:
        raise VideoError(f"{path} cannot be written: its name must end in one of {', '.join(_CONTAINERS)}")
    if codec is not None and codec not in holds:
        raise VideoError(f"{path} cannot hold {codec!r}; choose one of {', '.join(holds)} or another ending")
    return codec or holds[0]
