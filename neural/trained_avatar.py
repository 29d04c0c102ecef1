# SPDX-License-Identifier: GPL-3.0-or-later
"""What training makes: a network and its metadata, and how both become one `.safetensors` file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import safetensors.torch
import torch

from ..common.files import written_whole
from .avatar_file import AvatarMetadata, header_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn


@dataclass(frozen=True)
class TrainedAvatar:
    """A network that has been trained; `avatar.Avatar` renders with it.

    Attributes:
        network: as its kind made it (`Kind.load`), with its weights.
        metadata: see `AvatarMetadata`.
        plate: `[R, R, 3]` uint8 RGB: the footage's window without what the avatar brings; None where that is not known.
    """

    network: nn.Module
    metadata: AvatarMetadata
    plate: NDArray[np.uint8] | None = field(default=None, kw_only=True)

    def save(self, path: str | Path) -> None:
        """Write the avatar file whole or not at all."""
        tensors = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in self.network.state_dict().items()
        }
        with written_whole(path) as partial:
            partial.write_bytes(safetensors.torch.save(tensors, header_of(self.metadata, self.plate)))
