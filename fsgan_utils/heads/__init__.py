"""The head behind FaceMesh's points: how it stands, how it is shaped, and what its face is like at rest."""

from fsgan_utils.heads.placement import SIDES, SOCKETS, Placement, eye_distance, mean_face
from fsgan_utils.heads.proportions import Proportions
from fsgan_utils.heads.resting import neutral_face
from fsgan_utils.heads.shape import head_shape

__all__ = ["SIDES", "SOCKETS", "Placement", "Proportions", "eye_distance", "head_shape", "mean_face", "neutral_face"]
