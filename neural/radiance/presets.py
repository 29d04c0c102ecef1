# SPDX-License-Identifier: GPL-3.0-or-later
"""How large radiance avatars are and how long they are trained: `preview`, `standard`, `final`."""

from __future__ import annotations

from dataclasses import dataclass

from ...common.errors import UserError


@dataclass(frozen=True)
class RadiancePreset:
    """A size of radiance avatars.

    Attributes:
        name: what users call it.
        side: pixels of the pictures that are learnt from.
        splats: about how many.
        splats_seconds, field_seconds: training time unless told.
    """

    name: str
    side: int
    splats: int
    splats_seconds: float
    field_seconds: float


PRESETS = {
    preset.name: preset
    for preset in (
        RadiancePreset("preview", 256, 25_000, 120, 600),
        RadiancePreset("standard", 512, 60_000, 300, 1800),
        RadiancePreset("final", 1024, 120_000, 900, 3600),
    )
}
"""By name, the smallest first."""


def preset_named(name: str) -> RadiancePreset:
    """The preset of this name.

    Raises:
        UserError: there is none.
    """
    if name not in PRESETS:
        raise UserError(f"There is no preset called {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def smaller_preset(side: int) -> RadiancePreset | None:
    """The largest preset of fewer pixels than `side`; None where there is none."""
    smaller = [preset for preset in PRESETS.values() if preset.side < side]
    return smaller[-1] if smaller else None
