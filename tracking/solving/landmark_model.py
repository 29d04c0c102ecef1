# SPDX-License-Identifier: GPL-3.0-or-later
"""What the solvers share: landmarks without a camera, poses, and the part of a head that belongs to landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .landmark_weights import term_weights, terms

if TYPE_CHECKING:
    from ..detection.landmarks import Landmarks
    from ..heads.arrays import Doubles, Floats, Numbers
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead

NOISE = 0.002
"""Metres by which a landmark may lie beside the model's (detector noise and the model's own limits)."""

DEPTH_WEIGHT = 0.03
"""Weight of MediaPipe's depth against 1 for what is seen in the picture."""


@dataclass(frozen=True)
class Rays:
    """Landmarks as seen by a camera, without its intrinsics, and how far they are to be believed.

    Attributes:
        xy: `[T, 478, 2]` at depth 1; z: `[T, 478]` MediaPipe's depth in the same unit.
        visibility: `[T, 478]`, 0 (hidden) to 1; None when all are seen.
    """

    xy: Doubles
    z: Doubles
    visibility: Doubles | None = None

    @classmethod
    def of(cls, landmarks: Landmarks, camera: PinholeCamera, visibility: Numbers | None = None) -> Rays:
        """Take the camera's intrinsics out of `landmarks [T, 478, 3]`."""
        points = np.asarray(landmarks, np.float64)
        xy = (points[..., :2] - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
        return cls(xy, points[..., 2] / camera.fx, None if visibility is None else visibility.astype(np.float64))

    def at(self, frames: slice | Numbers) -> Rays:
        """The rays of some frames only: a slice, or numbers `[N]` or a mask `[T]`."""
        return Rays(self.xy[frames], self.z[frames], None if self.visibility is None else self.visibility[frames])


@dataclass(frozen=True)
class Pose:
    """`rotation [T, 3, 3]` and `translation [T, 3]`."""

    rotation: Doubles
    translation: Doubles

    def apply(self, points: Numbers) -> Doubles:
        """Return `[T, N, 3]` in camera space of `[T, N, 3]` or `[N, 3]` in head space."""
        placed: Doubles = points @ self.rotation.swapaxes(1, 2) + self.translation[:, None]
        return placed

    def at(self, frames: slice | Numbers) -> Pose:
        """The poses of some frames only: a slice, or numbers `[N]` or a mask `[T]`."""
        return Pose(self.rotation[frames], self.translation[frames])

    @classmethod
    def joined(cls, parts: list[Pose]) -> Pose:
        """One take of several."""
        return cls(np.concatenate([p.rotation for p in parts]), np.concatenate([p.translation for p in parts]))


@dataclass(frozen=True)
class LandmarkModel:
    """The rows of a head that belong to landmarks: `neutral [478, 3]`, bases `[I, 478, 3]` and `[52, 478, 3]`."""

    neutral: Doubles
    identity_basis: Doubles
    expression_basis: Doubles

    @classmethod
    def of(cls, head: MorphableHead) -> LandmarkModel:
        """The landmark rows of a head."""
        rows = head.landmarks
        parts = head.mean[rows], head.identity_basis[:, rows], head.expression_basis[:, rows]
        return cls(*(part.astype(np.float64) for part in parts))

    @classmethod
    def of_person(cls, head: MorphableHead, identity: Numbers) -> LandmarkModel:
        """The landmark rows of a head with this identity `[I]`; its blinks close this person's eyes."""
        neutral, rows = head.neutral(identity.astype(np.float32)), head.landmarks
        parts = neutral[rows], head.identity_basis[:, rows], head.expressions(neutral)[:, rows]
        return cls(*(part.astype(np.float64) for part in parts))

    def shapes(self, expression: Numbers) -> Doubles:
        """Return `[T, 478, 3]` for `expression [T, 52]`."""
        flat = self.expression_basis.reshape(len(self.expression_basis), -1)
        shapes: Doubles = self.neutral + (expression @ flat).reshape(-1, *self.neutral.shape)
        return shapes

    @cached_property
    def expression_terms(self) -> TermBasis:
        """The expression basis in the normal equations of Eq. 2."""
        return TermBasis.of(self.expression_basis)


@dataclass(frozen=True)
class TermBasis:
    """A basis in the normal equations of Eq. 2, with the products that all frames share.

    Attributes:
        basis: `[K, N, 3]`: by how much each of the `N` terms moves.
        weighted: the same, times the weight of the term, per square metre.
        products: `[9, K * K]`: the weighted products of its axes (xx, xy, xz, yx, ...), summed over the terms.
    """

    basis: Floats
    weighted: Doubles
    products: Doubles

    @classmethod
    def of(cls, basis: Doubles) -> TermBasis:
        """Prepare a basis `[K, 478, 3]`."""
        moved = terms(basis)
        weighted = moved * (term_weights() / NOISE**2)[:, None]
        products = [weighted[..., a] @ moved[..., b].T for a in range(3) for b in range(3)]
        return cls(moved.astype(np.float32), weighted, np.reshape(products, (9, -1)))

    @cached_property
    def flat(self) -> Doubles:
        """The basis as `[K, N * 3]`."""
        return self.basis.reshape(len(self.basis), -1).astype(np.float64)

    def hessian(self, metric: Doubles, visibility: Doubles | None) -> Doubles:
        """Return `[T, K, K]`: `metric [T, 3, 3]` between the axes; frames that hide terms are summed on their own."""
        count = len(self.basis)
        hessian = (metric.reshape(-1, 9) @ self.products).reshape(-1, count, count)
        if visibility is not None:
            for frame in np.flatnonzero((visibility < 1).any(1)):
                hessian[frame] = self.partial_hessian(metric[frame], visibility[frame])
        return hessian

    def partial_hessian(self, metric: Doubles, visibility: Doubles) -> Doubles:
        """Return `[K, K]` of a frame of which only some terms, `visibility [N]`, are seen."""
        roots = np.sqrt(visibility * term_weights()).astype(np.float32) / np.float32(NOISE)
        basis = self.basis * roots[:, None]
        turned = basis @ np.linalg.cholesky(metric).astype(np.float32)
        rows = turned.reshape(len(basis), -1)
        hessian: Doubles = (rows @ rows.T).astype(np.float64)
        return hessian

    def gradient(self, residual: Doubles, visibility: Doubles | None) -> Doubles:
        """Return `[T, K]` for what is missing in head space, `residual [T, N, 3]`."""
        seen = residual if visibility is None else residual * visibility[..., None]
        return seen.reshape(len(seen), -1) @ self.weighted.reshape(len(self.weighted), -1).T


@dataclass(frozen=True)
class Person:
    """A person's face as the solver sees it.

    Attributes:
        identity: `[I]`.
        own: the head's landmarks with this identity.
        model: what fits the person best, and holds more than identity can say: each landmark's remaining offset, which
            is where the detector's idea of it differs from the head's, and eyelids that close the person's own eyes.
    """

    identity: Floats
    own: LandmarkModel
    model: LandmarkModel
