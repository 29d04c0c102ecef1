# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a process still there? Standard library only."""

from __future__ import annotations

import ctypes
import os
import sys

STILL_ACTIVE = 259
"""What Windows gives as the exit code of a process that has not ended."""
QUERY_LIMITED_INFORMATION = 0x1000


def is_alive(process: int) -> bool:
    """Tell whether a process with this number is running (also when it belongs to another user)."""
    if process <= 0:
        return False
    if sys.platform == "win32":
        return is_alive_on_windows(process)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_alive_on_windows(process: int) -> bool:
    """The same on Windows, where signal 0 would end the process."""
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(QUERY_LIMITED_INFORMATION, False, process)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == STILL_ACTIVE
