# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of avatar. Nothing else asks which kind one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .styleavatar.kind import STYLEAVATAR, STYLEUNET

if TYPE_CHECKING:
    from .kind import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        STYLEAVATAR,
        STYLEUNET,
    )
}
USUAL = STYLEAVATAR
"""The kind that is built unless told otherwise."""
