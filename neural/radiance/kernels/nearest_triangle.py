# SPDX-License-Identifier: GPL-3.0-or-later
"""The nearest place on a mesh, and rays that walk about a mesh: both ask Warp's tree of bounding boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import warp as wp
from torch import Tensor

from .launching import launch, numbers, vectors

wp.set_module_options({"enable_backward": False})

SLACK = wp.constant(1.0e-5)
"""Metres added to the bounds of queries, against rounding."""


@wp.kernel
def find_nearest(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    most: float,
    triangles: wp.array(dtype=wp.int32),
    barycentric: wp.array(dtype=wp.vec3),
    distances: wp.array(dtype=float),
    first: int,
    step: int,
):
    """One point."""
    i = first + wp.tid() * step
    found = wp.mesh_query_point_no_sign(mesh, points[i], most)
    triangles[i] = -1
    distances[i] = most
    barycentric[i] = wp.vec3()
    if found.result:
        triangles[i] = found.face
        barycentric[i] = wp.vec3(found.u, found.v, 1.0 - found.u - found.v)
        distances[i] = wp.length(points[i] - wp.mesh_eval_position(mesh, found.face, found.u, found.v))


@wp.func
def through_box(direction: wp.vec3, low: wp.vec3, high: wp.vec3):
    """Depths at which a ray from the origin, whose direction has z = 1, enters and leaves a box."""
    near = low[2]
    far = high[2]
    for axis in range(2):  # a direction of 0 gives infinities, which bound nothing within the box and all beside it
        one = low[axis] / direction[axis]
        other = high[axis] / direction[axis]
        near = wp.max(near, wp.min(one, other))
        far = wp.min(far, wp.max(one, other))
    return wp.vec2(near, far)


@wp.kernel
def walk_rays(
    mesh: wp.uint64,
    directions: wp.array(dtype=wp.vec3),
    starts: wp.array(dtype=float),
    low: wp.vec3,
    high: wp.vec3,
    shell: float,
    stride: float,
    room: int,
    depths: wp.array2d(dtype=float),
    triangles: wp.array2d(dtype=wp.int32),
    barycentric: wp.array2d(dtype=wp.vec3),
    counts: wp.array(dtype=wp.int32),
    hidden: wp.array(dtype=wp.bool),
    first: int,
    step: int,
):
    """One ray from the origin: samples every `stride` within the shell; elsewhere it steps by its distance.

    `low` and `high` are the corners of a box about the shell. The ray ends where it leaves the shell inwards: what lies
    behind is hidden.
    """
    i = first + wp.tid() * step
    direction = directions[i]
    depths_in_box = through_box(direction, low, high)
    far = depths_in_box[1]
    # Samples lie as if all rays began at the front of the box.
    t = low[2] + (starts[i] + wp.floor((depths_in_box[0] - low[2]) / stride)) * stride
    hidden[i] = False
    taken = int(0)
    sampling = bool(False)
    bound = float(1.0e3)
    while t < far and taken < room:
        point = direction * t
        ahead = stride
        found = wp.mesh_query_point_no_sign(mesh, point, bound)
        distance = bound
        if found.result:
            distance = wp.length(point - wp.mesh_eval_position(mesh, found.face, found.u, found.v))
            if distance < shell:
                depths[i, taken] = t
                triangles[i, taken] = found.face
                barycentric[i, taken] = wp.vec3(found.u, found.v, 1.0 - found.u - found.v)
                taken += 1
                sampling = True
            else:
                if sampling and wp.mesh_query_point_sign_normal(mesh, point, distance + SLACK).sign < 0.0:
                    hidden[i] = True
                    break
                sampling = False
                ahead = wp.max(stride, wp.floor((distance - shell) / stride) * stride)
        t += ahead
        # Nothing is nearer to the next place than this; the mesh was so near to this one.
        bound = distance + ahead * 1.01 + SLACK
    counts[i] = taken


@dataclass(frozen=True)
class Nearest:
    """Places on a mesh: `triangles [P]` int32 (-1: none near enough), `barycentric [P, 3]`, `distances [P]` metres."""

    triangles: Tensor
    barycentric: Tensor
    distances: Tensor


@dataclass(frozen=True)
class Samples:
    """Places on rays, ray by ray.

    Attributes:
        starts: `[R + 1]` int32: where each ray's samples begin.
        hidden: `[R]` bool: whether each ends in the head.
        depths: `[S]` along the ray's direction; triangles: `[S]` int32; barycentric: `[S, 3]` of the nearest place.
    """

    starts: Tensor
    hidden: Tensor
    depths: Tensor
    triangles: Tensor
    barycentric: Tensor

    @property
    def rays(self) -> Tensor:
        """`[S]`: the ray of each sample."""
        counts = self.starts.diff().long()
        return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)


class TriangleMesh:
    """A mesh of fixed triangles whose vertices move."""

    def __init__(self, vertices: Tensor, triangles: Tensor) -> None:
        """`vertices [V, 3]` float32, `triangles [T, 3]` int32, on the kernels' device."""
        self._points = vertices.clone()
        self._mesh = wp.Mesh(points=vectors(self._points), indices=numbers(triangles.reshape(-1)))

    def move(self, vertices: Tensor) -> None:
        """Take other positions `[V, 3]`."""
        self._points.copy_(vertices)
        self._mesh.refit()

    def nearest(self, points: Tensor, most: float) -> Nearest:
        """Return the nearest places to `points [P, 3]` that are no farther than `most` metres."""
        count, device = len(points), points.device
        found = Nearest(
            torch.empty(count, dtype=torch.int32, device=device),
            torch.empty(count, 3, device=device),
            torch.empty(count, device=device),
        )
        made: list[Any] = [numbers(found.triangles), vectors(found.barycentric), numbers(found.distances)]
        launch(find_nearest, count, [self._mesh.id, vectors(points), most, *made])
        return found

    def walk(self, directions: Tensor, starts: Tensor, shell: float, stride: float, room: int) -> Samples:
        """Sample rays within a shell about the mesh, until they leave it inwards.

        Rays begin at the origin in `directions [R, 3]` with z = 1, so that depths along them are z; `starts [R]`, 0 to
        1, shift their samples; `stride` is between samples; no ray gets more than `room` of them.
        """
        rays, device = len(directions), directions.device
        box = self._points.amin(0) - shell, self._points.amax(0) + shell
        depths = torch.empty(rays, room, device=device)
        triangles = torch.empty(rays, room, dtype=torch.int32, device=device)
        barycentric = torch.empty(rays, room, 3, device=device)
        counts = torch.empty(rays, dtype=torch.int32, device=device)
        hidden = torch.empty(rays, dtype=torch.bool, device=device)
        made = [numbers(depths), numbers(triangles), vectors(barycentric), numbers(counts), numbers(hidden)]
        walk = [vectors(directions), numbers(starts), *(wp.vec3(*corner.tolist()) for corner in box)]
        launch(walk_rays, rays, [self._mesh.id, *walk, shell, stride, room, *made], heavy=True)
        taken = torch.arange(room, device=device) < counts[:, None]
        ends = torch.zeros(rays + 1, dtype=torch.int32, device=device)
        torch.cumsum(counts, 0, dtype=torch.int32, out=ends[1:])
        return Samples(ends, hidden, depths[taken], triangles[taken], barycentric[taken])
