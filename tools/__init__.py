"""Tools around the package."""
