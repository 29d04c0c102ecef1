# SPDX-License-Identifier: GPL-3.0-or-later
"""Iterators that a thread of their own runs, some items ahead of their reader."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")
Entry = tuple[str, Any]
"""What waits for the reader: "item" and the item, "error" and the exception, or "end"."""
Waiting = queue.Queue[Entry]


def read_ahead(items: Iterable[Item], count: int) -> Generator[Item, None, None]:
    """Yield `items`, made by a thread of their own that is at most `count` items ahead, and then waits.

    What the thread raises is raised here. A reader that stops early, or closes the generator, ends the thread.
    """
    return run(items, queue.Queue(count), put)


def newest(items: Iterable[Item], count: int, dropped: Callable[[], None]) -> Generator[Item, None, None]:
    """Yield `items`, made by a thread of their own that never waits for the reader.

    At most `count` items wait; one more drops the oldest of them, and `dropped` is called. All else is as in
    `read_ahead`.
    """

    def put_newest(ahead: Waiting, entry: Entry, stop: threading.Event) -> bool:
        while not stop.is_set():
            try:
                ahead.put_nowait(entry)
                return True
            except queue.Full:
                drop_oldest(ahead, dropped)
        return False

    return run(items, queue.Queue(count), put_newest)


def drop_oldest(ahead: Waiting, dropped: Callable[[], None]) -> None:
    """Take the oldest entry out of the queue, unless the reader was quicker."""
    try:
        ahead.get_nowait()
    except queue.Empty:
        return
    dropped()


def run(
    items: Iterable[Item], ahead: Waiting, put_item: Callable[[Waiting, Entry, threading.Event], bool]
) -> Generator[Item, None, None]:
    """Yield `items` as they come through the queue from the thread that makes them."""
    stop = threading.Event()
    thread = threading.Thread(target=fill, args=(ahead, items, stop, put_item), name="read ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = ahead.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        stop.set()
        thread.join()


def fill(
    ahead: Waiting,
    items: Iterable[Item],
    stop: threading.Event,
    put_item: Callable[[Waiting, Entry, threading.Event], bool],
) -> None:
    """Queue every item, then the end or the error; leave as soon as the reader has gone."""
    iterator = iter(items)
    try:
        for item in iterator:
            if not put_item(ahead, ("item", item), stop):
                return
        put(ahead, ("end", None), stop)
    except BaseException as error:
        put(ahead, ("error", error), stop)
    finally:
        if isinstance(iterator, Generator):
            iterator.close()


def put(ahead: Waiting, entry: Entry, stop: threading.Event) -> bool:
    """Queue an entry, waiting for room; return False when the reader has gone."""
    while not stop.is_set():
        try:
            ahead.put(entry, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False
