# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of this kind of avatar as avatar files describe them: `field`, and what the class is made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .field.network import FieldNetwork
from .kernels.hash_encoding import Grids
from .splats.network import SplatNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .network import RadianceNetwork


def network_config(network: RadianceNetwork[Any]) -> dict[str, Any]:
    """A network's description, of which `network_of` makes one like it."""
    return {"field": "splats" if isinstance(network, SplatNetwork) else "field", **network.config}


def network_of(config: Mapping[str, Any]) -> RadianceNetwork[Any]:
    """An empty network of a stored description.

    Raises:
        KeyError, TypeError, ValueError: it describes none.
    """
    made = dict(config)
    field = made.pop("field")
    if field == "splats":
        return SplatNetwork(**made)
    if field == "field":
        return FieldNetwork(**made | {"grids": Grids(**made["grids"])})
    raise ValueError(f"unknown field {field!r}")
