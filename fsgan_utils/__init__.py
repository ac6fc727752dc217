"""Face swapping in four steps: extraction, eye masks, training, conversion.

Where TensorFlow has not been imported yet, it is told to convolve by oneDNN, which it leaves off on AMD's processors
unless `TF_ENABLE_ONEDNN_OPTS` says otherwise; there the networks draw a face in four fifths of the time by it.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
