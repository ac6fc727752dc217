"""Interlaced videos: telling them, and making whole pictures of their fields."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from fsgan_utils.video.parts import pixels

ORDERS = ("tff", "bff")
"""Which field of a picture was taken first, the one with the top row or the other: FFmpeg's names."""
HIGHEST = 1100
"""Rows above which nothing is interlaced: 1080i and its padding are the largest such format."""
PLACES, PICTURES_A_PLACE = 4, 16
"""From so many places of a video, spread evenly, so many pictures are looked at."""
COMBED, FLAGGED_COMBED = 0.3, 0.05
"""Part of the pictures that can be told which has to be combed; less where the file says that it is interlaced. Films
shown at 30 frames a second have two of five."""
TEETH, TOOTHED = 8, 0.0005
"""Levels by which a row stands out from both its neighbours in a comb, and part of a picture where it has to."""
NEVER = ("vp8", "vp9", "av1", "gif", "apng", "webp")
"""Codecs without fields."""


def field_order(file: Path) -> str | None:
    """Whether a video's pictures hold two moments each, in their even and their odd rows.

    Pictures decide, not flags: progressive videos with the flags of interlaced ones are frequent, and so are interlaced
    ones that were encoded without.

    Args:
        file: the video.

    Returns:
        "tff" if the moment of the top row comes first, "bff" if it comes last; None for a progressive video.

    Raises:
        av.FFmpegError: it cannot be read.

    Reference:
        FFmpeg's filter `idet`: a row of the picture is compared with its neighbours in the pictures before and after.
    """
    state = file.stat()
    return _field_order(file, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _field_order(file: Path, size: int, changed: int) -> str | None:
    with av.open(str(file)) as container:
        stream = next(s for s in container.streams.video if not s.disposition & s.disposition.attached_pic)
        if stream.codec_context.name in NEVER or stream.height > HIGHEST:
            return None
        flagged, kinds = False, Counter[str]()
        for place in range(PLACES):
            frames = list(islice(_from(container, stream, place), PICTURES_A_PLACE))
            flagged |= any(frame.interlaced_frame for frame in frames)
            kinds.update(_kinds(frames))
    order = max(ORDERS, key=lambda one: kinds[one])
    told = sum(kinds[kind] for kind in (*ORDERS, "progressive"))
    combed = kinds[order] - min(kinds[one] for one in ORDERS)
    return order if combed > (FLAGGED_COMBED if flagged else COMBED) * told else None


def deinterlaced(frames: Iterable[av.VideoFrame], order: str) -> Iterator[av.VideoFrame]:
    """Make of each picture of an interlaced video a whole one, as of the moment of its first field.

    Args:
        frames: in the order they are shown, all of one size and format; their times do not matter.
        order: from `field_order`.

    Yields:
        As many pictures, without a time.

    Reference:
        FFmpeg's filter `bwdif`, after Weston and Thomson, "Deinterlacing of interlaced video", BBC R&D, 1998, and
        `yadif`.
    """
    graph: av.filter.Graph | None = None
    for index, frame in enumerate(frames):
        graph = graph or _graph(frame, "bwdif", f"mode=send_frame:parity={order}:deint=all")
        frame.pts = index
        yield from _through(graph, frame)
    if graph is not None:
        yield from _through(graph, None)


def _from(container: InputContainer, stream: VideoStream, place: int) -> Iterator[av.VideoFrame]:
    """The frames from a place on; none of one that cannot be reached."""
    with contextlib.suppress(av.FFmpegError):
        if place:
            length = container.duration or 0
            if not length:
                return
            container.seek((container.start_time or 0) + place * length // PLACES)
        yield from container.decode(stream)


def _kinds(frames: list[av.VideoFrame]) -> Iterator[str]:
    """What `idet` says of successive pictures: "tff", "bff", "progressive" or "undetermined"."""
    if len({(frame.width, frame.height, frame.format.name) for frame in frames}) != 1:
        return
    graph = _graph(frames[0], "idet", "")
    for index, frame in enumerate(frames):
        frame.pts = index
        for seen in _through(graph, frame):
            kind = str(seen.metadata.get("lavfi.idet.multiple.current_frame"))
            yield kind if kind not in ORDERS or _toothed(seen) else "undetermined"


def _toothed(frame: av.VideoFrame) -> bool:
    """Whether a picture shows a comb to the eye: what `idet` tells of one that is almost still is chance."""
    luma = pixels(frame.planes[0]) if frame.format.components[0].bits == 8 else frame.to_ndarray(format="gray")
    rows = luma.astype(np.int16)
    above, below = rows[1:-1] - rows[:-2], rows[1:-1] - rows[2:]
    return bool((np.minimum(np.abs(above), np.abs(below)) * (above * below > 0) > TEETH).mean() > TOOTHED)


def _graph(frame: av.VideoFrame, name: str, settings: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base),
        graph.add(name, settings),
        graph.add("buffersink"),
    ).configure()
    return graph


def _through(graph: av.filter.Graph, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
    graph.push(frame)
    with contextlib.suppress(BlockingIOError, EOFError):
        while True:
            yield graph.pull()  # type: ignore[misc]
