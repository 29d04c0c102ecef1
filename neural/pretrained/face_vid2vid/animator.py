# SPDX-License-Identifier: GPL-3.0-or-later
"""face-vid2vid, loaded from the user's file, animating one photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ....tracking.photos.framing import Framing
from ..contents import load_layer, network_tensors
from ..oneshot_source import painted
from ..torchscript import as_input
from .networks import Generator, HeadPoseEstimator, KeyPointDetector, posed, relative

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from ....tracking.heads.arrays import Image
    from ..oneshot_source import Animation


class FaceVid2Vid:
    """The three networks."""

    photo_framing = driving_framing = Framing(1.95, 0.07)
    """As in VoxCeleb's pictures, on which they were trained: the face, from its hair to its chin, fills 0.7 of them."""

    def __init__(self, file: Path, device: str) -> None:
        """Load them.

        Raises:
            UserError: the file is damaged or holds another network.
        """
        self._device = device
        self._generator, self._detector, self._estimator = Generator(), KeyPointDetector(), HeadPoseEstimator()
        layers: dict[str, nn.Module] = {
            "generator": self._generator,
            "kp_detector": self._detector,
            "he_estimator": self._estimator,
        }
        tensors = network_tensors(file, "face-vid2vid")
        for name, layer in layers.items():
            load_layer(layer, tensors, name, file)
            layer.eval().requires_grad_(requires_grad=False).to(device)

    @torch.inference_mode()
    def animation(self, photo: Image, initial: Image) -> Animation:
        """Look at the photo and at the initial driving picture, `[256, 256, 3]` each; pictures will have 256 pixels."""
        source = as_input(photo, self._device)
        volume, canonical = self._generator.volume(source), self._detector(source)

        def key_points(picture: Tensor) -> Tensor:
            """Of the photo's person, with the pose and the expression of a picture."""
            return posed(canonical, self._estimator(picture))

        points, first = key_points(source), key_points(as_input(initial, self._device))

        @torch.inference_mode()
        def animated(driving: Image) -> Image:
            moved = relative(points, key_points(as_input(driving, self._device)), first)
            features, _, _ = self._generator.warped(volume, points, moved)
            return painted(self._generator.decoder, features)

        return animated
