# SPDX-License-Identifier: GPL-3.0-or-later
"""A head of splats: Gaussians on its triangles, moved and coloured by expression, lit by their normals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..kernels.splatting import CUT_OFFS, Binding, CutOffs, composite, project, sizes_at_rest
from ..network import RadianceNetwork
from ..scene import PosedHead, Rendering

if TYPE_CHECKING:
    from ....tracking.heads.arrays import Floats
    from ....tracking.heads.camera import PinholeCamera
    from .placement import Placement

COLOUR_BASES, SHAPE_BASES, HIDDEN = 10, 10, 32
OPACITY, SHELL_OPACITY, CLEAR = 1.5, -1.5, -4.0
"""Logits at the beginning."""
LIGHTS = 8
"""Spherical harmonics up to the second order, without the constant."""
TINTED = 0.25
"""How much of the change of a colour's hue with expression is kept, of its brightness all: skin is shaded more than it
is tinted, and tints that are learnt from few frames speckle in others.
"""
ROOM = 0.01
"""Share of the weights' range that is left beyond it: what training sees is never cut off."""
DISPLACED = 1e-3
"""Metres by which a vertex basis of 1 moves: one learning rate fits bases and network."""


@dataclass(frozen=True)
class PreparedSplats:
    """Splats of a posed head, for any camera's intrinsics.

    Attributes:
        vertices: `[V, 3]` in camera space, displaced.
        displacements: `[V, 3]` metres in head space.
        logits: `[N, 3]` of the colours, before light; opacities: `[N]`.
        view: `[3, 3]` directions in the space of the light to camera space.
    """

    vertices: Tensor
    displacements: Tensor
    logits: Tensor
    opacities: Tensor
    view: Tensor


class SplatNetwork(RadianceNetwork[Binding]):
    """Gaussians bound to the triangles of one person's head.

    Attributes:
        corners: `[N, 3]` int32: the vertices of each splat's triangle; barycentric: `[N, 3]` its place between them;
            rest_sizes: `[N]` metres: square root of the triangle's area at rest.
        condition_range: `[2, E]` or `[2, E + 3]` least and most of the expression, and of the rotation, in training.
        weight_range: `[2, 20]` least and most weights of the bases in training.
        turned: whether splats change with the head's rotation, too. Skin speckles where such a head turns farther than
            in training; a photo's is trained as far as it is good for.
    """

    corners: Tensor
    barycentric: Tensor
    rest_sizes: Tensor
    condition_range: Tensor
    weight_range: Tensor

    def __init__(self, splats: int, vertices: int, expressions: int, turned: bool) -> None:
        """Make room for so many splats on a head of so many vertices, whose expression is so many numbers."""
        super().__init__()
        self.config = {"splats": splats, "vertices": vertices, "expressions": expressions, "turned": turned}
        self.turned = turned
        conditions = expressions + 3 * turned
        self.register_buffer("corners", torch.zeros(splats, 3, dtype=torch.int32))
        self.register_buffer("barycentric", torch.zeros(splats, 3))
        self.register_buffer("rest_sizes", torch.ones(splats))
        self.register_buffer("condition_range", torch.tensor([[-9.0], [9.0]]).repeat(1, conditions))
        anything = torch.tensor([[-torch.inf], [torch.inf]]).repeat(1, COLOUR_BASES + SHAPE_BASES)
        self.register_buffer("weight_range", anything)
        self.offsets = nn.Parameter(torch.zeros(splats, 3))
        self.log_scales = nn.Parameter(torch.zeros(splats, 3))
        self.rotations = nn.Parameter(torch.tensor([1.0, 0, 0, 0]).repeat(splats, 1))
        self.opacity_logits = nn.Parameter(torch.zeros(splats))
        self.colour_logits = nn.Parameter(torch.zeros(splats, 3))
        self.colour_bases = nn.Parameter(torch.zeros(COLOUR_BASES, splats * 3))
        self.displacement = nn.Parameter(torch.zeros(vertices * 3))
        self.shape_bases = nn.Parameter(torch.zeros(SHAPE_BASES, vertices * 3))
        self.light = nn.Parameter(torch.zeros(LIGHTS, 3))
        self.conditioned = nn.Sequential(
            nn.Linear(conditions, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, COLOUR_BASES + SHAPE_BASES)
        )

    @classmethod
    def placed(cls, placement: Placement, rest: Floats, expressions: int, turned: bool) -> SplatNetwork:
        """Begin with splats as placed on a head that is `rest [V, 3]` without expression."""
        network = cls(len(placement.corners), len(rest), expressions, turned)
        with torch.no_grad():
            network.corners.copy_(torch.from_numpy(placement.corners))
            network.barycentric.copy_(torch.from_numpy(placement.barycentric))
            network.rest_sizes.copy_(torch.from_numpy(sizes_at_rest(placement.corners, rest)))
            network.offsets[:, 2] = torch.from_numpy(placement.heights)
            network.log_scales.copy_(torch.from_numpy(placement.sizes).log())
            on_shell = torch.from_numpy(placement.on_shell)
            opacities = torch.where(on_shell, SHELL_OPACITY, OPACITY)
            network.opacity_logits.copy_(opacities.masked_fill(torch.from_numpy(placement.beside), CLEAR))
        return network

    def derive(self) -> Binding:
        """Where the splats sit, as kernels want it."""
        return Binding.of(self.corners, self.barycentric, self.rest_sizes, self.config["vertices"])

    def learn_range(self, expressions: Tensor, rotations: Tensor) -> None:
        """Note what is seen in training, `[T, 52]` and `[T, 3, 3]`: beyond it nothing is extrapolated."""
        seen = self._conditions(expressions, rotations)
        self.condition_range.copy_(torch.stack([seen.amin(0), seen.amax(0)]))

    @torch.no_grad()
    def bound_weights(self, expressions: Tensor, rotations: Tensor) -> None:
        """Note how far the bases go in training, `[T, 52]` and `[T, 3, 3]`: expressions that are never seen together
        there would take them much farther, and skin would look as if developed too hard.
        """
        weights = self.conditioned(self._conditions(expressions, rotations))
        low, high = weights.amin(0), weights.amax(0)
        room = ROOM * (high - low)
        self.weight_range.copy_(torch.stack([low - room, high + room]))

    def prepare(self, head: PosedHead) -> PreparedSplats:
        """Give the splats the expression of a head."""
        condition = self._conditions(head.expression, head.rotation)
        condition = torch.minimum(torch.maximum(condition, self.condition_range[0]), self.condition_range[1])
        weights = self.conditioned(condition).clamp(*self.weight_range)
        moved = torch.addmv(self.displacement, self.shape_bases.T, weights[COLOUR_BASES:])
        displacements = DISPLACED * moved.view(-1, 3)
        logits = self.colour_logits + self._colour_changes(weights[:COLOUR_BASES])
        vertices = head.vertices + displacements @ head.to_camera.T
        return PreparedSplats(vertices, displacements, logits, torch.sigmoid(self.opacity_logits), head.view)

    def _conditions(self, expressions: Tensor, rotations: Tensor) -> Tensor:
        """Return `[..., E + 3]`, or `[..., E]` where splats do not change with the head's rotation."""
        return torch.cat([expressions, rotation_vectors(rotations)], -1) if self.turned else expressions

    def _colour_changes(self, weights: Tensor) -> Tensor:
        """Return `[N, 3]`: what weights `[COLOUR_BASES]` add to the logits of the colours."""
        changes = (self.colour_bases.T @ weights).view(-1, 3)
        return torch.lerp(changes.mean(-1, keepdim=True), changes, TINTED)

    def draw(
        self, prepared: PreparedSplats, camera: PinholeCamera, cut_offs: CutOffs = CUT_OFFS
    ) -> tuple[Tensor, Tensor]:
        """Return `[H, W, 4]` premultiplied colour and depth times alpha, and `[H, W]` the light that shines through."""
        shape = (self.offsets, self.log_scales, self.rotations)
        projected = project(prepared.vertices, self.derived, *shape, prepared.opacities, camera, cut_offs)
        lit = torch.sigmoid(prepared.logits) * (1 + harmonics(projected.normals @ prepared.view) @ self.light)
        values = torch.cat([lit, projected.depths[:, None]], -1)
        return composite(projected, prepared.opacities, values, camera, cut_offs)

    @torch.no_grad()
    def render(self, prepared: PreparedSplats, camera: PinholeCamera) -> Rendering:
        """See the splats through a camera."""
        picture, light = self.draw(prepared, camera)
        alpha = 1 - light
        rgba = torch.cat([picture[..., :3].clamp(0, 1), alpha[..., None]], -1)
        return Rendering(rgba, torch.where(alpha > 0, picture[..., 3] / alpha.clamp(min=1e-6), 0))


def harmonics(normals: Tensor) -> Tensor:
    """Return `[N, 8]`: spherical harmonics of the first and second order of unit `normals [N, 3]`, without scales."""
    x, y, z = normals.unbind(-1)
    return torch.stack([x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1], -1)


def rotation_vectors(rotations: Tensor) -> Tensor:
    """Return `[..., 3]`, axis times angle, of `rotations [..., 3, 3]` of less than half a turn."""
    skew = torch.stack(
        [
            rotations[..., 2, 1] - rotations[..., 1, 2],
            rotations[..., 0, 2] - rotations[..., 2, 0],
            rotations[..., 1, 0] - rotations[..., 0, 1],
        ],
        -1,
    )
    trace = rotations.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
    angle = torch.arccos(((trace - 1) / 2).clamp(-1, 1))
    return skew / 2 / torch.sinc(angle / torch.pi).clamp(min=1e-3)
