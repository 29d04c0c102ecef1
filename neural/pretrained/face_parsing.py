# SPDX-License-Identifier: GPL-3.0-or-later
"""A face-parsing network of the user's tells hair from clothes.

A TorchScript file of the kind that is trained on CelebAMask-HQ (BiSeNet and its like): a picture in ImageNet's
scale in, scores of 19 classes out. Semblance ships none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ...tracking.datasets.pictures import central_window, window_margin
from ...tracking.mattes.head_only import Parsing
from .perceptual import DEVIATION, MEAN
from .torchscript import Network, as_input, device_of, load_network

if TYPE_CHECKING:
    from pathlib import Path

    from ...tracking.heads.arrays import Image

CLASSES = 19
HAIR, CLOTHES = (17, 18), (15, 16)
"""Classes of CelebAMask-HQ: hair and hat; necklace and cloth."""
NETWORK_SIDE = 512


class FaceParsing:
    """Parses the enlarged windows of a take."""

    def __init__(self, path: Path, device: str) -> None:
        """Load the network.

        Raises:
            UserError: the file is damaged or holds another network.
        """
        self._network = load_network(path, device, what="a face-parsing network of 19 classes", does=scores_classes)
        self._device = device

    @torch.inference_mode()
    def __call__(self, rgb: Image) -> Parsing:
        """Return the hair and the clothes, `[H, H]` each, 0 to 1, in the middle of a window `[H, H, 3]`, RGB uint8.

        None are seen around the middle.
        """
        middle = central_window(rgb)
        small = cv2.resize(middle, (NETWORK_SIDE, NETWORK_SIDE), interpolation=cv2.INTER_LINEAR)
        scores = class_scores(self._network(in_scale(as_input(small, self._device))))
        shares = F.interpolate(scores, (len(middle), len(middle)), mode="bilinear").softmax(1)[0]
        hair, clothes = (shares[list(classes)].sum(0).cpu().numpy() for classes in (HAIR, CLOTHES))
        return Parsing(*(np.pad(part, window_margin(len(rgb))) for part in (hair, clothes)))


def in_scale(picture: Tensor) -> Tensor:
    """Return pictures `[B, 3, H, W]`, 0 to 1, in ImageNet's scale: mean 0 and deviation 1 of each channel."""
    mean, deviation = (picture.new_tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return (picture - mean) / deviation


def class_scores(output: Any) -> Tensor:
    """Return `[B, 19, h, w]`: what the network gives, or the first of it (BiSeNet adds those of its training)."""
    return output if isinstance(output, Tensor) else output[0]


def scores_classes(network: Network) -> bool:
    """Tell whether a network gives scores of 19 classes."""
    picture = torch.zeros(1, 3, 128, 128, device=device_of(network))
    return class_scores(network(picture)).shape[:2] == (1, CLASSES)
