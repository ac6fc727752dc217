"""What is measured of one frame, with nothing known of those before and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fsgan_utils.evaluation.expression import expression_error, gaze_error, place_error
from fsgan_utils.evaluation.footage import NO_SWAP, TRUTH, ClipFace, View
from fsgan_utils.evaluation.identity import IdentityJudge
from fsgan_utils.evaluation.likeness import FeatureDistance, fine_detail, oval, pixel_scores
from fsgan_utils.evaluation.objects import Appearance
from fsgan_utils.evaluation.seam import UNCHANGED, difference_within, seam_scores
from fsgan_utils.evaluation.skin import foreign_bands
from fsgan_utils.evaluation.stability import cell_colours
from fsgan_utils.extraction.quality import blur

Scores = dict[str, float]
"""Scores of one frame by name; one that could not be measured is missing."""


@dataclass(frozen=True, eq=False)
class Moment:
    """The same frame of all the clips.

    Attributes:
        views: by "swap", "no swap" and, where there is a truth clip, "truth": the frame of that clip.
        bystanders: the other faces in the source's frame.
    """

    views: Mapping[str, View]
    bystanders: Sequence[ClipFace]

    @property
    def source(self) -> View:
        """The frame before the swap."""
        return self.views[NO_SWAP]

    @property
    def truth(self) -> View | None:
        """The frame of the truth clip; None where there is no such clip."""
        return self.views.get(TRUTH)

    @property
    def reference(self) -> View:
        """What pose, place and gaze are compared with: the truth, or without a truth clip the source."""
        return self.views.get(TRUTH, self.source)

    def beside_truth(self, of: str, whole: bool) -> tuple[np.ndarray, np.ndarray] | None:
        """Cut the place of the true face out of a clip's frame and out of the true one.

        Args:
            of: the clip.
            whole: whether the whole face is wanted, or what v2.2's crop holds of it.

        Returns:
            uint8 RGB (398, 398, 3) or (256, 256, 3) each; None where there is no truth, or no face in it.
        """
        if self.truth is None or self.truth.face is None:
            return None
        alignment = self.truth.face.whole if whole else self.truth.face.alignment
        return alignment.warp(self.views[of].image), alignment.warp(self.truth.image)


class FrameJudge:
    """Scores frames.

    Args:
        identity: tells who the faces are.
        appearance: how the person looks who is replaced, without anything before the face.
    """

    def __init__(self, identity: IdentityJudge, appearance: Appearance) -> None:
        """Load the networks."""
        self._identity, self._appearance = identity, appearance
        self._distance = FeatureDistance()

    def scores(self, moments: Sequence[Moment], of: str) -> list[Scores]:
        """Score the frames of one of the clips.

        Args:
            moments: the frames.
            of: the clip, "swap", "no swap" or "truth".

        Returns:
            One row per frame.
        """
        rows = [
            _counts(moment, of) | _moves(moment, of) | _looks(moment, of) | self._covers(moment, of)
            for moment in moments
        ]
        self._add_identity(rows, [moment.views[of] for moment in moments])
        self._add_feature_distance(rows, moments, of)
        return rows

    def _covers(self, moment: Moment, of: str) -> Scores:
        """What covers the face: what should not, and what should and no longer does."""
        view, source = moment.views[of], moment.source
        if source.face is None:
            return {}
        at, whole = source.face.alignment, source.face.whole
        crop, own = at.warp(view.image), at.warp(source.image)
        scores = {"objects_painted_over": self._appearance.painted_over(crop, own, oval(source.face.mesh, at))}
        if view.face:
            crop, own = whole.warp(view.image), whole.warp(source.image)
            scores["foreign_bands"] = foreign_bands(crop, own, view.face.mesh, source.face.mesh, whole)
        return scores

    def _add_identity(self, rows: Sequence[Scores], views: Sequence[View]) -> None:
        seen = [(row, view.face.alignment.warp(view.image)) for row, view in zip(rows, views, strict=True) if view.face]
        for (row, _), found in zip(seen, self._identity.scores([crop for _, crop in seen]), strict=True):
            row.update(found)

    def _add_feature_distance(self, rows: Sequence[Scores], moments: Sequence[Moment], of: str) -> None:
        seen = [
            (row, *pair)
            for row, moment in zip(rows, moments, strict=True)
            if (pair := moment.beside_truth(of, whole=False))
        ]
        distances = self._distance([crop for _, crop, _ in seen], [true for _, _, true in seen])
        for (row, *_), distance in zip(seen, distances, strict=True):
            row["feature_distance"] = float(distance)


def colours(moment: Moment, of: str) -> np.ndarray | None:
    """The colours of a clip's frame at the place of the source's face, as `cell_colours`; None without a face."""
    face = moment.source.face
    if face is None:
        return None
    return cell_colours(face.whole.warp(moment.views[of].image), oval(face.mesh, face.whole))


def _counts(moment: Moment, of: str) -> Scores:
    view, source = moment.views[of], moment.source
    changed = [_changed(view, source, one) for one in moment.bystanders]
    missed = source.face is not None and not (view.face and _changed(view, source, source.face))
    return {"face": float(source.face is not None), "missed_faces": float(missed), "wrong_faces": float(sum(changed))}


def _changed(view: View, source: View, face: ClipFace) -> bool:
    """Whether a face of the source looks different in another clip."""
    crop, own = (face.whole.warp(one.image) for one in (view, source))
    return difference_within(crop, own, oval(face.mesh, face.whole)) >= UNCHANGED


def _moves(moment: Moment, of: str) -> Scores:
    face, reference, truth = moment.views[of].face, moment.reference.face, moment.truth
    if face is None or reference is None:
        return {}
    scores = {
        "place_error": place_error(face.mesh, reference.mesh),
        "gaze_error": gaze_error(face.mesh, reference.mesh),
    }
    if truth is not None and truth.face is not None:
        scores["expression_error"] = expression_error(face.mesh, truth.face.mesh)
    return scores


def _looks(moment: Moment, of: str) -> Scores:
    view, source, truth = moment.views[of], moment.source, moment.truth
    scores: Scores = {"blur": blur(view.face.alignment.warp(view.image))} if view.face else {}
    if source.face:
        scores |= seam_scores(*(source.face.whole.warp(one.image) for one in (view, source)))
        scores["fine_detail"] = fine_detail(view.image, source.image, source.face.mesh)
    crops = moment.beside_truth(of, whole=True)
    if crops and truth and truth.face:
        scores |= pixel_scores(*crops, oval(truth.face.mesh, truth.face.whole))
    return scores
