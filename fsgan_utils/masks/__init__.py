"""Notebook 2: binary masks of the eyes."""
