"""Pictures in the notebooks: image grids, curves and heat maps. The only module that uses matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

COURSE_STYLES: dict[str, dict[str, Any]] = {
    "no swap": {"color": "#b3bac2", "linewidth": 1},
    "truth": {"color": "#3f9a67", "linewidth": 1, "linestyle": "--"},
    "swap": {"color": "#2463a8", "linewidth": 1.5},
}
"""How the curves of the clips look in `draw_courses`, from the bottom to the top."""


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
        rows: one mapping per point; a value that is missing or not a number is no point of its curve.
        x: the key along the horizontal axis.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("there is nothing to draw yet")
    known = {name: [row for row in rows if np.isfinite(row.get(name, np.nan))] for row in rows for name in row}
    names = [name for name, points in known.items() if name != x and any(row[name] for row in points)]
    figure, axes = plt.subplots(1, len(names), figsize=(3 * len(names), 2.4), squeeze=False)
    for axis, name in zip(axes.flat, names, strict=True):
        points = known[name]
        axis.plot([row[x] for row in points], [row[name] for row in points], marker="." if len(points) < 30 else None)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel(x, fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    plt.show()


def draw_courses(
    times: np.ndarray, values: Mapping[str, Mapping[str, np.ndarray]], titles: Mapping[str, str], columns: int = 3
) -> str:
    """Draw how scores of several clips go, each score in its own small plot.

    Args:
        times: (N,) seconds.
        values: by score and by clip ("swap", "no swap", "truth"), (N,); a score of which nothing is known is left out.
        titles: by score, the line above its plot.
        columns: plots in a row.

    Returns:
        An SVG element, for a page.
    """
    known = [name for name in values if np.isfinite(values[name]["swap"]).any()]
    rows = -(-len(known) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(10, 1.9 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat[len(known) :]:
        axis.axis("off")
    for axis, name in zip(axes.flat, known, strict=False):
        for clip, style in COURSE_STYLES.items():
            if clip in values[name]:
                axis.plot(times, values[name][clip], label=clip, **style)
        axis.set_title(titles[name], fontsize=9, loc="left")
        axis.tick_params(labelsize=7, length=2, color="#c3c9d0")
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color("#c3c9d0")
    figure.legend(
        *axes.flat[0].get_legend_handles_labels(), loc="outside upper right", ncols=3, fontsize=8, frameon=False
    )
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg")
    plt.close(figure)
    return drawing.getvalue()[drawing.getvalue().index("<svg") :]


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


def show_heat_maps(matrix: np.ndarray, sizes: Mapping[str, int], means: np.ndarray, side: float = 5.0) -> None:
    """Draw similarities between the members of groups, and beside them those of the groups as numbers.

    Both maps have the same colours: bright is alike.

    Args:
        matrix: (N, N), of each member with each other one, group after group.
        sizes: by group, in order, its number of members; N in all.
        means: (G, G), of each group with each other one; a pandas table is welcome.
        side: width of a map in inches.

    Raises:
        ValueError: the shapes do not fit the groups.
    """
    table, count = np.asarray(means), sum(sizes.values())
    if matrix.shape != (count, count) or table.shape != (len(sizes), len(sizes)):
        raise ValueError(
            f"{len(sizes)} groups of {count} members in all need maps of {(count, count)} and {(len(sizes),) * 2}. "
            f"Received: {matrix.shape} and {table.shape}"
        )
    figure, (every, grouped) = plt.subplots(1, 2, figsize=(2.3 * side, side), layout="constrained")
    least = float(min(matrix.min(), table.min()))
    every.imshow(matrix, vmin=least, vmax=1, cmap="magma")
    every.set_title("every face with every other", fontsize=9)
    ends = np.cumsum(list(sizes.values()))
    for border in ends[:-1] - 0.5:
        every.axhline(border, color="white", linewidth=1)
        every.axvline(border, color="white", linewidth=1)
    _name_ticks(every, ends - np.array(list(sizes.values())) / 2 - 0.5, list(sizes))
    drawn = grouped.imshow(table, vmin=least, vmax=1, cmap="magma")
    grouped.set_title("mean of each group", fontsize=9)
    _name_ticks(grouped, np.arange(len(sizes)), list(sizes))
    for (row, column), value in np.ndenumerate(table):
        colour = "white" if value < (least + 2) / 3 else "black"
        grouped.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    figure.colorbar(drawn, ax=[every, grouped], label="cosine similarity", shrink=0.8)
    plt.show()


def show_coverage(
    counts: np.ndarray, yaw_edges: Sequence[int] | np.ndarray, pitch_edges: Sequence[int] | np.ndarray, title: str = ""
) -> None:
    """Draw how many faces there are of each pose; a pose that no face has stays white.

    Args:
        counts: int (P, Y), as `extraction.quality.coverage` gives it, the first row looks down.
        yaw_edges: (Y + 1,) borders of the columns, degrees.
        pitch_edges: (P + 1,) borders of the rows, degrees.
        title: one line above the map.

    Raises:
        ValueError: the borders do not fit the counts.
    """
    if counts.shape != (len(pitch_edges) - 1, len(yaw_edges) - 1):
        raise ValueError(
            f"{len(pitch_edges)} and {len(yaw_edges)} borders do not fit the counts. Received: shape {counts.shape}"
        )
    _, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    shown = np.ma.masked_equal(counts, 0)
    axis.pcolormesh(yaw_edges, pitch_edges, shown, cmap="Blues", vmin=0, vmax=1.4 * max(1, counts.max()))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            place = (sum(yaw_edges[column : column + 2]) / 2, sum(pitch_edges[row : row + 2]) / 2)
            axis.text(*place, str(count), ha="center", va="center", fontsize=9)
    axis.set_xticks(yaw_edges)
    axis.set_yticks(pitch_edges)
    axis.grid(alpha=0.3)
    axis.set_xlabel("← image's left      yaw, degrees      image's right →", fontsize=9)
    axis.set_ylabel("← down      pitch, degrees      up →", fontsize=9)
    axis.set_title(title, fontsize=9)
    plt.show()


def show_sizes(sizes: Sequence[float] | np.ndarray, least: float | None = None, title: str = "") -> None:
    """Draw how large the faces are in their frames.

    Args:
        sizes: (N,) shorter side of each face's box, pixels.
        least: size below which faces are left out, marked by a dotted line.
        title: one line above the plot.

    Raises:
        ValueError: there is no face.
    """
    if not len(sizes):
        raise ValueError("there is no face whose size could be drawn")
    _, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
    axis.hist(sizes, bins=min(30, max(5, len(sizes) // 5)))
    if least is not None:
        axis.axvline(least, color="gray", linestyle=":", label=f"at least {least:g}")
        axis.legend(fontsize=8)
    axis.set_xlabel("size of the face in its frame, pixels", fontsize=9)
    axis.set_ylabel("faces", fontsize=9)
    axis.set_title(title, fontsize=9)
    plt.show()


def _name_ticks(axis: Axes, places: np.ndarray, names: Sequence[str]) -> None:
    axis.set_xticks(places, names, fontsize=8)
    axis.set_yticks(places, names, fontsize=8, rotation=90, va="center")
