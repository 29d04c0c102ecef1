# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark ran on: figures without it mean nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def hardware() -> str:
    """The processor with its cores, and how busy the machine is with other work."""
    busy = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"{processor()}, {cores()} cores{busy}"


def processor() -> str:
    """The processor's name as people know it."""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
