"""The three networks of MTCNN, run by LiteRT; their files are made by `tools/detection_networks.py`."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from fsgan_utils.workspace import weights_file

LARGEST_RESERVE = 64
"""Idle interpreters that a network keeps; a video's pyramid and its tiles need about twenty for each thread."""


class DetectionNetwork:
    """One network of the cascade; any number of threads may call it at once.

    An interpreter of LiteRT is prepared for one shape of input and serves one thread, so that a network keeps several,
    and forgets those that were not needed for long.

    Args:
        name: "proposal", "refine" or "output".

    Attributes:
        nothing: float32 (0, …), what it says of no image.

    Raises:
        FileNotFoundError: the network's file is not in `data/weights`.
    """

    def __init__(self, name: str) -> None:
        """Read the network's file."""
        self._content = weights_file(f"mtcnn_{name}.tflite").read_bytes()
        interpreter = Interpreter(model_content=self._content)
        self._input = interpreter.get_input_details()[0]["index"]
        output = interpreter.get_output_details()[0]
        self._output = output["index"]
        self.nothing = np.zeros((0, *output["shape"][1:]), np.float32)
        self._idle: list[tuple[tuple[int, ...], Interpreter]] = []
        self._lock = Lock()

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Run the network.

        Args:
            pixels: float32 RGB (N, H, W, 3), 0 to 255.

        Returns:
            float32, what `DetectionNetworks` says.
        """
        interpreter = self._take(pixels.shape)
        interpreter.set_tensor(self._input, pixels)
        interpreter.invoke()
        output = interpreter.get_tensor(self._output)
        self._put_back(pixels.shape, interpreter)
        return output

    def _take(self, shape: tuple[int, ...]) -> Interpreter:
        with self._lock:
            for position in reversed(range(len(self._idle))):
                if self._idle[position][0] == shape:
                    return self._idle.pop(position)[1]
        interpreter = Interpreter(model_content=self._content, num_threads=1)
        interpreter.resize_tensor_input(self._input, shape)
        interpreter.allocate_tensors()
        return interpreter

    def _put_back(self, shape: tuple[int, ...], interpreter: Interpreter) -> None:
        with self._lock:
            self._idle.append((shape, interpreter))
            del self._idle[:-LARGEST_RESERVE]


class DetectionNetworks(NamedTuple):
    """The cascade. The last number of every answer is the logit of "here is a face".

    Attributes:
        proposal: (N, H, W, 3) → box corrections and logit (N, h, w, 5): one cell of 12×12 pixels at every second pixel.
        refine: (N, 24, 24, 3) → box corrections and logit (N, 5).
        output: (N, 48, 48, 3) → box corrections, five x, five y, and logit (N, 15).
    """

    proposal: DetectionNetwork
    refine: DetectionNetwork
    output: DetectionNetwork


@cache
def load_networks() -> DetectionNetworks:
    """Read the cascade's files; once a process.

    Raises:
        FileNotFoundError: a file is not in `data/weights`.
    """
    return DetectionNetworks(*map(DetectionNetwork, DetectionNetworks._fields))
