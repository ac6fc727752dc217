"""Frames that show the same moment again: videos are brought to another rate by showing some of their frames twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fsgan_utils.conversion.blending import Region
from fsgan_utils.conversion.graduation import noise_of_moving

if TYPE_CHECKING:
    from fsgan_utils.conversion.tracks import FaceTracks

SIDE = 24
"""Cells along each side of a face's box, over each of which the noise of the picture is averaged away."""
NEARBY = 6
"""Frames before and after a frame by which it is told how much a face changes there when it is filmed anew."""
USUAL = 75
"""Percentile of the changes nearby that counts as the usual one; up to so many of a hundred frames may be repeated."""
UNCHANGED = 0.3
"""Part of the usual change below which a frame is a repeated one, encoded a second time."""
ENCODED = 2.0
"""Root mean square of the change, of 255 levels, that a second encoding makes at most (H.264 at crf 36: 1.9)."""
MOVED = 5.0
"""Deviations of the landmarks' noise by which a face has moved all the same, whatever the pictures say."""


def picture_change(before: np.ndarray, now: np.ndarray, box: np.ndarray) -> float:
    """How much the picture of a face has changed: root mean square over the cells of its box, of 255 levels.

    Args:
        before: uint8 RGB (H, W, 3), the frame before.
        now: uint8 RGB, the frame.
        box: (4,), x0, y0, x1, y1 in pixels, where the face is now.

    Returns:
        NaN where the box lies outside of the picture, or the frames differ in size.
    """
    region = Region.around(np.asarray(box, np.float64).reshape(2, 2), now.shape)
    if region is None or before.shape != now.shape:
        return float("nan")
    first, second = (
        cv2.resize(cv2.cvtColor(image[region.slices], cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        for image in (before, now)
    )
    return float(cv2.norm(first, second, cv2.NORM_L2)) / SIDE


@dataclass(frozen=True, eq=False)
class Moments:
    """The moments that a face's frames show, fewer than frames where some are repeated.

    Attributes:
        of: int (N,), the moment of each frame, from 0 on without a gap.
        times: float64 (M,), when they were, in frames; a repetition takes no time.
        seen: bool (M,), whether the face was seen in a frame of the moment, and not guessed.
    """

    of: np.ndarray
    times: np.ndarray
    seen: np.ndarray
    _counted: np.ndarray

    @classmethod
    def of_rows(cls, tracks: FaceTracks, rows: np.ndarray, rate: float) -> Moments:
        """Tell which frames of a face show one moment.

        Args:
            tracks: from `follow_faces`.
            rows: int (N,), of one track, in the order of the frames.
            rate: frames per second.
        """
        frames, seen = tracks.frame[rows], ~tracks.bridged[rows]
        of = np.cumsum(_begins(tracks.change[rows], tracks.landmarks[rows], frames)) - 1
        count = int(of[-1]) + 1
        shown = tracks.time[np.searchsorted(tracks.index, frames)] * rate
        first, last = np.searchsorted(of, np.arange(count)), np.searchsorted(of, np.arange(count), "right") - 1
        times = np.concatenate([[0], np.cumsum(shown[first[1:]] - shown[last[:-1]])])
        some = np.bincount(of, seen, count) > 0
        return cls(of, times, some, np.where(some[of], seen, True).astype(np.float64))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean of values (N, …) over the frames of each moment, where the face was seen in any: float64 (M, …)."""
        flat = np.asarray(values, np.float64).reshape(len(values), -1)
        sums = np.zeros((len(self.times), flat.shape[1]))
        np.add.at(sums, self.of, self._counted[:, None] * flat)
        counts = np.bincount(self.of, self._counted)[:, None]
        return (sums / counts).reshape(-1, *np.shape(values)[1:])


def _begins(change: np.ndarray, landmarks: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Whether each frame of a face begins a new moment: bool (N,)."""
    begins = np.ones(len(frames), bool)
    in_a_row = np.diff(frames, prepend=frames[0] - 2) == 1
    far = MOVED * noise_of_moving(landmarks)
    anchor = 0
    for row in range(len(frames)):
        usual = _usual(change[max(0, row - NEARBY) : row + NEARBY + 1])
        unchanged = in_a_row[row] and change[row] <= min(UNCHANGED * usual, ENCODED)
        moved = np.sqrt(((landmarks[row].astype(np.float64) - landmarks[anchor]) ** 2).mean())
        if unchanged and (moved <= far or change[row] == 0):
            begins[row] = False
        else:
            anchor = row
    return begins


def _usual(changes: np.ndarray) -> float:
    known = changes[~np.isnan(changes)]
    return float(np.percentile(known, USUAL)) if len(known) else 0.0
