# SPDX-License-Identifier: GPL-3.0-or-later
"""Coarse video by a network that moves a photo as another video moves.

The other video is the mesh warp of the same photo, so that no footage is needed, or a driving video. Motion is
relative: what the network sees change since the initial driving picture changes in the photo. Around the face stays the
mesh warp.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn

from ...tracking.heads.arrays import Image
from ...tracking.photos.coarse_video import CoarseVideo
from ..precision import native_dtype

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats
    from ...tracking.performances.performance import Performance
    from ...tracking.photos.coarse_source import SolvedPhoto
    from ...tracking.photos.driver import Driver
    from ...tracking.photos.framing import Framing

SIDE = 256
"""Pixels of the pictures that the networks look at."""

Animation = Callable[[Image], Image]
"""Takes a driving picture `[256, 256, 3]`; returns the photo's `[S, S, 3]`, moved as the driving ones have moved."""


class Animator(Protocol):
    """A one-shot network, loaded.

    Attributes:
        photo_framing, driving_framing: how it wants to see the face of the photo and of what drives it.
    """

    photo_framing: Framing
    driving_framing: Framing

    def animation(self, photo: Image, initial: Image) -> Animation:
        """Look at the photo and at the initial driving picture, `[256, 256, 3]` each."""


class OneshotSource:
    """Renders frames of one photo, in order. Close it, or use it in a `with` statement."""

    def __init__(self, photo: SolvedPhoto, animator: Animator, driver: Driver | None = None) -> None:
        """Prepare a photo; where there is a driver, its frames are those of the performance.

        Raises:
            UserError: the driver's file is damaged.
        """
        self._square = animator.photo_framing.square(photo.landmarks[None])
        seen = driver.landmarks(photo.head) if driver else photo.landmarks[None]
        self._driving_square = animator.driving_framing.square(seen)
        self._pictures = driver.pictures() if driver else None
        self._warp = CoarseVideo(photo.head, photo.still, photo.window, photo.matte, photo.landmarks)
        initial = driver.initial_picture() if driver else self._warp.frame(photo.still, 0)[0]
        self._animation = animator.animation(
            self._square.cut(photo.window, SIDE), self._driving_square.cut(initial, SIDE)
        )

    def __enter__(self) -> OneshotSource:
        return self

    def __exit__(self, *error: object) -> None:
        self._warp.__exit__(*error)
        if self._pictures:
            self._pictures.close()

    def frame(self, performance: Performance, index: int, neutral: Floats | None = None) -> tuple[Image, Floats]:
        """Return the picture `[S, S, 3]` of the next frame of a performance and, nearly, its matte `[S, S]`, 0 to 1.

        The matte is that of the mesh warp.

        Raises:
            UserError: the driver's file is damaged.
        """
        around, matte = self._warp.frame(performance, index, neutral)
        driving = next(self._pictures) if self._pictures else around
        face = self._animation(self._driving_square.cut(driving, SIDE))
        return self._square.pasted(face, around), matte


def painted(decoder: nn.Module, features: torch.Tensor) -> Image:
    """Return the picture `[S, S, 3]`, uint8, that a decoder makes of features `[1, C, H, W]`.

    It is computed in bfloat16 where the device has that, which changes it by half a grey level; never in float16.
    """
    device = features.device
    with torch.autocast(device.type, torch.bfloat16, enabled=native_dtype(device) == torch.bfloat16):
        return as_picture(decoder(features).float())


def as_picture(output: torch.Tensor) -> Image:
    """Return `[H, W, 3]`, uint8, of `[1, 3, H, W]`, 0 to 1."""
    picture: Image = (output[0].clamp(0, 1) * 255 + 0.5).permute(1, 2, 0).to(torch.uint8).cpu().numpy()
    return picture
