"""Trainings side by side that decided a default; each takes from half an hour to hours and writes its results down."""
