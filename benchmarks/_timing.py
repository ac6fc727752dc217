"""Times things against each other on a machine that may be busy with something else."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def alternate(
    runs: dict[str, Callable[[], object]],
    warm_up: int = 2,
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Time several functions in turn, so that a busy moment hits all of them alike.

    Args:
        runs: by name, a function that returns when its work is done.
        warm_up: untimed calls of each, before the first timed one.
        repeats: timed calls of each.
        clock: `time.process_time` counts processor seconds instead.

    Returns:
        By name, the median seconds of a call.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        for _ in range(warm_up):
            run()
    for _ in range(repeats):
        for name, run in runs.items():
            start = clock()
            run()
            seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}
