# SPDX-License-Identifier: GPL-3.0-or-later
"""LPIPS and FID: metrics by others' networks, whose weights the user has to fetch.

Not run with the real weights yet, which cannot be had on the machines that this was written on: only with stand-ins
of the same interface.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
import torchmetrics
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from ...tracking.datasets.writer import as_bytes
from ..pretrained.contents import load_layer, network_tensors
from ..pretrained.recognition import INCEPTION_FEATURES, gives_features
from ..pretrained.torchscript import load_network
from .metrics import as_batch

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats

# --- LPIPS ----------------------------------------------------------------------------------------------------------

CONVOLUTIONS = {
    0: (3, 64, 11, 4, 2),
    3: (64, 192, 5, 1, 2),
    6: (192, 384, 3, 1, 1),
    8: (384, 256, 3, 1, 1),
    10: (256, 256, 3, 1, 1),
}
"""Of torchvision's AlexNet, by place in its list of layers: inputs, outputs, kernel, stride, padding."""
POOLED_BEFORE = (3, 6)
"""Places of convolutions with a pooling before them."""
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""How LPIPS normalises pictures in [-1, 1]."""
LINEAR_WEIGHTS = Path(torchmetrics.__file__).parent / "functional/image/lpips_models/alex.pth"


class Lpips(nn.Module):
    """The learned perceptual distance of Zhang et al. 2018 (version 0.1, AlexNet)."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel, stride, padding)
            for inputs, outputs, kernel, stride, padding in CONVOLUTIONS.values()
        )
        self.linear = nn.ParameterList(torch.zeros(1, outputs, 1, 1) for _, outputs, *_ in CONVOLUTIONS.values())
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1))
        self.requires_grad_(False)

    @classmethod
    def from_file(cls, path: Path) -> Lpips:
        """Read torchvision's AlexNet (`features.N.weight`); the linear weights come with torchmetrics.

        Raises:
            UserError: the file is damaged or holds other weights.
        """
        network = cls()
        linear = torch.load(LINEAR_WEIGHTS, map_location="cpu", weights_only=True)
        tensors = network_tensors(path, "alexnet")
        for place, layer in zip(CONVOLUTIONS, network.convolutions, strict=True):
            load_layer(layer, tensors, f"features.{place}", path)
        for number, weight in enumerate(network.linear):
            weight.copy_(linear[f"lin{number}.model.1.weight"])
        return network

    def forward(self, picture: Tensor, truth: Tensor) -> Tensor:
        """Return distances `[B]` of pictures `[B, 3, H, W]`, 0 to 1; 0 when they are equal."""
        parts = [
            (weight * (F.normalize(ours) - F.normalize(theirs)).square()).sum(1).mean((1, 2))
            for weight, ours, theirs in zip(self.linear, self.features(picture), self.features(truth), strict=True)
        ]
        return torch.stack(parts).sum(0)

    def features(self, picture: Tensor) -> list[Tensor]:
        """Return five convolutions' rectified features `[B, C, h, w]` of pictures `[B, 3, H, W]`, 0 to 1."""
        x, features = (picture * 2 - 1 - self.shift) / self.scale, []
        for place, convolution in zip(CONVOLUTIONS, self.convolutions, strict=True):
            x = F.relu(convolution(F.max_pool2d(x, 3, 2) if place in POOLED_BEFORE else x))
            features.append(x)
        return features


# --- FID ------------------------------------------------------------------------------------------------------------


class Inception:
    """NVIDIA's TorchScript file of Inception v3 as of 2015-12-05, by whose features FID is defined.

    Raises:
        UserError: the file is damaged or holds another network.
    """

    def __init__(self, path: Path, device: str) -> None:
        self.device = device
        self.network = load_network(
            path,
            device,
            what="the Inception network for FID",
            does=lambda network: gives_features(network, INCEPTION_FEATURES),
        )

    @torch.inference_mode()
    def features(self, picture: Floats) -> Tensor:
        """Return `[1, 2048]` of a picture `[H, W, 3]`, 0 to 1."""
        features: Tensor = self.network(as_batch(as_bytes(picture)).to(self.device), return_features=True)
        return features.float().cpu()


def frechet_distance() -> FrechetInceptionDistance:
    """Return the FID, to be updated with Inception's features `[B, 2048]` in place of pictures; it keeps sums only.

    Fewer pictures than features make it larger: compare it only where as many pictures were used.
    """
    as_they_are = nn.Identity()
    as_they_are.register_buffer("num_features", torch.tensor(INCEPTION_FEATURES))
    return FrechetInceptionDistance(feature=as_they_are)
