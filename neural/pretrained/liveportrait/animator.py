# SPDX-License-Identifier: GPL-3.0-or-later
"""LivePortrait, loaded from the user's files, animating one photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ....tracking.photos.framing import Framing
from ..contents import load_layer, network_tensors
from ..oneshot_blocks import AppearanceVolume, SpadeDecoder, WarpedFeatures
from ..oneshot_source import painted
from ..torchscript import as_input
from .networks import KEY_POINTS, STITCHING, MotionExtractor, Perceptron, posed, relative, stitched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

    from ....tracking.heads.arrays import Image
    from ..oneshot_source import Animation

STITCHING_FILE, STITCHING_NAME = "stitching_retargeting_module", "retarget_shoulder"


class LivePortrait:
    """The five networks."""

    photo_framing, driving_framing = Framing(2.3, 0.125), Framing(2.2, 0.1)
    """As its authors cut their pictures."""

    def __init__(self, files: Mapping[str, Path], device: str) -> None:
        """Load them; `files` are by part, as the registry of weights calls them.

        Raises:
            UserError: a file is damaged or holds another network.
        """
        self._device = device
        self._appearance, self._motion = AppearanceVolume(), MotionExtractor()
        self._warping, self._generator = WarpedFeatures(KEY_POINTS), SpadeDecoder(doubled=True)
        self._stitching = Perceptron(STITCHING)
        layers: dict[str, tuple[nn.Module, str]] = {
            "appearance_feature_extractor": (self._appearance, ""),
            "motion_extractor": (self._motion, ""),
            "warping_module": (self._warping, ""),
            "spade_generator": (self._generator, ""),
            STITCHING_FILE: (self._stitching, STITCHING_NAME),
        }
        for part, (layer, name) in layers.items():
            load_layer(layer, network_tensors(files[part], "liveportrait", part), name, files[part])
            layer.eval().requires_grad_(requires_grad=False).to(device)

    @torch.inference_mode()
    def animation(self, photo: Image, initial: Image) -> Animation:
        """Look at the photo and at the initial driving picture, `[256, 256, 3]` each; pictures will have 512 pixels."""
        source = as_input(photo, self._device)
        volume, motion = self._appearance(source), self._motion(source)
        points, first = posed(motion), self._motion(as_input(initial, self._device))

        @torch.inference_mode()
        def animated(driving: Image) -> Image:
            moved = relative(motion, self._motion(as_input(driving, self._device)), first)
            features, _, _ = self._warping(volume, points, stitched(self._stitching, points, moved))
            return painted(self._generator, features)

        return animated
