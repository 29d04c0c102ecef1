# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine computes with, and what it does without."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..common.errors import UserError
from ..common.installation.graphics import graphics_of_this_machine, this_platform
from ..common.installation.torch_builds import torch_requirement

if TYPE_CHECKING:
    import torch

    from ..common.installation.torch_builds import Graphics, Platform

ADVICE = "build with the preset “preview”."
VISIBLE = "CUDA_VISIBLE_DEVICES"


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
    """Look at the machine; the first call imports PyTorch, which takes seconds.

    A GPU is promised only after it has convolved: a card for which this build of PyTorch has no code says that it is
    available all the same.
    """
    import torch

    if torch.cuda.is_available():
        failure = why_it_cannot_convolve(torch.device("cuda"))
        if not failure:
            return DeviceFacts("cuda", torch.cuda.get_device_name(), torch.__version__, ())
        reason = sentence_of_failure(failure, torch.cuda.get_device_name(), torch.__version__)
    else:
        has_cuda = torch.version.cuda is not None
        reason = why_no_gpu(this_platform(), graphics_of_this_machine(), torch.__version__, has_cuda)
    return DeviceFacts("cpu", f"CPU, {torch.get_num_threads()} threads", torch.__version__, (reason,))


def why_it_cannot_convolve(device: torch.device) -> str:
    """Convolve sixteen by sixteen numbers on a device; return what goes wrong, empty for nothing."""
    import torch

    picture, kernel = torch.linspace(-1, 1, 256).reshape(1, 1, 16, 16), torch.ones(1, 1, 3, 3) / 9
    expected = torch.nn.functional.conv2d(picture, kernel)
    try:
        found = torch.nn.functional.conv2d(picture.to(device), kernel.to(device)).cpu()
    except Exception as error:  # drivers and libraries raise what they like: RuntimeError, OSError, ImportError, …
        text = str(error).strip()
        return text.splitlines()[0].rstrip(".") if text else type(error).__name__
    return "" if torch.allclose(found, expected, atol=1e-2) else "it computes wrong numbers"


def sentence_of_failure(failure: str, name: str, version: str) -> str:
    """Say what a GPU that is there and cannot compute needs."""
    if "no kernel image" in failure:
        cause = f"PyTorch {version} has no code for {name}"
        help_with_it = "set the engine up again, which chooses the build that has"
    else:
        cause = f"{name} is there but cannot compute ({failure})"
        help_with_it = "close other programs that use it, or restart the computer"
    return f"{cause}: networks run on the processor; {help_with_it}. Until then {ADVICE}"


def why_no_gpu(platform: Platform, graphics: Graphics, version: str, has_cuda: bool) -> str:
    """Say why PyTorch sees no GPU; `has_cuda` is whether its build could use one."""
    try:
        fitting = torch_requirement(platform, graphics)
    except UserError:  # a machine on which somebody installed PyTorch in another way
        return f"There is no CUDA GPU: networks run on the processor; {ADVICE}"
    if not fitting.gpu:
        return f"{fitting.sentence.rstrip('.')}. Until then {ADVICE}"
    name = graphics.cards[0][0]
    if not has_cuda:
        again = "set the engine up again, which installs the build that can"
        return f"PyTorch {version} cannot use {name}: networks run on the processor; {again}. Until then {ADVICE}"
    hidden = f" ({VISIBLE} is “{os.environ[VISIBLE]}”)" if VISIBLE in os.environ else ""
    again = "restart the computer, or set the engine up again"
    return f"PyTorch does not see {name}{hidden}: networks run on the processor; {again}. Until then {ADVICE}"


def try_convolutions(device: torch.device) -> None:
    """On a GPU, have the first convolution of every shape done in all ways that there are, and keep the fastest.

    The same few shapes come again and again, in training and in rendering.
    """
    import torch

    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
