"""Notebook 1: find the faces of a video, align them, save them."""
