"""Face swapping in four steps: extraction, eye masks, training, conversion."""

import os

# TensorFlow leaves oneDNN off on AMD's processors, where it takes a fifth off the networks' time.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
