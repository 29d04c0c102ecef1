# SPDX-License-Identifier: GPL-3.0-or-later
"""How many of this machine's cores are free of others' work just now. Standard library only.

Threads that share a piece of work wait for the slowest of them: one whose core does something else, too, holds up all.
So it is faster to start no more threads than there are free cores.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_BETWEEN_LOOKS = 1.0
TO_REST = {"GOMP_SPINCOUNT": "20000", "KMP_BLOCKTIME": "1"}
"""Environment in which the OpenMP libraries of all systems let threads that wait for work sleep soon: after some tenths
of a millisecond, not after several or 200 of them, in which they take cores from others and from the very threads that
they wait for. To sleep at once would be worse: there are thousands of such waits in a training's step, and who sleeps
must be woken (half the speed, measured). It is read when such a library is loaded, as PyTorch does when it is imported.
"""


def let_waiting_threads_rest() -> None:
    """Set what `TO_REST` says for this process and those that it starts, unless the user has set it."""
    for name, value in TO_REST.items():
        os.environ.setdefault(name, value)


def own_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_cores() -> int:
    """Cores that this process may use and that nobody else keeps busy, at least one; looked at every second.

    Where the system does not say how busy it is, all count as free.
    """
    return _watch.free()


class CoreWatch:
    """Compares what all have computed since the last look with what this process has.

    Args:
        busy: seconds of processor time that all programs have taken, on the cores that this process may use, and those
            that this one has; None where the system does not say.
    """

    def __init__(self, cores: int, busy: Callable[[], tuple[float, float] | None]) -> None:
        self._cores, self._busy, self._lock = cores, busy, threading.Lock()
        self._looked, self._seen, self._free = time.monotonic(), busy(), cores

    def free(self) -> int:
        """See `free_cores`."""
        passed = time.monotonic() - self._looked
        if passed >= SECONDS_BETWEEN_LOOKS and self._lock.acquire(blocking=False):
            try:
                self._look(passed)
            finally:
                self._lock.release()
        return self._free

    def _look(self, passed: float) -> None:
        before, self._seen = self._seen, self._busy()
        self._looked += passed
        if before is None or self._seen is None:
            return
        others = (self._seen[0] - before[0]) - (self._seen[1] - before[1])
        self._free = max(1, min(self._cores, self._cores - int(others / passed + 0.5)))


def busy_seconds() -> tuple[float, float] | None:
    """See `CoreWatch`: `(everybody's, this process's)` seconds since some moment."""
    try:
        if sys.platform == "linux":
            return busy_on_linux()
        everybody = busy_on_windows() if sys.platform == "win32" else busy_on_macos()
    except (OSError, ValueError, AttributeError):
        return None
    return everybody, sum(os.times()[:2])


def busy_on_linux() -> tuple[float, float]:
    """From `/proc/stat`; what programs of low priority (`nice`) compute, ours too if it is one, counts only where it
    does not give way to other sessions' programs.
    """
    cores, tick, stands = os.sched_getaffinity(0), os.sysconf("SC_CLK_TCK"), sessions_share_alike()
    busy = 0
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cores:
            user, low, system, _, _, interrupts, soft_interrupts, stolen, *_ = map(int, ticks)
            busy += user + low * stands + system + interrupts + soft_interrupts + stolen
    user_time, system_time = os.times()[:2]
    return busy / tick, system_time + (user_time if stands or os.nice(0) <= 0 else 0.0)


@cache
def sessions_share_alike() -> bool:
    """Tell whether Linux gives each session as much as another, whatever priority its programs have there."""
    try:
        return Path("/proc/sys/kernel/sched_autogroup_enabled").read_text(encoding="ascii").strip() == "1"
    except OSError:
        return False


def busy_on_windows() -> float:
    """From `GetSystemTimes`, in which the kernel's time holds the idle one."""
    idle, kernel, user = ctypes.c_uint64(), ctypes.c_uint64(), ctypes.c_uint64()
    library = ctypes.windll.kernel32  # type: ignore[attr-defined]
    if not library.GetSystemTimes(ctypes.byref(idle), ctypes.byref(kernel), ctypes.byref(user)):
        raise OSError
    return (kernel.value + user.value - idle.value) * 1e-7


def busy_on_macos() -> float:
    """From `host_statistics`: ticks of a hundredth of a second, user, system, idle and low priority."""
    library, cpu_load = ctypes.CDLL(None), 3
    ticks, count = (ctypes.c_uint32 * 4)(), ctypes.c_uint32(4)
    library.mach_host_self.restype = ctypes.c_uint32
    if library.host_statistics(library.mach_host_self(), cpu_load, ticks, ctypes.byref(count)):
        raise OSError
    user, system, _, low = ticks
    return (user + system + low) / 100


_watch = CoreWatch(own_cores(), busy_seconds)
