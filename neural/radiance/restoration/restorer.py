# SPDX-License-Identifier: GPL-3.0-or-later
"""What restores a rendered view: one interface, and the two that need no photo."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from ...pretrained.gfpgan.network import GFPGAN
from .face_crop import FaceCrop

if TYPE_CHECKING:
    from pathlib import Path

    from ....tracking.heads.arrays import Floats, Image, Integers
    from ....tracking.heads.camera import PinholeCamera

FaceNetwork = Callable[["Image"], "Image"]
"""Restores a face, RGB uint8 `[512, 512, 3]`, that lies as FFHQ's do."""


class Restorer(Protocol):
    """Restores rendered views of one avatar; use it in a `with` statement, for it may hold OpenGL."""

    def restore(self, picture: Image, alpha: Floats, vertices: Floats, camera: PinholeCamera) -> Image:
        """Return a view, RGB uint8 `[H, W, 3]`, restored; the same input gives the same output.

        Args:
            picture: the rendered view, over any background.
            alpha: `[H, W]` 0 to 1: what of it is the head's; nothing else is changed.
            vertices: `[V, 3]`, the posed head that it shows, metres in camera space.
            camera: of the picture.
        """
        ...

    def __enter__(self) -> Restorer: ...

    def __exit__(self, *_error: object) -> None: ...


class NoRestorer:
    """Leaves views as they were rendered."""

    def restore(self, picture: Image, alpha: Floats, vertices: Floats, camera: PinholeCamera) -> Image:  # noqa: ARG002
        """Return the picture; see `Restorer`."""
        return picture

    def __enter__(self) -> NoRestorer:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is held."""


class FaceRestorer:
    """Restores the face by a network for faces that lie as FFHQ's do, placed by the tracked pose."""

    def __init__(self, network: FaceNetwork, landmarks: Integers) -> None:
        """`landmarks [478]` are the head's vertices at MediaPipe's landmarks."""
        self._network = network
        self._landmarks = landmarks

    def restore(self, picture: Image, alpha: Floats, vertices: Floats, camera: PinholeCamera) -> Image:
        """Return the picture with its face restored; see `Restorer`."""
        return self.restore_at(picture, alpha, camera.project(vertices[self._landmarks]))

    def restore_at(self, picture: Image, alpha: Floats, landmarks: Floats) -> Image:
        """Return a picture with its face restored, where `landmarks`, `[478, 2]` or five points `[5, 2]`, have it.

        Cut out by one turn, scale and shift, and put back with a soft border.
        """
        crop = FaceCrop.of(landmarks)
        return crop.put_back(self._network(crop.cut(picture)), picture, alpha)

    def __enter__(self) -> FaceRestorer:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is held."""


class GfpganNetwork:
    """GFPGAN v1.4 by our own class, from the user's file; noise off. On a processor a face takes about five seconds.

    The network is held to numbers of the published one with made-up weights. The published weights themselves have not
    been run, for they could not be had where this was written.
    """

    def __init__(self, path: Path, device: str) -> None:
        """Load the weights onto `device`, "cuda" or "cpu".

        Raises:
            UserError: the file is cut short or damaged, holds code, or holds another network.
        """
        self._device = device
        self._network = GFPGAN.from_file(path).to(device)

    @torch.inference_mode()
    def __call__(self, face: Image) -> Image:
        """Return a face restored, RGB uint8 `[512, 512, 3]`."""
        picture = torch.from_numpy(face).to(self._device).permute(2, 0, 1)[None].float() / 127.5 - 1
        restored = self._network(picture)[0].clamp(-1, 1).permute(1, 2, 0)
        image: Image = ((restored + 1) * 127.5 + 0.5).byte().cpu().numpy()
        return np.ascontiguousarray(image)
