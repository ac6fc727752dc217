"""How good a swap is, by networks that had no part in it."""

from fsgan_utils.evaluation.similarity import Similarity, identity_similarity

__all__ = ["Similarity", "identity_similarity"]
