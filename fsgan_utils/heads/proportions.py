"""The heads of two people, one laid over the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fsgan_utils.heads.placement import FOREHEAD, LEVEL, SOCKETS, Placement, eyes_apart
from fsgan_utils.heads.pose import view
from fsgan_utils.heads.resting import LOWER_LIDS, UPPER_LIDS, Axes

WIDEST = 1.5
"""How far open an eye counts, at most, in openings of the same eye at rest."""


@dataclass(frozen=True, eq=False)
class Proportions:
    """The heads of two people, one laid over the other, so that a face can be given the other's proportions.

    Attributes:
        shapes: by side, "a" and "b", float64 (470, 3), turned alike, of one size and in one place.
    """

    shapes: Mapping[str, np.ndarray]

    @classmethod
    def between(cls, shapes: Mapping[str, np.ndarray]) -> Proportions:
        """Lay the head of B over that of A: (470, 3) each, from `head_shape`.

        Pictures do not tell how large a head is. The distance between the eyes does best: among adults it varies less
        than their faces do. Nor do they tell where it sits: as high as what lies halfway from the eyes, which are near
        the turn of a head, to the forehead, which is to fit the hair; and as far forward as the eyes.

        Reference:
            the Frankfurt agreement on how heads are measured, Archiv für Anthropologie 15 (1884).
        """
        one, other = shapes["a"], shapes["b"]
        turned = Placement.between(other, one, LEVEL).turn.apply(other)
        turned *= eyes_apart(one) / eyes_apart(turned)
        return cls({"a": one, "b": turned + _anchor(one) - _anchor(turned)})

    def exchanged(self, mesh: np.ndarray, side: str, share: float = 1.0) -> np.ndarray:
        """Give a face of one person the other's proportions; expression, gaze, pose and place stay.

        To each point is added by how much the other's head differs there, turned and sized as the head in the picture.
        Resting lips touch in both heads, so lips stay as far apart as they are, in distances between the eyes. Lids
        differ at rest, and by as much less as they are closer: shut eyes stay shut, and eyes as open as at rest become
        as open as the other's at rest.

        Args:
            mesh: (470, 2 or 3), of a person's face in a picture.
            side: that person, "a" or "b".
            share: how far, from 0, as the face is, to 1, as the other's.

        Returns:
            float64 (470, 2), in pixels of the same picture.
        """
        own, other = self.shapes[side], self.shapes["b" if side == "a" else "a"]
        places = np.asarray(mesh, np.float64)[:, :2]
        seen = view(places, own)
        moves = share * (other - own) @ seen.T
        own_lids, down = (own[LOWER_LIDS] - own[UPPER_LIDS]) @ seen.T, seen @ Axes.of(own).rows[1]
        openings = ((places[LOWER_LIDS] - places[UPPER_LIDS]) @ down).sum(axis=1) / (own_lids @ down).sum(axis=1)
        openings = np.clip(openings, 0, WIDEST)[:, None, None]
        moves[UPPER_LIDS] = moves[LOWER_LIDS] - openings * (moves[LOWER_LIDS] - moves[UPPER_LIDS])
        return places + moves


def _anchor(shape: np.ndarray) -> np.ndarray:
    """The point that two heads share: halfway up from the eyes to the forehead, and as far forward as the eyes."""
    eyes, forehead = shape[SOCKETS.ravel()].mean(axis=0), shape[FOREHEAD].mean(axis=0)
    return np.asarray(eyes + (forehead - eyes) * [0.5, 0.5, 0])
