# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which name the engine is asked, and whether the page that asks is its own."""

from __future__ import annotations

import re


def name_in(host: str) -> str:
    """The name in a `Host` header: "localhost" in "localhost:8765", "[::1]" in "[::1]:8765"."""
    return re.sub(r":\d*$", "", host).lower()


def is_own(host: str, origin: str | None, hosts: frozenset[str] | None) -> bool:
    """Tell whether a client asks under one of the right names and, if it is a page, came from there.

    Args:
        host: the `Host` header. origin: the `Origin` header, which browsers send for pages; None where there is none.
        hosts: the names under which the engine may be asked; None lets every name in.
    """
    if hosts is not None and name_in(host) not in hosts:
        return False
    return origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")
