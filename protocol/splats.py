# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's head as Gaussian splats that hang on its triangles, as arrays: what Blender gets and files are made of."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Integers = NDArray[np.int32]

LEAST_GROWTH, MOST_GROWTH = 0.3, 3.0
"""How much a splat may shrink and grow with its triangle."""
FACING_AWAY = 0.25
"""Cosine between the line of sight and a triangle's normal above which its splats are not drawn."""
SH_0 = 0.28209479177387814
"""The spherical harmonic of degree 0: a colour is 0.5 more than it times its coefficient."""
LEAST_SIZE = 1e-6
"""Metres of a triangle that has no area."""


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Splats in a space: each is a Gaussian with a colour.

    Attributes:
        positions: `[N, 3]` metres.
        rotations: `[N, 4]` unit quaternions, w first: from a splat's own axes to the space's.
        scales: `[N, 3]` metres: standard deviations along its own axes.
        opacities: `[N]` 0 to 1.
        harmonics: `[N, 3]` coefficients of degree 0 of the sRGB colour, which is `0.5 + SH_0 * harmonics`.
    """

    positions: Floats
    rotations: Floats
    scales: Floats
    opacities: Floats
    harmonics: Floats

    def turned_over(self) -> Gaussians:
        """The same in axes of which y and z point the other way: OpenCV's (y down, z forward) become OpenGL's."""
        w, x, y, z = self.rotations.T
        half_turn_about_x = np.stack([-x, w, -z, y], -1)
        flipped = self.positions * np.array([1, -1, -1], np.float32)
        return Gaussians(flipped, half_turn_about_x, self.scales, self.opacities, self.harmonics)


@dataclass(frozen=True, eq=False)
class SplatCloud:
    """Splats on the triangles of one person's head. A splat keeps its place in its triangle's frame (tangent along the
    first edge, bitangent, outward normal; the triangle's corners displaced) and grows with the triangle.

    Attributes:
        rest: `[V, 3]` metres: the person without expression, in head space (OpenCV's axes).
        triangles: `[T, 3]` int32, wound outward.
        displacements: `[V, 3]` metres in head space, by which the splats' surface differs from the head.
        corners: `[N, 3]` int32, the vertices of each splat's triangle; barycentric: `[N, 3]` their weights.
        offsets: `[N, 3]` metres in the triangle's frame.
        scales: `[N, 3]` metres: standard deviations along the splat's axes, on the triangle at rest.
        rotations: `[N, 4]` unit quaternions, w first: from the splat's axes to the triangle's frame.
        opacities: `[N]` 0 to 1.
        harmonics: `[N, 3]` as in `Gaussians`, for the head at rest before the footage's camera, in its light.
    """

    rest: Floats
    triangles: Integers
    displacements: Floats
    corners: Integers
    barycentric: Floats
    offsets: Floats
    scales: Floats
    rotations: Floats
    opacities: Floats
    harmonics: Floats

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, as they go over the wire."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> SplatCloud:
        """Read what `arrays` gave; raise ValueError for what cannot be a cloud."""
        vertices, splats = (len(arrays.get(name, ())) for name in ("rest", "corners"))
        triangles = len(arrays.get("triangles", ()))
        shapes: dict[str, tuple[int, ...]] = {
            **dict.fromkeys(("rest", "displacements"), (vertices, 3)),
            "triangles": (triangles, 3),
            **dict.fromkeys(("corners", "barycentric", "offsets", "scales", "harmonics"), (splats, 3)),
            "rotations": (splats, 4),
            "opacities": (splats,),
        }
        for name, shape in shapes.items():
            kind = np.int32 if name in ("triangles", "corners") else np.float32
            if name not in arrays or arrays[name].shape != shape or arrays[name].dtype != kind:
                raise ValueError(f"{name} is not {kind.__name__} {shape}")
            if kind is np.float32 and not np.isfinite(arrays[name]).all():
                raise ValueError(f"{name} has numbers that are none")
        for name in ("triangles", "corners"):
            if arrays[name].size and not 0 <= arrays[name].min() <= arrays[name].max() < vertices:
                raise ValueError(f"{name} names vertices that there are not")
        return cls(**{name: arrays[name] for name in shapes})

    def only(self, chosen: NDArray[np.bool_]) -> SplatCloud:
        """The splats that are `chosen [N]`, on the same head."""
        whole = ("rest", "triangles", "displacements")
        return SplatCloud(**{name: each if name in whole else each[chosen] for name, each in self.arrays().items()})

    @property
    def rest_sizes(self) -> Floats:
        """`[N]` metres: the square root of the area of each splat's triangle at rest."""
        return np.maximum(triangle_sizes(*(self.rest[self.corners[:, corner]] for corner in range(3))), LEAST_SIZE)

    def placed(self, vertices: Floats | None = None, rotation: NDArray[Any] | None = None) -> Gaussians:
        """Put the splats onto a posed head; the head at rest when none is given.

        Args:
            vertices: `[V, 3]` metres in any right-handed space.
            rotation: `[3, 3]` head space to that space; the identity when not given.
        """
        posed = self.rest if vertices is None else np.asarray(vertices, np.float32)
        turn = np.eye(3, dtype=np.float32) if rotation is None else np.asarray(rotation, np.float32)
        moved = posed + self.displacements @ turn.T
        a, b, c = (moved[self.corners[:, corner]] for corner in range(3))
        frames = triangle_frames(a, b, c)
        inside = np.einsum("nk,nkc->nc", self.barycentric, np.stack([a, b, c], 1))
        growth = np.clip(triangle_sizes(a, b, c) / self.rest_sizes, LEAST_GROWTH, MOST_GROWTH)
        return Gaussians(
            inside + np.einsum("nij,nj->ni", frames, self.offsets),
            multiplied(quaternions_of(frames), self.rotations),
            self.scales * growth[:, None],
            self.opacities,
            self.harmonics,
        )


def triangle_sizes(a: Floats, b: Floats, c: Floats) -> Floats:
    """Return `[N]`: the square roots of the areas of triangles with corners `[N, 3]`."""
    sizes: Floats = np.sqrt(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=-1)).astype(np.float32)
    return sizes


def triangle_frames(a: Floats, b: Floats, c: Floats) -> Floats:
    """Return `[N, 3, 3]`, whose columns are tangent, bitangent and normal of triangles with corners `[N, 3]`.

    A triangle without area has any frame.
    """
    tangents, normals = unit(b - a, (1, 0, 0)), np.cross(b - a, c - a)
    least = np.argmin(np.abs(tangents), -1)
    instead = np.cross(tangents, np.eye(3, dtype=np.float32)[least])
    flat = np.linalg.norm(normals, axis=-1, keepdims=True) < 1e-12
    normals = unit(np.where(flat, instead, normals), (0, 0, 1))
    frames: Floats = np.stack([tangents, np.cross(normals, tangents), normals], -1)
    return frames


def unit(vectors: Floats, otherwise: tuple[float, ...]) -> Floats:
    """Return `[N, C]` vectors of length 1; `otherwise` where a vector has no length."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    units: Floats = np.where(lengths > 0, vectors / np.where(lengths > 0, lengths, 1), np.array(otherwise, np.float32))
    return units


def quaternions_of(rotations: Floats) -> Floats:
    """Return `[N, 4]` unit quaternions, w first, of `rotations [N, 3, 3]`; of each pair that with the greater w.

    Each of four formulas fails where the component that it divides by is zero; the largest component's is taken.
    """
    m = np.asarray(rotations, np.float64)
    xx, yy, zz = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    wx, wy, wz = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    xy, xz, yz = m[:, 1, 0] + m[:, 0, 1], m[:, 0, 2] + m[:, 2, 0], m[:, 2, 1] + m[:, 1, 2]
    ww = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz]
    rows = np.stack(
        [
            np.stack([ww[0], wx, wy, wz], -1),
            np.stack([wx, ww[1], xy, xz], -1),
            np.stack([wy, xy, ww[2], yz], -1),
            np.stack([wz, xz, yz, ww[3]], -1),
        ],
        1,
    )
    best = rows[np.arange(len(m)), np.argmax(np.stack(ww, -1), -1)]
    best = np.where(best[:, :1] < 0, -best, best)
    quaternions: Floats = (best / np.linalg.norm(best, axis=-1, keepdims=True)).astype(np.float32)
    return quaternions


def multiplied(first: Floats, second: Floats) -> Floats:
    """Return the quaternions `[N, 4]` that turn as `second [N, 4]`, then as `first [N, 4]`; w first."""
    a, b, c, d = first.T
    w, x, y, z = second.T
    product: Floats = np.stack(
        [
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        ],
        -1,
    )
    return product
