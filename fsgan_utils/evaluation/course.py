"""What is measured of one clip from its first frame to its last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from fsgan_utils.evaluation.frames import FrameJudge, Moment, Scores, colours
from fsgan_utils.evaluation.motion import Motion, expression_matches, pose_errors
from fsgan_utils.evaluation.openings import Habit, opening_scores
from fsgan_utils.evaluation.sitting import slants, sliding, turning
from fsgan_utils.evaluation.stability import LEAST_ACCELERATION, LEAST_CHANGE, accelerations, changes, ratios

COLUMNS = [
    *("face", "missed_faces", "wrong_faces", "identity_retrieval", "identity_cosine", "identity_cosine_a"),
    *("expression_error", "expression_match", "mouth_closed", "mouth_open", "eyes_closed", "eyes_open"),
    *("pose_error", "place_error", "gaze_error", "head_turn", "face_slant"),
    *("ssim", "ssim_gain", "psnr", "color_error", "feature_distance", "blur", "fine_detail"),
    *("foreign_bands", "objects_painted_over", "seam_color", "seam_gradient", "sliding", "jitter", "flicker"),
]
"""The columns of a clip's table."""


@dataclass(eq=False)
class Course:
    """What was measured of one clip's frames so far, and what tells how it moves.

    Attributes:
        rows: the scores of each frame.
        meshes: the face's mesh in each frame, (470, 3); None where there is no face.
        outlines: the edges of its eyelids and lips, (52, 2), or None.
        colours: the colours at the place of the source's face, see `stability.cell_colours`, or None.
        habit: how far mouth and eyes of the person are open who should be seen in the clip.
    """

    habit: Habit
    rows: list[Scores] = field(default_factory=list)
    meshes: list[np.ndarray | None] = field(default_factory=list)
    outlines: list[np.ndarray | None] = field(default_factory=list)
    colours: list[np.ndarray | None] = field(default_factory=list)

    def add(self, moments: Sequence[Moment], of: str, judge: FrameJudge) -> None:
        """Measure the next frames."""
        views = [moment.views[of] for moment in moments]
        self.rows += judge.scores(moments, of)
        self.meshes += [view.face.mesh if view.face else None for view in views]
        self.outlines += [view.face.outlines if view.face else None for view in views]
        self.colours += [colours(moment, of) for moment in moments]

    @cached_property
    def motion(self) -> Motion:
        """How the head turns and what the face does; when all frames are there."""
        return Motion.of(self.meshes)

    def table(self, own: Course, reference: Course) -> pd.DataFrame:
        """Tabulate the scores, with those that compare a frame with others of its clip and the clip with others.

        Args:
            own: what was measured of the source.
            reference: what was measured of the clip that poses are compared with.
        """
        table = pd.DataFrame(self.rows, columns=COLUMNS, dtype=float)
        table["expression_match"] = expression_matches(self.motion, own.motion)
        table["pose_error"] = pose_errors(self.motion, reference.motion)
        for name, values in opening_scores(self.meshes, self.habit, own.meshes, own.habit).items():
            table[name] = values
        table["head_turn"] = np.where(table["pose_error"].notna(), turning(self.motion, own.motion), np.nan)
        table["face_slant"] = slants(self.meshes, own.meshes)
        table["sliding"] = sliding(self.meshes, own.meshes, own.motion)
        table["jitter"] = ratios(accelerations(self.outlines), accelerations(own.outlines), LEAST_ACCELERATION)
        table["flicker"] = ratios(changes(self.colours), changes(own.colours), LEAST_CHANGE)
        untouched = pd.DataFrame(own.rows, columns=COLUMNS, dtype=float)["ssim"]
        table["ssim_gain"] = (table["ssim"] - untouched) / (1 - untouched.mean())
        return table
