# SPDX-License-Identifier: GPL-3.0-or-later
"""What frames are made with beside maps: one type from the artist's panel to the network."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

MOST_OFFSET = 32.0
"""Feature cells that a person or a backdrop can be moved: a quarter of the picture."""


@dataclass(frozen=True)
class Look:
    """What frames are made with besides maps.

    Attributes:
        time_code: the moment of the training footage that the avatar looks like, 0 to 1; None leaves it to the avatar.
        foreground_offset, background_offset: how far the person, and the backdrop, are moved to the right and down,
            in feature cells: 1/128 of the picture's side, at most `MOST_OFFSET`.
    """

    time_code: float | None = None
    foreground_offset: tuple[float, float] = (0.0, 0.0)
    background_offset: tuple[float, float] = (0.0, 0.0)

    def arrays(self) -> dict[str, np.ndarray]:
        """What differs from the defaults, as the frames' door takes it."""
        return {
            name: np.asarray(value, np.float32) for name, value in asdict(self).items() if value != getattr(Look, name)
        }


USUAL_LOOK = Look()
