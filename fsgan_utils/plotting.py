"""Pictures in the notebooks: image grids and curves. The only module that uses matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np


def show_images(
    images: Sequence[np.ndarray], titles: Sequence[str] | None = None, columns: int = 6, side: float = 2.0
) -> None:
    """Draw images in a grid.

    Args:
        images: uint8 RGB (H, W, 3) or grey (H, W) images, of any sizes.
        titles: one line above each image.
        columns: images in a row.
        side: width of a cell in inches; its height fits the tallest image.

    Raises:
        ValueError: there is no image, or not one title per image.
    """
    if not len(images):
        raise ValueError("there is no image to show")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"expected one title per image ({len(images)}). Received: {len(titles)} titles")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = side * max(image.shape[0] / image.shape[1] for image in images) + (0.25 if titles else 0)
    figure, axes = plt.subplots(rows, columns, figsize=(columns * side, rows * height), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image, cmap="gray" if image.ndim == 2 else None)
        if titles is not None:
            axis.set_title(titles[index], fontsize=8)
    figure.tight_layout(pad=0.3)
    plt.show()


def show_curves(rows: Sequence[Mapping[str, float]], x: str = "iteration") -> None:
    """Draw every column of a table against one of them, each in its own small plot; one that is always 0 is left out.

    Args:
        rows: one mapping per point, all with the same keys.
        x: the key along the horizontal axis.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("there is nothing to draw yet")
    names = [name for name in rows[0] if name != x and any(row[name] for row in rows)]
    figure, axes = plt.subplots(1, len(names), figsize=(3 * len(names), 2.4), squeeze=False)
    for axis, name in zip(axes.flat, names, strict=True):
        axis.plot([row[x] for row in rows], [row[name] for row in rows], marker="." if len(rows) < 30 else None)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel(x, fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    plt.show()


def show_steps(stops: Sequence[int], values: Mapping[str, Sequence[float]], title: str, marks: Sequence[int]) -> None:
    """Draw values that hold for a while and then change, each in its own small plot.

    Args:
        stops: where along the horizontal axis, which begins at 0, each value ends.
        values: by name, one value per stop.
        title: one line above all plots.
        marks: places to mark by a dotted line.
    """
    columns = min(5, len(values))
    rows = -(-len(values) // columns)
    size = (max(6.0, 2.6 * columns), 1.8 * rows + 0.4)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    figure.suptitle(title, fontsize=8)
    for axis in axes.flat[len(values) :]:
        axis.axis("off")
    for axis, (name, levels) in zip(axes.flat, values.items(), strict=False):
        axis.stairs(levels, [0, *stops], baseline=None, linewidth=1.8)
        for mark in marks:
            axis.axvline(mark, color="gray", linestyle=":", linewidth=1)
        axis.set_ylim(0, 1.15 * max(levels))
        axis.set_title(name, fontsize=9)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    plt.show()
