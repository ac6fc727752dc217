"""How fast the product is, measured against what it replaces. `python -m benchmarks` runs all of it."""
