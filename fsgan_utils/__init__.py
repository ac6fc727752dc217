"""Face swapping in four steps: extraction, eye masks, training, conversion."""
