# SPDX-License-Identifier: GPL-3.0-or-later
"""Iterators that a thread runs a few items ahead of their reader."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")


def read_ahead(items: Iterable[Item], count: int) -> Generator[Item, None, None]:
    """Yield `items`, made by a thread of their own that is at most `count` items ahead.

    What the thread raises is raised here. A reader that stops early, or closes the generator, ends the thread.
    """
    ahead: queue.Queue[tuple[str, Any]] = queue.Queue(count)
    stop = threading.Event()
    thread = threading.Thread(target=fill, args=(ahead, items, stop), name="read ahead", daemon=True)
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


def fill(ahead: queue.Queue[tuple[str, Any]], items: Iterable[Item], stop: threading.Event) -> None:
    """Queue every item, then the end or the error; leave as soon as the reader has gone."""
    iterator = iter(items)
    try:
        for item in iterator:
            if not put(ahead, ("item", item), stop):
                return
        put(ahead, ("end", None), stop)
    except BaseException as error:
        put(ahead, ("error", error), stop)
    finally:
        if isinstance(iterator, Generator):
            iterator.close()


def put(ahead: queue.Queue[tuple[str, Any]], entry: tuple[str, Any], stop: threading.Event) -> bool:
    """Queue an entry, waiting for room; return False when the reader has gone."""
    while not stop.is_set():
        try:
            ahead.put(entry, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False
