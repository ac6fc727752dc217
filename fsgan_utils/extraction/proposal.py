"""The first stage of MTCNN: where on the levels of an image pyramid a face may be.

Small levels and every second of the large ones are looked at as a whole; of the large levels between only the tiles
around what the next smaller level already takes for a possible face.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product
from typing import NamedTuple

import cv2
import numpy as np
from scipy.special import logit

from fsgan_utils.extraction.networks import DetectionNetwork
from fsgan_utils.extraction.pyramid import CELL
from fsgan_utils.extraction.sharing import share

STRIDE = 2
"""Pixels of a level between one cell of the network and the next."""
TILE = 16
"""Cells along each side of a tile."""
TILE_SIDE = STRIDE * TILE + CELL - STRIDE
"""Pixels along each side of a tile."""
TILES_AT_ONCE = 8
LEAST_TILES = 64
"""Tiles of the smallest level of which some may be left out: choosing takes time too."""
STRIP = 64
"""Most rows of cells of a whole level that are looked at in one piece, so that threads can share a level."""
PROMISING = 0.1
"""Score from which on a cell of the smaller level calls for a look at the larger one. Of 478 faces, 20 to 100 pixels
high, none was lost even at .6; of those that the picture's edge cuts, some were at .3, and none at .1."""
REACH = 2
"""Cells of the larger level to each side of the place that a cell of the smaller one points to."""

Place = tuple[int, int]
"""Number of the image and of its level."""


class Cells(NamedTuple):
    """Where a level may show a face.

    Attributes:
        position: int (N, 2), row and column; a cell begins at pixel `STRIDE` times that.
        answer: float32 (N, 5), what the network says: box correction, and logit of the score.
    """

    position: np.ndarray
    answer: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Cells]) -> Cells:
        """All the cells of several."""
        nothing = cls(np.zeros((0, 2), int), np.zeros((0, 5), np.float32))
        return cls(*(np.concatenate(arrays) for arrays in zip(nothing, *parts, strict=True)))

    def take(self, chosen: np.ndarray) -> Cells:
        """Some of them."""
        return Cells(self.position[chosen], self.answer[chosen])

    def reaching(self, score: float) -> Cells:
        """Those with a score, 0 to 1, or a better one."""
        return self.take(self.answer[:, -1] >= logit(score))

    def within(self, shape: np.ndarray) -> Cells:
        """Those of the first rows and columns."""
        return self.take(np.all(self.position < shape, axis=1))


class Level(NamedTuple):
    """A level, on which tiles are laid.

    Attributes:
        pixels: uint8 RGB, the level, continued at its end as far as the tiles reach.
        shape: rows and columns of cells that it has.
    """

    pixels: np.ndarray
    shape: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray) -> Level:
        """Lay tiles on a level, uint8 RGB (h, w, 3), at least a cell large."""
        shape = _cells(pixels)
        missing = STRIDE * TILE * -(-shape // TILE) + CELL - STRIDE - pixels.shape[:2]
        return cls(cv2.copyMakeBorder(pixels, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE), shape)

    def tiles_around(self, smaller: np.ndarray, promising: np.ndarray) -> np.ndarray:
        """The tiles around what cells, int (N, 2), of a smaller level, uint8 RGB (h, w, 3), show."""
        size = (self.shape + CELL / STRIDE - 1) / (_cells(smaller) + CELL / STRIDE - 1)
        middle = (promising + CELL / STRIDE / 2) * size - CELL / STRIDE / 2
        near = np.concatenate([middle + step for step in product((-REACH, REACH), repeat=2)])
        chosen = np.zeros(-(-self.shape // TILE), bool)
        chosen[tuple(np.clip(near, 0, self.shape - 1).astype(int).T // TILE)] = True
        return np.argwhere(chosen)

    def cut(self, tile: np.ndarray) -> np.ndarray:
        """The pixels of a tile, (TILE_SIDE, TILE_SIDE, 3)."""
        row, column = STRIDE * TILE * tile
        return self.pixels[row : row + TILE_SIDE, column : column + TILE_SIDE]


def find_cells(network: DetectionNetwork, pyramids: Sequence[Sequence[np.ndarray]], score: float) -> list[list[Cells]]:
    """Find the cells that reach a score.

    Args:
        network: the first network.
        pyramids: the levels of each image, largest first, uint8 RGB (h, w, 3).
        score: 0 to 1.

    Returns:
        For each image, what was found on each of its levels.
    """
    levels = {
        (image, number): pixels for image, pyramid in enumerate(pyramids) for number, pixels in enumerate(pyramid)
    }
    between = {
        place: Level.of(pixels)
        for place, pixels in levels.items()
        if place[1] % 2 == 0 and _next(place) in levels and _count_tiles(pixels) >= LEAST_TILES
    }
    whole = {place: pixels for place, pixels in levels.items() if place not in between}
    found = _look_everywhere(network, whole, min(score, PROMISING) if between else score)
    tiles = {
        place: level.tiles_around(levels[_next(place)], found[_next(place)].reaching(PROMISING).position)
        for place, level in between.items()
    }
    found |= _look_at(network, between, tiles, score)
    return [
        [found[image, number].reaching(score) for number in range(len(pyramid))]
        for image, pyramid in enumerate(pyramids)
    ]


def _next(place: Place) -> Place:
    return place[0], place[1] + 1


def _cells(pixels: np.ndarray) -> np.ndarray:
    """Rows and columns of cells that a level, uint8 RGB (h, w, 3), has: int (2,)."""
    return -(-(np.array(pixels.shape[:2]) - CELL) // STRIDE) + 1


def _count_tiles(pixels: np.ndarray) -> int:
    return int(np.prod(-(-_cells(pixels) // TILE)))


def _look_everywhere(network: DetectionNetwork, levels: dict[Place, np.ndarray], score: float) -> dict[Place, Cells]:
    """Find what whole levels, uint8 RGB (h, w, 3), show."""

    def look(strip: tuple[np.ndarray, int]) -> Cells:
        pixels, row = strip
        (answers,) = network(pixels[None].astype(np.float32))
        position = np.argwhere(answers[..., -1] >= logit(score))
        return Cells(position + np.array([row, 0]), answers[tuple(position.T)])

    strips = {place: _strips(pixels) for place, pixels in levels.items()}
    cells = iter(share(look, [strip for of_level in strips.values() for strip in of_level]))
    return {place: Cells.joined(list(islice(cells, len(of_level)))) for place, of_level in strips.items()}


def _strips(pixels: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Cut a level into strips of about equal height, each with its first row of cells."""
    rows = _cells(pixels)[0]
    starts = np.linspace(0, rows, -(-rows // STRIP) + 1).astype(int)
    ends = [STRIDE * stop + CELL - STRIDE for stop in starts[1:]]
    return [(pixels[STRIDE * start : end], start) for start, end in zip(starts, ends, strict=False)]


def _look_at(
    network: DetectionNetwork, levels: dict[Place, Level], tiles: dict[Place, np.ndarray], score: float
) -> dict[Place, Cells]:
    """Find what some tiles of each level show; the network sees several of them at once."""
    every = [(levels[place], tile) for place, chosen in tiles.items() for tile in chosen]

    def answer(start: int) -> tuple[np.ndarray, Cells]:
        group = every[start : start + TILES_AT_ONCE]
        answers = network(np.stack([level.cut(tile) for level, tile in group]).astype(np.float32))
        which, *within = np.nonzero(answers[..., -1] >= logit(score))
        corner = TILE * np.array([tile for _, tile in group])[which]
        return start + which, Cells(corner + np.stack(within, axis=1), answers[which, *within])

    answers = share(answer, range(0, len(every), TILES_AT_ONCE))
    source = np.concatenate([np.zeros(0, int), *(which for which, _ in answers)])
    cells = Cells.joined([part for _, part in answers])
    stops = np.cumsum([len(chosen) for chosen in tiles.values()])
    owner = np.searchsorted(stops, source, side="right")
    return {place: cells.take(owner == index).within(levels[place].shape) for index, place in enumerate(tiles)}
