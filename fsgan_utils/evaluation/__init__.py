"""How good a swap is, by networks that had no part in it."""

from fsgan_utils.evaluation.held_out import HeldOutScorer
from fsgan_utils.evaluation.identity import choose_gallery
from fsgan_utils.evaluation.report import write_report
from fsgan_utils.evaluation.scores import ClipJudge, ClipScores, score_clip
from fsgan_utils.evaluation.similarity import Similarity, identity_similarity

__all__ = [
    "ClipJudge",
    "ClipScores",
    "HeldOutScorer",
    "Similarity",
    "choose_gallery",
    "identity_similarity",
    "score_clip",
    "write_report",
]
