# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine computes with, and what it does without."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class DeviceFacts:
    """The device that networks run on.

    Attributes:
        device: "cuda" or "cpu"; name: as people call it.
        torch: version of PyTorch.
        fallbacks: sentences that say what is missing and what is done instead.
    """

    device: str
    name: str
    torch: str
    fallbacks: tuple[str, ...]


@cache
def device_facts() -> DeviceFacts:
    """Look at the machine; the first call imports PyTorch, which takes seconds."""
    import torch

    if torch.cuda.is_available():
        return DeviceFacts("cuda", torch.cuda.get_device_name(), torch.__version__, ())
    slow = "There is no CUDA GPU: networks run on the processor; build with the preset “preview”."
    return DeviceFacts("cpu", f"CPU, {torch.get_num_threads()} threads", torch.__version__, (slow,))


def try_convolutions(device: torch.device) -> None:
    """On a GPU, have the first convolution of every shape done in all ways that there are, and keep the fastest.

    The same few shapes come again and again, in training and in rendering.
    """
    import torch

    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
