"""Work that the processor's cores share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

WORKERS = min(4, os.cpu_count() or 1)
"""Threads that share a piece of work, the calling one among them."""

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def share(function: Callable[[Thing], Result], things: Iterable[Thing]) -> list[Result]:
    """Apply a function to each of some things, in several threads; the results in the things' order.

    The calling thread works too and never waits for a helper that is busy with something else, so that any number of
    threads may call this at once. Things that take longest should come first.

    Raises:
        Exception: what the function raises.
    """
    everything = list(things)
    results: dict[int, Result] = {}
    places = iter(range(len(everything)))

    def work() -> None:
        for place in places:
            results[place] = function(everything[place])

    helpers = [_helpers().submit(work) for _ in range(min(len(everything), WORKERS) - 1)]
    work()
    for helper in helpers:
        if not helper.cancel():
            helper.result()
    return [results[place] for place in range(len(everything))]


@cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, WORKERS - 1), "helper")
