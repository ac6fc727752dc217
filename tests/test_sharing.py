import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fsgan_utils.extraction import sharing
from fsgan_utils.extraction.sharing import share


def test_results_come_in_the_order_of_the_things(monkeypatch):
    monkeypatch.setattr(sharing, "WORKERS", 2)
    assert share(lambda number: number * number, range(50)) == [number * number for number in range(50)]
    assert share(lambda number: number, []) == []


def test_two_threads_work_at_once(monkeypatch):
    monkeypatch.setattr(sharing, "WORKERS", 2)
    both = threading.Barrier(2, timeout=30)
    share(lambda _: both.wait(), range(2))


def test_many_threads_may_share_at_once():
    with ThreadPoolExecutor(8) as threads:
        sums = list(threads.map(lambda last: sum(share(lambda number: number, range(last))), range(40)))
    assert sums == [last * (last - 1) // 2 for last in range(40)]


def test_what_goes_wrong_is_raised():
    with pytest.raises(ZeroDivisionError):
        share(lambda number: 1 / number, [3, 2, 1, 0])
