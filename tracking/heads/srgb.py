# SPDX-License-Identifier: GPL-3.0-or-later
"""sRGB, in which colours are kept, and linear light (IEC 61966-2-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Floats, Numbers


def linear_light(colours: Numbers) -> Floats:
    """Return sRGB `colours [...]` (0 to 1) as linear light."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4).astype(np.float32)
