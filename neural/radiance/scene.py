# SPDX-License-Identifier: GPL-3.0-or-later
"""What radiance avatars learn from and are asked for: posed heads, pictures of them, cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ...tracking.heads.rotations import from_angles
from ...tracking.mattes.head_region import AROUND_HEAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats, Integers
    from ...tracking.heads.camera import PinholeCamera


@dataclass(frozen=True)
class PosedHead:
    """A head as a camera sees it.

    Attributes:
        vertices: `[V, 3]` metres in camera space (OpenCV's axes).
        expression: `[E]`; ours has 52 numbers, 0 to 1.
        rotation: `[3, 3]` head space to that of the footage's camera, with which the light goes.
        view: `[3, 3]` directions in the space of the footage's camera to those of the camera that sees.
    """

    vertices: Tensor
    expression: Tensor
    rotation: Tensor
    view: Tensor

    @property
    def to_camera(self) -> Tensor:
        """`[3, 3]`: directions in head space to those of the camera that sees."""
        return self.view @ self.rotation

    def seen_from(self, rotation: Tensor, translation: Tensor) -> PosedHead:
        """The same head from another camera: `rotation [3, 3]`, `translation [3]`, this camera's space to its."""
        return PosedHead(self.vertices @ rotation.T + translation, self.expression, self.rotation, rotation @ self.view)

    def orbited(self, yaw: float, pitch: float = 0.0) -> PosedHead:
        """The head seen from round about its middle, by angles in radians, as if it turned to its right and down."""
        turn = torch.from_numpy(from_angles(np.array([pitch, yaw, 0.0]))).to(self.vertices)
        middle = self.vertices.mean(0)
        return self.seen_from(turn, middle - middle @ turn.T)


@dataclass(frozen=True)
class Rendering:
    """A picture of a head.

    Attributes:
        rgba: `[H, W, 4]` premultiplied sRGB and alpha, 0 to 1.
        depth: `[H, W]` metres from the camera, weighted by what is seen; 0 where nothing is.
    """

    rgba: Tensor
    depth: Tensor


@dataclass(frozen=True)
class View:
    """A picture to learn from, or a window of it.

    Attributes:
        head: what it shows; camera: of the window.
        colour: `[H, W, 3]` sRGB 0 to 1, not premultiplied; alpha: `[H, W]` 0 to 1 what is the head's.
        weight: `[H, W]` 0 to 1: how much each pixel counts.
        depth: `[H, W]` metres, 0 where it is not known; None without any.
    """

    head: PosedHead
    camera: PinholeCamera
    colour: Tensor
    alpha: Tensor
    weight: Tensor
    depth: Tensor | None = None

    def halved(self) -> View:
        """The same at half the size, without depth; the last row or column of an odd number is left out."""
        rows, columns = self.alpha.shape[0] // 2, self.alpha.shape[1] // 2
        if not rows or not columns:
            return self
        stacked = torch.cat([self.colour * self.alpha[..., None], self.alpha[..., None], self.weight[..., None]], -1)
        pooled = stacked[: 2 * rows, : 2 * columns].view(rows, 2, columns, 2, 5).mean((1, 3))
        colour, alpha, weight = pooled.split([3, 1, 1], -1)
        camera = replace(
            self.camera,
            fx=self.camera.fx / 2,
            fy=self.camera.fy / 2,
            cx=self.camera.cx / 2,
            cy=self.camera.cy / 2,
            width=columns,
            height=rows,
        )
        return View(self.head, camera, colour / alpha.clamp(min=1e-6), alpha[..., 0], weight[..., 0])


@dataclass(frozen=True)
class HeadSurface:
    """The surface that an avatar hangs on.

    Attributes:
        rest: `[V, 3]` metres, the person without expression in head space.
        triangles: `[T, 3]`, wound outward.
        scalp: `[V]` bool, where hair grows; sides: `[V]` bool, beside which long hair may hang.
        mouth: `[V]` bool, inside of the mouth and lips.
        canonical: `[V, 3]` like `rest`, with the jaw open.
    """

    rest: Floats
    triangles: Integers
    scalp: NDArray[np.bool_]
    sides: NDArray[np.bool_]
    mouth: NDArray[np.bool_]
    canonical: Floats


@dataclass(frozen=True)
class RadianceScene:
    """Pictures of one person by one camera, with what is known of each.

    Attributes:
        surface: the person's head.
        vertices: `[T, V, 3]` in camera space; expressions: `[T, E]`; rotations: `[T, 3, 3]`.
        colours: `[T, H, W, 3]` uint8 sRGB, not premultiplied; alphas, weights: `[T, H, W]` uint8, 255 is all.
        camera: of the pictures.
        depths: `[T, H, W]` float32 metres, 0 where it is not known; None without any.
        photographs: the frames that are true where others were made of them; none of footage.
    """

    surface: HeadSurface
    vertices: Tensor
    expressions: Tensor
    rotations: Tensor
    colours: Tensor
    alphas: Tensor
    weights: Tensor
    camera: PinholeCamera
    depths: Tensor | None = None
    photographs: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.vertices)

    def on(self, device: torch.device) -> RadianceScene:
        """The same scene with its pictures and poses in the memory of a device."""
        moved: dict[str, Any] = {name: each.to(device) for name, each in vars(self).items() if isinstance(each, Tensor)}
        return replace(self, **moved)

    def head(self, index: int) -> PosedHead:
        """The head of a frame."""
        here = torch.eye(3, device=self.vertices.device)
        return PosedHead(self.vertices[index], self.expressions[index], self.rotations[index], here)

    def view(self, index: int, *, whole: bool = False) -> View:
        """A frame's picture: the window about the head, or the `whole`."""
        head = self.head(index)
        left, top, right, bottom = (
            (0, 0, self.camera.width, self.camera.height) if whole else window_about(head, self.camera)
        )
        camera = replace(
            self.camera,
            cx=self.camera.cx - left,
            cy=self.camera.cy - top,
            width=right - left,
            height=bottom - top,
        )
        colour, alpha, weight = (
            stack[index, top:bottom, left:right].float() / 255 for stack in (self.colours, self.alphas, self.weights)
        )
        depth = None if self.depths is None else self.depths[index, top:bottom, left:right]
        return View(head, camera, colour, alpha, weight, depth)


def window_about(head: PosedHead, camera: PinholeCamera) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom in whole pixels of what a head and its hair can cover; at least one pixel."""
    x, y, z = head.vertices.unbind(-1)
    columns, rows = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
    margin = AROUND_HEAD * camera.fx / float(z.mean())
    low = torch.stack([columns.min(), rows.min()]) - margin
    high = torch.stack([columns.max(), rows.max()]) + margin
    (left, top), (right, bottom) = low.floor().int().tolist(), high.ceil().int().tolist()
    left, top = min(max(left, 0), camera.width - 1), min(max(top, 0), camera.height - 1)
    return left, top, min(max(right, left + 1), camera.width), min(max(bottom, top + 1), camera.height)
