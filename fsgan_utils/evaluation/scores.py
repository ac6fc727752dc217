"""Score a swapped clip against its source, and against the truth where there is one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from fsgan_utils.embedding import ResNetEmbedder
from fsgan_utils.evaluation.course import Course
from fsgan_utils.evaluation.footage import NO_SWAP, SWAP, TRUTH, ClipFace, Footage, View, same_faces, subjects
from fsgan_utils.evaluation.frames import FrameJudge, Moment
from fsgan_utils.evaluation.identity import Gallery, IdentityJudge, Paths
from fsgan_utils.evaluation.objects import Appearance
from fsgan_utils.video import probe

BATCH = 16
"""Frames that are measured together."""
BY_WORST, WORST = ("sliding",), 0.95
"""Scores of which the clip's is not the mean but this quantile of the frames: a face that slides only now and then is
seen to slide."""


@dataclass(frozen=True, eq=False)
class ClipScores:
    """What was measured of a clip.

    Attributes:
        frames: by "swap", "no swap" and, where there is a truth clip, "truth": a table with one row per frame, NaN
            where a score could not be measured. The last two tell what the same scores say of the untouched source
            and of a perfect swap. `fsgan_utils.evaluation.meanings.SCORES` tells what the columns mean.
        clips: by the same names, the frames that were looked at.
        subjects: in each frame of the source, the face that is to be swapped; None where there is none.
    """

    frames: dict[str, pd.DataFrame]
    clips: dict[str, Footage]
    subjects: Sequence[ClipFace | None]

    @property
    def times(self) -> np.ndarray:
        """Seconds of the source at which the frames are shown, float64 (N,), as its mean rate has it."""
        source = self.clips[NO_SWAP]
        return (source.start or 0) + np.arange(len(self.subjects)) * source.every / float(source.info.rate)

    def summary(self, of: str = SWAP) -> dict[str, float | int | None]:
        """The scores of the whole clip: means over its frames, of `sliding` what it is in all but the worst twentieth
        of them, and counts.

        Args:
            of: "swap", "no swap" or "truth".

        Returns:
            By name, None where a score could not be measured, for want of a truth clip say. "frames" are those that
            were looked at, "faces" those whose source shows the face that is to be swapped; "missed_faces" and
            "wrong_faces" are counted, too.
        """
        table = self.frames[of]
        counts = {"frames": len(table), "faces": int(table["face"].sum())}
        counts |= {name: int(table[name].sum()) for name in ("missed_faces", "wrong_faces")}
        others = table.drop(columns=["face", "missed_faces", "wrong_faces"])
        values = {
            name: column.quantile(WORST) if name in BY_WORST else column.mean() for name, column in others.items()
        }
        return {**{str(name): _known(value) for name, value in values.items()}, **counts}

    def table(self) -> pd.DataFrame:
        """The summaries of swap, no swap and truth side by side, one score a row."""
        return pd.DataFrame({name: self.summary(name) for name in self.frames})


class ClipJudge:
    """Scores conversions of one clip: what does not depend on them is measured once.

    Args: as `score_clip`, without the conversion itself.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is not readable, the clips do not show the same, or no face was found.
    """

    def __init__(
        self,
        source: str | Path,
        truth: str | Path | None = None,
        *,
        gallery_a: Paths,
        gallery_b: Paths,
        start: float | None = None,
        stop: float | None = None,
        every: int = 1,
    ) -> None:
        """Find the faces of source, truth and galleries, and score source and truth."""
        self._clips = {NO_SWAP: Footage(probe(source), start, stop, every)}
        if truth is not None:
            self._clips[TRUTH] = Footage.like(truth, self._clips[NO_SWAP])
        galleries = Gallery.load(gallery_a), Gallery.load(gallery_b)
        self._subjects = subjects(self._clips[NO_SWAP], galleries[0].crops)
        self._habits = {name: galleries[name != NO_SWAP].habit() for name in (NO_SWAP, SWAP)}
        self._judge = FrameJudge(
            IdentityJudge(*galleries, ResNetEmbedder()), Appearance.of(galleries[0].crops, galleries[0].meshes)
        )
        self._courses = self._followed(self._clips, tuple(self._clips))

    def score(self, swapped: str | Path) -> ClipScores:
        """Score a conversion; see `score_clip`."""
        clips = {SWAP: Footage.like(swapped, self._clips[NO_SWAP], whole=True), **self._clips}
        courses = self._followed(clips, (SWAP,)) | self._courses
        own, reference = courses[NO_SWAP], courses.get(TRUTH, courses[NO_SWAP])
        return ClipScores(
            {name: course.table(own, reference) for name, course in courses.items()}, clips, self._subjects
        )

    def _followed(self, clips: Mapping[str, Footage], names: Sequence[str]) -> dict[str, Course]:
        """Measure some of the clips, all of them side by side."""
        courses = {name: Course(self._habits[NO_SWAP if name == NO_SWAP else SWAP]) for name in names}
        with tqdm(total=len(self._subjects), desc=f"scoring {', '.join(names)}", unit="frame") as progress:
            for moments in self._moments(clips):
                for name, course in courses.items():
                    course.add(moments, name, self._judge)
                progress.update(len(moments))
        return courses

    def _moments(self, clips: Mapping[str, Footage]) -> Iterator[list[Moment]]:
        """The clips' frames side by side, some at a time."""
        faces = {name: same_faces(clip, self._subjects) for name, clip in clips.items()}
        everybody = clips[NO_SWAP].faces
        moments: list[Moment] = []
        for index, images in enumerate(zip(*(clip.images() for clip in clips.values()), strict=True)):
            views = {name: View(image, faces[name][index]) for name, image in zip(clips, images, strict=True)}
            others = [face for face in everybody[index] if face is not self._subjects[index]]
            moments.append(Moment(views, others))
            if len(moments) == BATCH or index == len(everybody) - 1:
                yield moments
                moments = []


def score_clip(
    swapped: str | Path,
    source: str | Path,
    truth: str | Path | None = None,
    *,
    gallery_a: Paths,
    gallery_b: Paths,
    start: float | None = None,
    stop: float | None = None,
    every: int = 1,
) -> ClipScores:
    """Score a clip in which the face of A was replaced by that of B.

    Args:
        swapped: the converted video: the result alone, or two or three pictures side by side with the result second.
        source: the video that was converted.
        truth: a video of B doing exactly what A does in the source, where there is one.
        gallery_a: one or several videos, or folders of images, of the person who is replaced.
        gallery_b: the same of the person put in.
        start: second of source and truth at which the swapped video begins, if it shows only a part.
        stop: second at which it ends.
        every: score each n-th frame only. Jitter and flicker then are of those frames, for all clips alike.

    Returns:
        The scores, frame by frame and as a summary.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is not readable, the clips do not show the same, or no face was found.
    """
    judge = ClipJudge(source, truth, gallery_a=gallery_a, gallery_b=gallery_b, start=start, stop=stop, every=every)
    return judge.score(swapped)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
