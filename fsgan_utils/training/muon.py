"""Muon for convolutions: each step turns a kernel as far in every direction that its gradients agree on."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

NARROWEST = 17
"""Fewest channels a kernel must give to be stepped by Muon; those that draw pictures give fewer."""
ADAM_RATE = 2.0
"""Adam's learning rate, as a multiple of Muon's."""
COLOURS = 3
"""Channels a kernel takes from a picture; such kernels are not stepped by Muon either."""


@keras.saving.register_keras_serializable(package="fsgan_utils")
class ConvolutionMuon(keras.optimizers.Muon):
    """Keras' Muon, which steps matrices alone, extended to the kernels of convolutions; Adam steps all else.

    A kernel (h, w, in, out) is taken as the matrix (h · w · in, out). The networks' ends, which take or give pictures,
    are left to Adam, as are biases and norms.

    Args:
        learning_rate: Muon's; Adam's is twice as high. A step of Muon has a root mean square of .2 times the rate.
        beta_1: Adam's momentum.

    Reference: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); for the scale, Liu et
        al., "Muon is scalable for LLM training" (2025), equation 4.
    """

    def __init__(self, learning_rate: float = 5e-4, beta_1: float = 0.9, **kwargs: Any) -> None:
        """See the class."""
        rates = {"learning_rate": learning_rate, "adam_lr_ratio": ADAM_RATE, "adam_beta_1": beta_1}
        super().__init__(**{"weight_decay": 0.0, "adam_weight_decay": 0.0, **rates, **kwargs})

    def _should_use_adamw(self, variable: Any) -> bool:
        shape = variable.shape
        return len(shape) != 4 or shape[-1] < NARROWEST or shape[-2] == COLOURS

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        ahead = ops.add(gradient, self.momentum * m)
        rows, columns = math.prod(variable.shape[:-1]), variable.shape[-1]
        turned = self.zeropower_via_newtonschulz5(ops.reshape(ahead, (rows, columns)), self.ns_steps)
        step = lr * self.rms_rate * math.sqrt(max(rows, columns)) * turned
        self.assign_sub(variable, ops.reshape(step, variable.shape))
