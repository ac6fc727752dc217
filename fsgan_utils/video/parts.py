"""Pictures as videos hold them: parts replaced while all else stays, and colours halved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane

Part = tuple[slice, slice]
"""Rows and columns of an image, as they index it; both with a start and a stop."""
BORDER = 8
"""Pixels around a part that its conversion sees, so that colours at its edge are as in the whole."""

ACROSS, DOWN = np.array([0.25, 0.5, 0.25]), np.array([0.5, 0.5])
"""Weights of the pixels about one whose colours are halved."""


def pixels(plane: VideoPlane) -> np.ndarray:
    """A plane of a picture, uint8 (H, W), without what pads its lines; what is written to it changes the picture."""
    return np.frombuffer(cast(bytes, plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def with_parts(
    stored: av.VideoFrame, image: np.ndarray, parts: Sequence[Part], convert: Callable[[np.ndarray], av.VideoFrame]
) -> av.VideoFrame:
    """Take parts of an image over into a picture.

    Args:
        stored: the picture, 8-bit YUV with colours at every pixel or at every second; not changed.
        image: uint8 RGB (H, W, 3), of the same size.
        parts: what is taken over; where colours are stored at every second pixel, widened to even numbers.
        convert: brings uint8 RGB images to the picture's format.

    Returns:
        A new picture, without a time.
    """
    result = av.VideoFrame(stored.width, stored.height, stored.format.name)
    for plane, source in zip(result.planes, stored.planes, strict=True):
        pixels(plane)[:] = pixels(source)
    for rows, columns in parts:
        inner = _evened(rows, len(image)), _evened(columns, image.shape[1])
        seen = _widened(inner[0], len(image)), _widened(inner[1], image.shape[1])
        converted = convert(np.ascontiguousarray(image[seen]))
        for plane, source in zip(result.planes, converted.planes, strict=True):
            step = -(-stored.width // plane.width)
            place, within = (
                tuple(_at(part, offset, step) for part, offset in zip(inner, offsets, strict=True))
                for offsets in ((0, 0), (seen[0].start, seen[1].start))
            )
            pixels(plane)[place] = pixels(source)[within]
    return result


def with_halved_colors(picture: av.VideoFrame) -> av.VideoFrame:
    """Halve the colours of a picture across and down, so that they lie on the even columns, between two rows.

    FFmpeg's scaler would put them between two columns, half a pixel aside of where players of H.264 look for them.

    Args:
        picture: 8-bit YUV with colours at every pixel, of even width and height.

    Returns:
        The same as yuv420p.

    Reference:
        ITU-T H.264, figure 6-1 and annex E.2.1, chroma_sample_loc_type 0.
    """
    result = av.VideoFrame(picture.width, picture.height, "yuv420p")
    pixels(result.planes[0])[:] = pixels(picture.planes[0])
    for plane, source in zip(result.planes[1:], picture.planes[1:], strict=True):
        mean = cv2.sepFilter2D(pixels(source), -1, ACROSS, DOWN, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE)
        pixels(plane)[:] = mean[::2, ::2]
    return result


def _evened(part: slice, limit: int) -> slice:
    return slice(part.start // 2 * 2, min(-(-part.stop // 2) * 2, limit))


def _widened(part: slice, limit: int) -> slice:
    return slice(max(part.start - BORDER, 0), min(part.stop + BORDER, limit))


def _at(part: slice, offset: int, step: int) -> slice:
    """A part, counted from `offset`, on a plane that holds every `step`-th pixel."""
    return slice((part.start - offset) // step, -(-(part.stop - offset) // step))
