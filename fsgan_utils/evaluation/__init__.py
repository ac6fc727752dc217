"""How good a swap is, by networks that had no part in it."""

from fsgan_utils.evaluation.scores import ClipJudge, ClipScores, score_clip
from fsgan_utils.evaluation.similarity import Similarity, identity_similarity

__all__ = ["ClipJudge", "ClipScores", "Similarity", "identity_similarity", "score_clip"]
