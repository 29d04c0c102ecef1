# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the weights of others' networks lie on this machine; Semblance ships none."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "SEMBLANCE_WEIGHTS"

VGG19 = ("vgg19.safetensors", "vgg19-dcbb9e9d.pth")
ROBUST_VIDEO_MATTING = ("rvm_mobilenetv3_fp32.torchscript", "rvm_resnet50_fp32.torchscript")
"""As their authors name them; the first one is the smaller and faster."""
FACE_PARSING = ("face_parsing.torchscript",)
ALEXNET = ("alexnet-owt-7be5be79.pth",)
"""Torchvision's, for LPIPS; BSD-3-Clause."""
INCEPTION = ("inception-2015-12-05.pt",)
"""NVIDIA's TorchScript file of the Inception network that FID is defined by; Apache-2.0."""
ARCFACE = ("w600k_r50.onnx",)
"""InsightFace's, for CSIM; for non-commercial research only."""


def find(names: tuple[str, ...]) -> Path | None:
    """Return the first file of one of these names, in the user's folder of weights or in PyTorch's; None without."""
    return next((path for folder in folders() for name in names if (path := folder / name).is_file()), None)


def folders() -> tuple[Path, ...]:
    """Return the folders that are looked into; the first one is the user's: `$SEMBLANCE_WEIGHTS` or Semblance's."""
    cache = Path.home() / ".cache"
    own = Path(os.environ.get(FOLDER_VARIABLE, cache / "semblance/weights"))
    return own, cache / "torch/hub/checkpoints"
