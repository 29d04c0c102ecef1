# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtimes of the looks that are in use."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...protocol.look import Look
    from .runtime import Runtime, RuntimeMaker

MOST_KEPT = 3
PATIENCE = 2
"""So many new looks in a row are made ready; then looks are taken to change with every frame, until one returns."""


class LookCache:
    """Finds the runtime for a look.

    Args:
        ready: makes a fast runtime, in as much time as some frames take.
        at_once: makes one that is slower and takes no time to make.
    """

    def __init__(self, ready: RuntimeMaker, at_once: RuntimeMaker) -> None:
        self._ready, self._at_once = ready, at_once
        self._kept: OrderedDict[Look, Runtime] = OrderedDict()
        self._last: Look | None = None
        self._changes = 0

    def runtime(self, look: Look) -> Runtime:
        """The runtime for a look; a fast one unless looks change from frame to frame."""
        self._changes = 0 if look == self._last or look in self._kept else self._changes + 1
        self._last = look
        if look not in self._kept:
            if self._changes > PATIENCE:
                return self._at_once(look)
            self._kept[look] = self._ready(look)
        self._kept.move_to_end(look)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[look]
