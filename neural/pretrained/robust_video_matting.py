# SPDX-License-Identifier: GPL-3.0-or-later
"""Robust Video Matting (Lin et al. 2022), from a TorchScript file of the user's.

The published files are under the GPL-3.0; Semblance ships none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .torchscript import Network, as_input, device_of, load_network

if TYPE_CHECKING:
    from pathlib import Path

    from ...tracking.heads.arrays import Floats, Image

COARSE_SIDE = 512
"""The longer side to which pictures are shrunk inside the network, as its authors advise."""
STATES = 4


class RobustVideoMatting:
    """Mattes the frames of one video, in order; starts anew when the size of the pictures changes."""

    def __init__(self, path: Path, device: str) -> None:
        """Load the network.

        Raises:
            UserError: the file is damaged or holds another network.
        """
        self._network = load_network(path, device, what="Robust Video Matting", does=mattes_a_small_picture)
        self._device = device
        self._states: list[Tensor | None] = [None] * STATES
        self._shape: tuple[int, ...] = ()

    @torch.inference_mode()
    def __call__(self, rgb: Image, /) -> Floats:
        """Return the matte `[H, W]`, 0 background to 1 foreground, of a picture, RGB uint8 `[H, W, 3]`."""
        if rgb.shape != self._shape:
            self._states, self._shape = [None] * STATES, rgb.shape
        coarse = min(1.0, COARSE_SIDE / max(rgb.shape))
        _foreground, alpha, *self._states = self._network(as_input(rgb, self._device), *self._states, coarse)
        matte: Floats = alpha[0, 0].clamp(0, 1).cpu().numpy()
        return matte

    def close(self) -> None:
        """Forget the video."""
        self._states = [None] * STATES


def mattes_a_small_picture(network: Network) -> bool:
    """Tell whether a network has the published interface: picture, four states, ratio; foreground, alpha, states."""
    picture = torch.zeros(1, 3, 64, 64, device=device_of(network))
    foreground, alpha, *states = network(picture, *[None] * STATES, 1.0)
    return foreground.shape == picture.shape and alpha.shape == (1, 1, 64, 64) and len(states) == STATES
