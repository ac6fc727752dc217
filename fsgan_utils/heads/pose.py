"""How a head of a known shape stands in pictures."""

from __future__ import annotations

import numpy as np

from fsgan_utils.heads.placement import STILL


def view(places: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """How a head of a shape (470, 3) stands in a picture: float64 (2, 3), two rows of its turn, times its size.

    Reference:
        DeMenthon and Davis, "Model-Based Object Pose in 25 Lines of Code" (1995), without its perspective.
    """
    still, seen = shape[STILL] - shape[STILL].mean(axis=0), places[STILL] - places[STILL].mean(axis=0)
    left, lengths, right = np.linalg.svd(np.linalg.lstsq(still, seen, rcond=None)[0].T, full_matrices=False)
    return np.asarray(lengths.mean() * left @ right)


def nearer_turns(turns: np.ndarray, places: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn a head nearer to how it stands in pictures: one step of the exact fit under scaled orthography.

    The depths that pictures lack are taken from the turns as they are; the turns that fit best then fit the pictures no
    worse than before, and they stay turns: nothing is sheared or mirrored.

    Args:
        turns: (N, 3, 3), about how it stands.
        places: (N, P, 2), its points in the pictures about their means.
        shape: (P, 3), its points about their mean.

    Returns:
        Such turns; and the scales (N,) that fit best with them.
    """
    seen = np.einsum("nij,pj->npi", turns, shape)
    scales = np.sum(seen[..., :2] * places, axis=(1, 2)) / np.sum(seen[..., :2] ** 2, axis=(1, 2))
    seen[..., :2] = places / scales[:, None, None]
    left, _, right = np.linalg.svd(np.einsum("npi,pj->nij", seen, shape))
    left[:, :, 2] *= np.linalg.det(left @ right)[:, None]
    turns = left @ right
    seen = np.einsum("nij,pj->npi", turns[:, :2], shape)
    return turns, np.sum(seen * places, axis=(1, 2)) / np.sum(seen**2, axis=(1, 2))
