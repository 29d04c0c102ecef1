# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Semblance this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Semblance's version; empty where it runs from a checkout that is not installed."""
    try:
        return version("semblance")
    except PackageNotFoundError:
        return ""
