"""Notebook 3: the networks, their losses and their training."""
