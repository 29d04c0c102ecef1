# SPDX-License-Identifier: GPL-3.0-or-later
"""LPIPS, FID and CSIM: metrics by others' networks, whose weights the user has to fetch.

Not run with the real weights yet, which cannot be had on the machines that this was written on: only with stand-ins
of the same interface.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
import torchmetrics
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from ...common.errors import UserError
from ...tracking.datasets.writer import as_bytes
from ...tracking.detection.landmarks import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Landmarks
from ..pretrained.torchscript import load_network
from .metrics import as_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats, Image

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
        try:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
            for place, layer in zip(CONVOLUTIONS, network.convolutions, strict=True):
                layer.load_state_dict({kind: tensors[f"features.{place}.{kind}"] for kind in ("weight", "bias")})
        except Exception as error:  # torch and zipfile raise many kinds for damaged files
            raise UserError(f"{path} is not an AlexNet weights file or is damaged; fetch or delete it.") from error
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

INCEPTION_FEATURES = 2048


class Inception:
    """NVIDIA's TorchScript file of Inception v3 as of 2015-12-05, by whose features FID is defined.

    Raises:
        UserError: the file is damaged or holds another network.
    """

    def __init__(self, path: Path, device: str) -> None:
        self.device = device
        blank = torch.zeros(1, 3, 64, 64, dtype=torch.uint8, device=device)
        self.network = load_network(
            path,
            device,
            what="the Inception network for FID",
            works=lambda network: network(blank, return_features=True).shape == (1, INCEPTION_FEATURES),
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


# --- CSIM -----------------------------------------------------------------------------------------------------------

FACE_SIDE = 112
FACE_TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
"""Where ArcFace sees the subject's right and left eye, nose tip, right and left corner of the mouth: x, y in pixels."""
NOSE_TIP, MOUTH_CORNERS = 4, (61, 291)


class ArcFace:
    """The user's ArcFace network (ONNX), by whose codes of faces CSIM is defined.

    Raises:
        UserError: the file is damaged or holds another network.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.network = cv2.dnn.readNetFromONNX(str(path))
            self.code(
                np.zeros((FACE_SIDE, FACE_SIDE, 3), np.uint8), np.random.default_rng(0).random((478, 3), np.float32)
            )
        except cv2.error as error:
            raise UserError(f"{path} is not ArcFace's ONNX file or is damaged; fetch or delete it.") from error

    def code(self, picture: Image, landmarks: Landmarks) -> Floats:
        """Return the code `[N]`, of length 1, of the face `landmarks [478, 3]` in a picture, RGB uint8 `[H, W, 3]`."""
        face = cv2.warpAffine(picture, similarity(five_points(landmarks), np.array(FACE_TEMPLATE)), (FACE_SIDE,) * 2)
        self.network.setInput(cv2.dnn.blobFromImage(face, 1 / 127.5, (FACE_SIDE,) * 2, (127.5,) * 3))
        code: Floats = self.network.forward().ravel().astype(np.float32)
        return code / max(float(np.linalg.norm(code)), 1e-8)


def five_points(landmarks: Landmarks) -> Floats:
    """Return `[5, 2]` pixels: the points of `FACE_TEMPLATE` among `landmarks [478, 3]`."""
    right, left = (landmarks[list(corners), :2].mean(0) for corners in (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS))
    return np.stack([right, left, *landmarks[[NOSE_TIP, *MOUTH_CORNERS], :2]])


def similarity(points: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """Return `[2, 3]`: turn, scale and shift that bring `points [N, 2]` nearest to `targets [N, 2]` (least squares)."""
    (x, y), one, none = points.T, np.ones(len(points)), np.zeros(len(points))
    rows = np.concatenate([np.stack([x, -y, one, none], 1), np.stack([y, x, none, one], 1)])
    (a, b, right, down), *_ = np.linalg.lstsq(rows, np.concatenate([targets[:, 0], targets[:, 1]]), rcond=None)
    return np.array([[a, -b, right], [b, a, down]])
