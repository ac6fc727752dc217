"""Seeing what lies before a face, and learning it from invented objects."""

from fsgan_utils.occlusion.network import VIEW_SIDE, ObjectFinder

__all__ = ["VIEW_SIDE", "ObjectFinder"]
