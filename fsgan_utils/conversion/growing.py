"""Bring what was found before a face to the edges of the thing that lies there."""

from __future__ import annotations

import cv2
import numpy as np

from fsgan_utils.masks.regions import disk

SURE, MAYBE, HARDLY = 0.8, 0.3, 0.1
"""Shares from which on a pixel belongs to the thing, and from which on it may; and up to which it is the face's."""
INSIDE, DEEP, THIN = 5, 13, 3
"""Pixels of a brush by which what is sure is made smaller, for its rim may lie beside the thing; and where only one
thing that sees says so."""
LEAST = 0.006
"""Area of what is sure, as a part of the view, from which on there is a thing to find the edges of."""
FARTHER = 0.07
"""How far beyond what was found a thing may reach in the face, as a part of the view's side."""
MOST = 2.0
"""How much larger than what was found it may become: more has run over into the face."""
ROUNDS = 2
"""Times that the colors of both are learned from how they were parted last."""


def grown(share: np.ndarray, agreed: np.ndarray, view: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Follow a thing to where its colors end.

    Of a large thing only a part differs plainly from the face; the rest has the same colors and is linked with it. So
    it does beyond the face, where a larger face may be laid over it.

    Args:
        share: float32 (S, S), 0 to 1, how sure it is that something lies there.
        agreed: bool (S, S), where both that see things say so; elsewhere less of what one says is believed.
        view: uint8 RGB (S, S, 3), the picture there.
        face: bool (S, S), where the face and what lies before it can be.

    Returns:
        float32 (S, S), 0 to 1; the same where nothing is sure, or where the thing has no colors of its own.

    Reference:
        Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph cuts", ACM TOG
        23(3), 2004.
    """
    side = len(share)
    found = share > MAYBE
    sure = _sure_inside(share > SURE, agreed, found)
    if not sure.any():
        return share
    near = cv2.dilate(found.astype(np.uint8), disk(round(FARTHER * side))) > 0
    free = face & ~near & (share < HARDLY)
    if not free.any():
        return share
    labels = np.where(face, cv2.GC_BGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[near], labels[found], labels[sure] = cv2.GC_PR_BGD, cv2.GC_PR_FGD, cv2.GC_FGD
    cv2.setRNGSeed(0)  # of this thread: the same picture gives the same edges
    cv2.grabCut(view, labels, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    thing = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    _, parts = cv2.connectedComponents(thing.astype(np.uint8))
    thing &= np.isin(parts, np.unique(parts[sure]))
    if (thing & face).sum() > MOST * (found & face).sum():
        return share
    return thing.astype(np.float32)


def _sure_inside(sure: np.ndarray, agreed: np.ndarray, found: np.ndarray) -> np.ndarray:
    """What is sure, bool (S, S), without its rim; without more of it where that is agreed on for a part only, unless
    the thing is thin. Nothing where there is too little for a thing."""
    if sure.sum() < LEAST * sure.size:
        return np.zeros_like(sure)
    careful = _smaller(sure & agreed, INSIDE) | _smaller(sure, DEEP)
    _, parts = cv2.connectedComponents(found.astype(np.uint8))
    careful |= _smaller(sure, THIN) & ~np.isin(parts, np.unique(parts[careful]))
    return careful


def _smaller(region: np.ndarray, brush: int) -> np.ndarray:
    """A region, bool (S, S), without a rim of half a brush's pixels."""
    return cv2.erode(region.astype(np.uint8), np.ones((brush, brush), np.uint8)) > 0
