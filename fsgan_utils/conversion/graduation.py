"""Take the noise out of a path, and nothing else: a graduation that stays within the noise of what was seen."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

ORDER = 3
"""Differences of this order are kept small."""
WITHIN = 2.0
"""How far a few graduated points may lie from the seen ones, root mean square, in standard deviations of the noise."""
ROUNDS = 12
"""How often the frames that are missed by more are trusted more."""
GROWTH, MOST_TRUST = 100.0, 1e9
"""By how much the trust in a frame grows at most, in one round and in all."""
SLOWEST = 1 / 500
"""Cycles a frame below which nothing is calmed any more: double precision could not tell the difference."""
LEAST_NOISE = 1e-6
"""Pixels that count as no noise at all."""
LEAST_GAP = 0.25
"""Frames that two moments lie apart at least; nearer ones would outweigh all the others."""
NORMAL_MEDIAN = 0.6745
"""Median of the absolute value of a standard normal variable."""
DIFFERENCED = np.sqrt(20)
"""Standard deviation of the third differences of noise of standard deviation 1: √(1 + 9 + 9 + 1)."""


def graduated(
    points: np.ndarray,
    moments: np.ndarray,
    cutoff: float,
    noise: float,
    seen: np.ndarray | None = None,
    within: float = WITHIN,
) -> np.ndarray:
    """Whittaker's graduation with third differences, held to what was seen.

    Least squares of the distance to the seen points and of how unevenly the movement accelerates; the weight of the
    second part halves a movement of `cutoff` cycles a frame. What then lies farther off in a frame, over all its
    points, than `within` times the noise is no noise but a movement: that frame is trusted more, until it does not. So
    a head at rest is calmed and a quick one is followed, by one and the same rule.

    Args:
        points: (N, K, 2), `(x, y)`.
        moments: float (N,), increasing: when they were seen, in frames.
        cutoff: cycles a frame; movements slower than that are kept.
        noise: standard deviation of each coordinate's noise, in the unit of the points, from `noise_of`.
        seen: bool (N,), where the points were seen and not guessed; None for everywhere. The guesses have no say.
        within: see `WITHIN`. Over many points noise has little spread, so that less will do.

    Returns:
        float64 (N, K, 2).

    Reference:
        Whittaker, "On a new method of graduation", 1923; Eilers, "A perfect smoother", 2003, equations 3 to 7. The
        weights are found as in Holland and Welsch, "Robust regression using iteratively reweighted least-squares",
        1977, but the other way round: what lies far off is trusted more, not less.
    """
    values = np.asarray(points, np.float64)
    if len(values) <= ORDER or cutoff >= 0.5:
        return values
    flat = values.reshape(len(values), -1)
    penalty = (2 * np.sin(np.pi * max(cutoff, SLOWEST))) ** (-2 * ORDER) * _unevenness(moments)
    trust = np.ones(len(values)) if seen is None else seen.astype(np.float64)
    for _ in range(ROUNDS):
        smooth = splu((sparse.diags_array(trust) + penalty).tocsc()).solve(trust[:, None] * flat)
        missed = np.sqrt(((smooth - flat) ** 2).mean(axis=1)) * (trust > 0)
        if missed.max() <= within * noise:
            break
        excess = missed / max(within * noise, LEAST_NOISE)
        trust = np.minimum(trust * np.clip(excess**2, 1, GROWTH), MOST_TRUST)
    return smooth.reshape(values.shape)


def noise_of(points: np.ndarray) -> float:
    """Standard deviation of the noise of points that hardly move, from their third differences.

    The median over time does not see a blink, nor that over all coordinates a mouth that talks.

    Args:
        points: (N, K, 2), in frames at even distances.

    Returns:
        The deviation of one coordinate, in the unit of the points; 0 where there are fewer than four frames.

    Reference:
        Rousseeuw and Croux, "Alternatives to the median absolute deviation", 1993, for the median and its constant.
    """
    if len(points) <= ORDER:
        return 0.0
    spread = np.median(np.abs(np.diff(np.asarray(points, np.float64), n=ORDER, axis=0)), axis=0)
    return float(np.median(spread)) / (NORMAL_MEDIAN * DIFFERENCED)


def noise_of_moving(points: np.ndarray) -> float:
    """The same of points that move together: what is left of them when each frame's are laid over the first's.

    Args:
        points: (N, K, 2), three or more that do not all coincide.

    Returns:
        As `noise_of`, in the unit of the points; 0 where they coincide.
    """
    x, y = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    shapes = x + 1j * y
    shapes -= shapes.mean(axis=1, keepdims=True)
    size = (np.abs(shapes[0]) ** 2).sum()
    if size == 0 or shapes.shape[1] < 3:
        return 0.0
    turns = shapes @ shapes[0].conj() / size
    lying = np.abs(turns) > 0
    left = shapes[lying] / turns[lying, None] * np.abs(turns[lying, None]) - np.abs(turns[lying, None]) * shapes[0]
    coordinates = 2 * shapes.shape[1]
    return noise_of(np.stack([left.real, left.imag], axis=-1)) * np.sqrt(coordinates / (coordinates - 4))


def _unevenness(moments: np.ndarray) -> sparse.csr_array:
    """Matrix of the squared third derivative, by divided differences, summed over time; (N, N)."""
    gaps = np.maximum(np.diff(np.asarray(moments, np.float64)), LEAST_GAP)
    times = np.concatenate([[0], np.cumsum(gaps)])
    rows = sparse.eye_array(len(times), format="csr")
    for order in range(1, ORDER + 1):
        rows = sparse.diags_array(order / (times[order:] - times[:-order])) @ (rows[1:] - rows[:-1])
    lasting = (times[ORDER:] - times[:-ORDER]) / ORDER
    return rows.T @ sparse.diags_array(lasting) @ rows
