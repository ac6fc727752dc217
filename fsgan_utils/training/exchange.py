"""v2.2's late exchange of the decoders: each person's decoder goes on from what the other's has learnt."""

from __future__ import annotations

from typing import Any

import keras

from fsgan_utils.training.gan import SIDES, FaceSwapGAN
from fsgan_utils.training.muon import ConvolutionMuon


def exchange_decoders(model: FaceSwapGAN) -> None:
    """Let decoders A and B change places, weights and the optimizer's running means alike, and note it.

    Args:
        model: a model prepared for training.

    Raises:
        RuntimeError: its decoders were exchanged before; doing it twice would undo it.

    Reference: v2.2's training notebook, which read decoder A's weight file into decoder B and the reverse.
    """
    if model.exchanged:
        raise RuntimeError("the decoders of this model were exchanged before; a second exchange would undo the first")
    for first, second in zip(*(_state(model, side) for side in SIDES), strict=True):
        value = keras.ops.convert_to_numpy(first).copy()
        first.assign(second)
        second.assign(value)
    model.exchanged = True


def _state(model: FaceSwapGAN, side: str) -> list[Any]:
    """Return a decoder's variables, then the optimizer's moments of those that it trains: Muon has a first one only."""
    decoder, optimizer = model.decoders[side], model.generator_optimizer
    places = [optimizer._get_variable_index(variable) for variable in decoder.trainable_variables]
    muon = isinstance(optimizer, ConvolutionMuon)
    kinds = (optimizer.momentums, optimizer.adam_velocities) if muon else (optimizer._momentums, optimizer._velocities)
    moments = [kind[place] for kind in kinds for place in places if kind[place] is not None]
    return [*decoder.variables, *moments]
