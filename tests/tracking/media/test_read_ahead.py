# SPDX-License-Identifier: GPL-3.0-or-later
"""Iterators that threads run: what waits is bounded, what is dropped is the oldest, nothing outlives its reader."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator

import pytest
from semblance.tracking.media.read_ahead import newest, read_ahead

Runner = Callable[[Iterator[int]], Generator[int, None, None]]


class Drops:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


class Burst:
    """Gives 0, and once that was read 1 to `last` at once; `over` is set when all of them wait or were dropped."""

    def __init__(self, last: int) -> None:
        self.first_read, self.over, self.closed = threading.Event(), threading.Event(), threading.Event()
        self._last = last

    def __iter__(self) -> Generator[int, None, None]:
        try:
            yield 0
            self.first_read.wait(300)
            yield from range(1, self._last + 1)
            self.over.set()
        finally:
            self.closed.set()


@pytest.mark.parametrize("waiting", [1, 2, 3])
def test_a_slow_reader_gets_the_newest_and_the_oldest_are_dropped(waiting):
    burst, drops = Burst(9), Drops()
    frames = newest(iter(burst), waiting, drops)
    assert next(frames) == 0
    burst.first_read.set()
    assert burst.over.wait(300)
    assert list(frames) == list(range(10 - waiting, 10))
    assert drops.count == 9 - waiting


def test_a_reader_that_keeps_up_gets_everything():
    read = threading.Semaphore(0)

    def in_step() -> Iterator[int]:
        for number in range(50):
            yield number
            read.acquire()

    drops, got = Drops(), []
    for number in newest(in_step(), 1, drops):
        got.append(number)
        read.release()
    assert got == list(range(50))
    assert drops.count == 0


def test_reading_ahead_waits_and_drops_nothing():
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    ahead = read_ahead(items(), 2)
    assert next(ahead) == 0
    for number in range(1, 20):
        assert len(made) <= number + 3, "one is read, two wait, one is in the maker's hands"
        assert next(ahead) == number


@pytest.mark.parametrize("run", [lambda items: read_ahead(items, 2), lambda items: newest(items, 2, Drops())])
def test_an_error_arrives_where_the_items_are_read(run: Runner):
    def breaks() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    items = run(breaks())
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


@pytest.mark.parametrize("run", [lambda items: read_ahead(items, 2), lambda items: newest(items, 2, Drops())])
def test_a_reader_that_leaves_ends_a_chain_of_threads(run: Runner):
    def doubled(numbers: Generator[int, None, None]) -> Iterator[int]:
        try:
            for number in numbers:
                yield 2 * number
        finally:
            numbers.close()

    burst, before = Burst(10_000), set(threading.enumerate())
    burst.first_read.set()
    chain = run(doubled(run(iter(burst))))
    next(chain)
    chain.close()
    assert burst.closed.is_set()
    assert before.issuperset(threading.enumerate())
