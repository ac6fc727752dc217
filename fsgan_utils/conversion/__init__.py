"""Notebook 4: swap the faces of a video or a picture."""
