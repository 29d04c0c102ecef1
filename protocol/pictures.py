# SPDX-License-Identifier: GPL-3.0-or-later
"""What avatars show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of an avatar, frames first.

    Attributes:
        rgba: `[N, H, W, 4]` uint8 sRGB, straight alpha.
        depth: `[N, H, W]` float32 metres from the camera, 0 where nothing is; None of an avatar without depth.
    """

    rgba: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, as the frames endpoint answers with them."""
        return {"rgba": self.rgba} if self.depth is None else {"rgba": self.rgba, "depth": self.depth}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> Pictures:
        """Read what `arrays` gave.

        Raises:
            KeyError: there are no pictures among them.
        """
        return cls(arrays["rgba"], arrays.get("depth"))
