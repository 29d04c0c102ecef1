# SPDX-License-Identifier: GPL-3.0-or-later
"""What a phone with Live Link Face sends, written out by the documented order of its bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICE = "12345678-ABCD-4EF0-9876-123456789012"
FACE = 61


def live_link_packet(values: Sequence[float] | None, frame: int = 0, *, name: str = "Phone", version: int = 6) -> bytes:
    """A packet at frame `frame` of 60 a second; without values, as when no face is seen."""
    names = b"".join(struct.pack(">i", len(each.encode())) + each.encode() for each in (DEVICE, name))
    head = struct.pack(">B", version) + names + struct.pack(">ifii", frame, 0.25, 60, 1)
    return head if values is None else head + struct.pack(f">B{len(values)}f", len(values), *values)
