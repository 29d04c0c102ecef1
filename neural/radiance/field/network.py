# SPDX-License-Identifier: GPL-3.0-or-later
"""The field: a hash grid and two small networks; a posed head is seen by rays through a shell about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ..kernels.hash_encoding import FEATURES, Grids, hash_encoding
from ..kernels.nearest_triangle import Samples, TriangleMesh
from ..kernels.ray_compositing import composite_samples
from ..network import RadianceNetwork
from ..scene import PosedHead, Rendering, window_about
from .deformation import Deformation
from .occupancy import Occupancy

if TYPE_CHECKING:
    from ....tracking.heads.arrays import Floats
    from ....tracking.heads.camera import PinholeCamera
    from ..scene import HeadSurface

SHELL, STRIDE, ROOM = 0.006, 0.0015, 24
"""Metres about the head that are sampled, between samples, and the most samples of a ray."""
MARGIN = 0.02
"""Metres about the canonical head that the grid covers."""
MOUTH, HIDDEN, GEOMETRY = 8, 32, 15
"""Numbers that tell the mouth's expression, of a hidden layer, and that density hands to colour."""
DENSITY, MOST_DENSITY = 100.0, 9.0
"""A metre, of a logarithm of 0; the largest logarithm."""
FIRST_DENSITY = -1.0
"""Logarithm at the beginning: nearly clear, for an opaque beginning learns little (20 dB against 30)."""
NEARLY_OPAQUE = 0.8
"""Alpha of a ray into the head that is drawn as 1: skin that training saw little of is speckled otherwise."""
CHUNK = 16384
"""Rays at a time in rendering."""


@dataclass(frozen=True)
class PreparedField:
    """A posed head with its hair, for rays: where it is, how space about it is mapped, its expression as the mouth
    sees it `[8]`.
    """

    head: PosedHead
    gradients: Tensor
    mouth: Tensor


@dataclass(frozen=True)
class Space:
    """The canonical head and the grid about it.

    Attributes:
        deformation: maps to it; mesh: finds what is near a posed head.
        low: `[3]` a corner of the grid, metres; side: its length.
    """

    deformation: Deformation
    mesh: TriangleMesh
    low: Tensor
    side: float

    @classmethod
    def about(cls, canonical: Tensor, triangles: Tensor) -> Space:
        """Make it of the canonical head: `canonical [V, 3]`, `triangles [T, 3]` int32."""
        low, high = canonical.amin(0), canonical.amax(0)
        side = float((high - low).max()) + 2 * MARGIN
        return cls(Deformation(canonical, triangles), TriangleMesh(canonical, triangles), low - MARGIN, side)


class FieldNetwork(RadianceNetwork[Space]):
    """Density and colour about one person's head in canonical space.

    Attributes:
        canonical: `[V, 3]` metres; triangles: `[T, 3]` int32; in_mouth: `[V]` 1 for what depends on expression.
        hair: `[V, 3]` metres in head space, by which hair lies off the tracked skin; `canonical` is with it.
    """

    hair: Tensor
    canonical: Tensor
    triangles: Tensor
    in_mouth: Tensor

    def __init__(self, vertices: int, triangles: int, expressions: int, grids: Grids | None = None) -> None:
        """Make room for a head of so many vertices and triangles, whose expression is so many numbers."""
        super().__init__()
        self.grids = grids or Grids()
        sizes = {"vertices": vertices, "triangles": triangles, "expressions": expressions}
        self.config = {**sizes, "grids": asdict(self.grids)}
        self.register_buffer("hair", torch.zeros(vertices, 3))
        self.register_buffer("canonical", torch.zeros(vertices, 3))
        self.register_buffer("triangles", torch.zeros(triangles, 3, dtype=torch.int32))
        self.register_buffer("in_mouth", torch.zeros(vertices))
        self.occupancy = Occupancy()
        self.table = nn.Parameter(1e-4 * (2 * torch.rand(self.grids.starts[-1], FEATURES) - 1))
        self.expression = nn.Linear(expressions, MOUTH)
        features = self.grids.levels * FEATURES
        self.density = nn.Sequential(nn.Linear(features + MOUTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1 + GEOMETRY))
        self.colour = nn.Sequential(
            *(nn.Linear(GEOMETRY + MOUTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()),
            nn.Linear(HIDDEN, 3),
        )

    @classmethod
    def about(cls, surface: HeadSurface, hair: Floats, expressions: int, grids: Grids | None = None) -> FieldNetwork:
        """Begin about a person's head and `hair [V, 3]`, whose expression is so many numbers."""
        network = cls(len(surface.canonical), len(surface.triangles), expressions, grids)
        network.hair.copy_(torch.from_numpy(hair))
        network.canonical.copy_(torch.from_numpy(surface.canonical + hair))
        network.triangles.copy_(torch.from_numpy(surface.triangles.astype(np.int32)))
        network.in_mouth.copy_(torch.from_numpy(surface.mouth))
        return network

    def derive(self) -> Space:
        """The canonical head and the grid about it."""
        return Space.about(self.canonical, self.triangles)

    def prepare(self, head: PosedHead) -> PreparedField:
        """Find how space about a head and its hair is mapped."""
        with torch.no_grad():
            haired = replace(head, vertices=head.vertices + self.hair @ head.to_camera.T)
            gradients = self.derived.deformation.gradients(haired.vertices)
        return PreparedField(haired, gradients, self.expression(head.expression))

    def draw(
        self, prepared: PreparedField, directions: Tensor, starts: Tensor, explore: bool = False
    ) -> tuple[Tensor, Tensor]:
        """See a head by rays from the camera in `directions [R, 3]` with z = 1; `starts [R]`, 0 to 1, shift samples.

        Training has to `explore`: it looks at some empty places, too, and sees rays as clear as they are.

        Returns:
            sums: `[R, 4]` premultiplied colour and depth times alpha; light: `[R]` what shines through.
        """
        space = self.derived
        space.mesh.move(prepared.head.vertices)
        samples = space.mesh.walk(directions, starts, SHELL, STRIDE, ROOM)
        points = directions[samples.rays] * samples.depths[:, None]
        near = samples.triangles, samples.barycentric
        canonical = space.deformation.to_canonical(points, *near, prepared.head.vertices, prepared.gradients)
        places = ((canonical - space.low) / space.side).clamp(0, 1)
        kept = self.occupancy.worth(places, explore)
        logarithms, colours = self.values(places[kept], self.mouth_of(prepared, samples)[kept])
        densities = DENSITY * torch.exp((logarithms + FIRST_DENSITY).clamp(max=MOST_DENSITY))
        if explore:
            self.occupancy.see(places[kept], densities.detach())
        counted = torch.cat([kept.new_zeros(1, dtype=torch.int32), kept.cumsum(0, dtype=torch.int32)])
        values = torch.cat([colours, samples.depths[kept][:, None]], 1)
        sums, light = composite_samples(counted[samples.starts.long()], densities, values, STRIDE)
        return (sums, light) if explore else filled(sums, light, samples.hidden)

    def mouth_of(self, prepared: PreparedField, samples: Samples) -> Tensor:
        """Return `[S, 8]`: the expression in the mouth, nothing elsewhere."""
        corners = self.triangles[samples.triangles.long()].long()
        inside = (self.in_mouth[corners] * samples.barycentric).sum(1)
        return inside[:, None] * prepared.mouth

    def values(self, places: Tensor, mouth: Tensor) -> tuple[Tensor, Tensor]:
        """Return logarithms of density `[S]` and colours `[S, 3]` at `places [S, 3]` of the grid, 0 to 1."""
        hidden = self.density(torch.cat([hash_encoding(places, self.table, self.grids), mouth], 1))
        return hidden[:, 0], torch.sigmoid(self.colour(torch.cat([hidden[:, 1:], mouth], 1)))

    @torch.no_grad()
    def render(self, prepared: PreparedField, camera: PinholeCamera) -> Rendering:
        """See the field through a camera."""
        left, top, right, bottom = window_about(prepared.head, camera)
        rays = directions_of(camera, prepared.head.vertices.device)[top:bottom, left:right].reshape(-1, 3)
        drawn = [
            self.draw(prepared, some.contiguous(), torch.full((len(some),), 0.5, device=rays.device))
            for some in torch.split(rays, CHUNK)
        ]
        sums, light = (torch.cat(part) for part in zip(*drawn, strict=True))
        seen = torch.cat([sums, 1 - light[:, None]], 1).view(bottom - top, right - left, 5)
        whole = torch.zeros(camera.height, camera.width, 5, device=rays.device)
        whole[top:bottom, left:right] = seen
        depth = torch.where(whole[..., 4] > 0, whole[..., 3] / whole[..., 4].clamp(min=1e-6), 0)
        return Rendering(whole[..., [0, 1, 2, 4]], depth)


def filled(sums: Tensor, light: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Make rays into the head, `hidden [R]`, opaque that nearly are; `sums [R, 4]` and `light [R]` are as drawn."""
    alpha = 1 - light
    gain = torch.where(hidden, 1 / alpha.clamp(min=NEARLY_OPAQUE), 1)
    return sums * gain[:, None], 1 - alpha * gain


def directions_of(camera: PinholeCamera, device: torch.device) -> Tensor:
    """Return `[H, W, 3]`: where each pixel's centre looks, with z = 1."""
    x = (torch.arange(camera.width, device=device) + 0.5 - camera.cx) / camera.fx
    y = (torch.arange(camera.height, device=device) + 0.5 - camera.cy) / camera.fy
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([columns, rows, torch.ones_like(rows)], -1)
