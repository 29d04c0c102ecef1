# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that come as TorchScript files: their layers and weights in one.

TorchScript is no pickle of Python objects: its code runs in PyTorch's interpreter, which knows tensors and no Python.
It is code still (at worst it writes files of tensors), so that a file should come from its authors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from ...common.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Network = Callable[..., Any]


def load_network(path: Path, device: str, *, what: str, does: Callable[[Network], bool]) -> Network:
    """Load a TorchScript file and try it.

    Args:
        path: the file.
        device: "cuda" or "cpu".
        what: what the network is, for the user.
        does: whether the network does what is expected of it, on a small picture.

    Raises:
        UserError: the file is damaged or holds another network.
    """
    try:
        network: Network = torch.jit.load(path, map_location=device).eval()
    except (RuntimeError, OSError, ValueError) as error:
        raise UserError(f"{path} is not a TorchScript file or is damaged; fetch {what} again or delete it.") from error
    if not works(network, does):
        raise UserError(f"{path} holds another network than {what}; replace or delete it.")
    return network


def works(network: Network, does: Callable[[Network], bool]) -> bool:
    """Tell whether a network `does` what is expected of it; it may raise whatever its authors thought of."""
    try:
        with torch.inference_mode():
            return does(network)
    except Exception:
        return False


def device_of(network: Network) -> torch.device:
    """Return where a network's weights lie; the processor where it has none."""
    return next(network.parameters(), torch.empty(0)).device  # type: ignore[attr-defined]


def as_input(rgb: NDArray[np.uint8], device: str) -> torch.Tensor:
    """Return a picture, RGB uint8 `[H, W, 3]`, as `[1, 3, H, W]` on `device`, 0 to 1."""
    return torch.from_numpy(rgb).to(device).permute(2, 0, 1)[None].float() / 255
