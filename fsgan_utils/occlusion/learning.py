"""Teach the network what lies before a face: invented objects are laid over faces that nothing covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import keras
import numpy as np
from keras import ops

from fsgan_utils.occlusion.faces import KnownFace
from fsgan_utils.occlusion.looks import dressed, lit, recorded
from fsgan_utils.occlusion.network import BATCH, VIEW_SIDE, as_seen
from fsgan_utils.occlusion.objects import OBJECT_SIDE, Thing
from fsgan_utils.occlusion.placement import covered

WEIGHT_DECAY = 1e-4
COVERED = 0.55
"""Share of the samples that have something before the face."""
OUTSIDE = 0.05
"""How much a pixel beyond the face counts, of one in the face."""
UNSURE = 0.15
"""How much a pixel counts that may be covered already, of one in the face."""
MESHLESS = 0.08
"""Share of the samples whose face has no drawing of its parts."""
OBJECT_WEIGHT = 1.5
"""How much an object's pixel counts, of a face's."""


def make_sample(
    face: KnownFace, things: Sequence[Thing], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make one sample.

    Returns:
        What the network sees, uint8 RGB (128, 128, 3), and the parts of the face, uint8 (128, 128, 3); where an object
        is, float32 (128, 128), 0 to 1; and how much each pixel counts, float32 (128, 128).
    """
    image, alpha = dressed(face, rng), np.zeros((OBJECT_SIDE, OBJECT_SIDE), np.float32)
    if rng.random() < COVERED:
        image, alpha = covered(image, face.parts[..., 0], things, rng)
    positions = _positions(rng)
    image = recorded(lit(_taken(image, positions), rng), rng)
    alpha = _taken(alpha, positions)
    parts, unsure = _taken(face.parts, positions), _taken(face.unsure, positions)
    weight = OUTSIDE + (1 - OUTSIDE) * (parts[..., 0] / np.float32(255))
    weight = weight * (1 + (OBJECT_WEIGHT - 1) * alpha) * (1 - (1 - UNSURE) * (unsure / 255) * (1 - alpha))
    if rng.random() < MESHLESS:
        return image, np.zeros_like(parts), alpha, weight
    return image, _misplaced(parts, rng, 0.5 + 0.5 * (alpha.max() > 0.5)), alpha, weight


def _positions(rng: np.random.Generator) -> np.ndarray:
    """Where each pixel of the view comes from in the crop: float32 (128, 128, 2)."""
    line = np.linspace(-0.5, 0.5, VIEW_SIDE)
    grid = np.stack(np.meshgrid(line, line), axis=-1) * rng.uniform(0.68, 1.0) * OBJECT_SIDE
    angle = np.radians(rng.normal(scale=7))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag(1 + rng.normal(scale=0.05, size=2)) @ np.diag([rng.choice([-1, 1]), 1])
    bent = cv2.resize(
        rng.normal(scale=rng.uniform(0, 3), size=(5, 5, 2)), (VIEW_SIDE, VIEW_SIDE), interpolation=cv2.INTER_CUBIC
    )
    middle = (OBJECT_SIDE - 1) / 2 + rng.normal(scale=5, size=2)
    return np.asarray(grid @ turn.T + bent + middle, np.float32)


def _taken(image: np.ndarray, positions: np.ndarray) -> np.ndarray:
    x, y = cv2.split(positions)
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _misplaced(parts: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Move a drawing a little, as FaceMesh errs, and more where something covers the face."""
    matrix: np.ndarray = cv2.getRotationMatrix2D(
        (VIEW_SIDE / 2, VIEW_SIDE / 2), rng.normal(scale=3 * share), 1 + rng.normal(scale=0.04 * share)
    )
    matrix[:, 2] += np.asarray(rng.normal(scale=2.5 * share, size=2))
    return cv2.warpAffine(parts, matrix, (VIEW_SIDE, VIEW_SIDE))


class CoveredFaces(keras.utils.PyDataset):
    """Batches of faces with something before them.

    Args:
        groups: faces by person; every person is shown as often.
        things: from `draw_things`.
        batch_size: faces in a batch.
        steps: batches.
        seed: start of every random draw.
    """

    def __init__(
        self, groups: Sequence[Sequence[KnownFace]], things: Sequence[Thing], batch_size: int, steps: int, seed: int
    ) -> None:
        """See the class."""
        super().__init__(workers=2, max_queue_size=8)
        self.groups, self.things = groups, things
        self.batch_size, self.steps, self.seed = batch_size, steps, seed

    def __len__(self) -> int:
        """Batches."""
        return self.steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `index`: what the network sees; and object and weight, float32 (N, 128, 128, 2)."""
        rng = np.random.default_rng((self.seed, index))
        samples = []
        for _ in range(self.batch_size):
            group = self.groups[int(rng.integers(len(self.groups)))]
            samples.append(make_sample(group[int(rng.integers(len(group)))], self.things, rng))
        images, parts, alphas, weights = zip(*samples, strict=True)
        return as_seen(images, parts), np.stack([np.stack(alphas), np.stack(weights)], axis=-1).astype(np.float32)


def object_loss(truth: Any, logits: Any) -> Any:
    """Cross-entropy of each pixel by its weight, and the overlap of each sample's object (soft Dice).

    Args:
        truth: (N, 128, 128, 2), where an object is, 0 to 1, and how much each pixel counts.
        logits: (N, 128, 128, 1).

    Returns:
        (N,).

    Reference:
        Milletari, Navab and Ahmadi, "V-Net", 2016, section 3.
    """
    wanted, weight = truth[..., 0], truth[..., 1]
    logits = logits[..., 0]
    entropy = ops.relu(logits) - logits * wanted + ops.log1p(ops.exp(-ops.abs(logits)))
    found = ops.sigmoid(logits)
    axes = (1, 2)
    common = ops.sum(weight * wanted * found, axes)
    both = ops.sum(weight * (wanted + found), axes)
    dice = 1 - (2 * common + 20) / (both + 20)
    return ops.sum(weight * entropy, axes) / (ops.sum(weight, axes) + 1) + 0.3 * dice


def teach(
    network: keras.Model,
    groups: Sequence[Sequence[KnownFace]],
    things: Sequence[Thing],
    steps: int,
    rate: float,
    seed: int = 0,
) -> None:
    """Teach a network, or teach it further.

    Args:
        network: from `build_object_network`; changed.
        groups: faces by person.
        things: from `draw_things`.
        steps: batches of `BATCH` faces.
        rate: the learning rate at its highest; it falls to nothing along a cosine.
        seed: start of every random draw.
    """
    schedule = keras.optimizers.schedules.CosineDecay(rate / 10, steps, warmup_target=rate, warmup_steps=steps // 20)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY)
    network.compile(optimizer=optimizer, loss=object_loss, jit_compile=keras.backend.backend() == "jax")
    batches = CoveredFaces(groups, things, BATCH, steps, seed)
    network.fit(batches, shuffle=False, verbose=2)
