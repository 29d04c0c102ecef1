# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed-form solver: landmarks to pose, identity and expression (Eq. 1 and 2 of Sec. 3.1).

All frames are solved at once, in rounds: lift the landmarks to the depth of the model as it stands, find the pose by
SVD (Eq. 1), find the coefficients by regularised linear least squares (Eq. 2), lift again. Perspective is thus exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from .expression_prior import UPPER_BOUND, prior_precision, upper_bound
from .heads.camera import PinholeCamera
from .heads.head import Floats, MorphableHead
from .landmark_weights import LID_COLUMNS, landmark_weights, lid_gaps, lid_heights, mouth_gap, pose_weights
from .landmarks import IRISES_START, Landmarks, eye_distance

NOISE = 0.002
"""Metres by which a landmark may lie beside the model's (detector noise and the model's own limits)."""
DEPTH_WEIGHT = 0.03
"""Weight of MediaPipe's depth against 1 for what is seen in the picture."""
POSE_DEPTH_SHARE = 0.1
"""Share of MediaPipe's depth in the depth that Eq. 1 aligns; the rest is the model's."""
POSE_STEPS, ROUNDS, IDENTITY_ROUNDS, PROJECTIONS = 3, 4, 5, 6
NEUTRAL_FRAMES = 24
"""Frames from which identity is solved."""
NEUTRAL_STRICTNESS = 4.0
"""How much less expression than usual is expected in them."""
SHUT_GAP = 0.15
"""Share of an eye's opening that MediaPipe still shows when it is shut."""
CHUNK = 256
"""Frames solved at once, to bound memory."""


@dataclass(frozen=True)
class Solution:
    """What the solver finds.

    Attributes:
        identity: `[I]`.
        expression: `[T, 52]`, 0 to 1.
        rotation: `[T, 3, 3]`; translation: `[T, 3]` metres: head space to camera space.
        error: `[T]` mean distance of projected and detected landmarks, as a share of the distance of the eyes.
    """

    identity: Floats
    expression: Floats
    rotation: Floats
    translation: Floats
    error: Floats


@dataclass(frozen=True)
class Rays:
    """Landmarks as seen by a camera, without its intrinsics: `xy [T, 478, 2]` and `z [T, 478]`, in units of depth 1."""

    xy: NDArray[np.float64]
    z: NDArray[np.float64]

    def at(self, frames: slice | NDArray) -> Rays:
        """The rays of some frames only."""
        return Rays(self.xy[frames], self.z[frames])


@dataclass(frozen=True)
class Pose:
    """`rotation [T, 3, 3]` and `translation [T, 3]`."""

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def apply(self, points: NDArray) -> NDArray:
        """Return `[T, N, 3]` in camera space of `[T, N, 3]` or `[N, 3]` in head space."""
        return points @ self.rotation.swapaxes(1, 2) + self.translation[:, None]


@dataclass(frozen=True)
class LandmarkModel:
    """The rows of a head that belong to landmarks: `neutral [478, 3]`, bases `[I, 478, 3]` and `[52, 478, 3]`."""

    neutral: NDArray[np.float64]
    identity_basis: NDArray[np.float64]
    expression_basis: NDArray[np.float64]

    @classmethod
    def of(cls, head: MorphableHead) -> LandmarkModel:
        """The landmark rows of a head."""
        rows = head.landmarks
        parts = head.mean[rows], head.identity_basis[:, rows], head.expression_basis[:, rows]
        return cls(*(part.astype(np.float64) for part in parts))

    def shapes(self, expression: NDArray) -> NDArray:
        """Return `[T, 478, 3]` for `expression [T, 52]`."""
        return self.neutral + np.tensordot(expression, self.expression_basis, 1)


@dataclass(frozen=True)
class Person:
    """A person's face as the solver sees it: `identity [I]` and the landmark model that fits the person best.

    The model holds more than identity can say: each landmark's remaining offset, which is where the detector's idea
    of the landmark differs from the head's, and eyelids that close the person's own eye opening.
    """

    identity: Floats
    model: LandmarkModel


def solve(head: MorphableHead, landmarks: Landmarks, camera: PinholeCamera, person: Person | None = None) -> Solution:
    """Solve a take: `landmarks [T, 478, 3]` of one person in pixels, all seen, by a camera in the same pixels.

    Identity is found from the most neutral frames, unless `person` is known.
    """
    rays = as_rays(landmarks, camera)
    if person is None:
        person = solve_person(head, landmarks, camera)
    parts = [
        solve_expression(person.model, rays.at(slice(start, start + CHUNK)))
        for start in range(0, len(landmarks), CHUNK)
    ]
    pose = Pose(*(np.concatenate([getattr(p, name) for p, _ in parts]) for name in ("rotation", "translation")))
    expression = np.concatenate([x for _, x in parts])
    error = reprojection_error(head, person.identity, expression, pose, landmarks, camera)
    floats = (part.astype(np.float32) for part in (expression, pose.rotation, pose.translation, error))
    return Solution(person.identity, *floats)


def solve_person(head: MorphableHead, landmarks: Landmarks, camera: PinholeCamera) -> Person:
    """Find identity from the most neutral of the frames `[T, 478, 3]`, then what identity cannot say."""
    model = LandmarkModel.of(head)
    rays = as_rays(landmarks[neutral_frames(landmarks)], camera)
    identity = np.zeros(len(model.identity_basis))
    fitted, expression = model, np.zeros((len(rays.xy), len(model.expression_basis)))
    pose = solve_pose(model.shapes(expression), rays)
    for _ in range(IDENTITY_ROUNDS):
        identity += identity_step(model, fitted, expression, pose, rays, identity)
        fitted = replace(model, neutral=model.neutral + np.tensordot(identity, model.identity_basis, 1))
        eyes_open = replace(fitted, expression_basis=without(fitted.expression_basis, LID_COLUMNS))
        expression = expression_step(eyes_open, expression, pose, rays, NEUTRAL_STRICTNESS)
        pose = solve_pose(fitted.shapes(expression), rays, pose)
    offset = landmark_offsets(fitted.shapes(expression), pose, rays)
    personal = replace(fitted, neutral=fitted.neutral + offset)
    return Person(identity.astype(np.float32), with_own_eyelids(personal))


def solve_pose(shapes: NDArray, rays: Rays, pose: Pose | None = None, steps: int = POSE_STEPS) -> Pose:
    """Eq. 1: align `shapes [T, 478, 3]` with the lifted landmarks by SVD, lifting anew each step."""
    weights = pose_weights()
    if pose is None:
        pose = align(shapes, np.concatenate([rays.xy, rays.z[..., None]], -1), weights)
        steps *= 2
    seen_depth = rays.z - (rays.z @ weights / weights.sum())[:, None]
    for _ in range(steps):
        depth = pose.apply(shapes)[..., 2] / pose.translation[:, 2:]
        model_depth = depth - 1
        offset = (model_depth @ weights / weights.sum())[:, None]
        relative = model_depth + POSE_DEPTH_SHARE * (seen_depth + offset - model_depth)
        pose = align(shapes, np.concatenate([rays.xy * depth[..., None], relative[..., None]], -1), weights)
    return pose


def align(shapes: NDArray, targets: NDArray, weights: NDArray) -> Pose:
    """Rotation, scale and shift of `shapes` onto `targets` (`[T, 478, 3]`, depth 1 at the head's origin), by SVD.

    Rotation follows all three axes; scale, which is the inverse of distance, only the two that the camera measures.
    """
    middle, aim = weighted_mean(shapes, weights), weighted_mean(targets, weights)
    centred, wanted = shapes - middle[:, None], targets - aim[:, None]
    u, _, vt = np.linalg.svd((wanted * weights[:, None]).swapaxes(1, 2) @ centred)
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    rotation = u @ vt
    across = centred @ rotation[:, :2].swapaxes(1, 2)
    weighted = across * weights[:, None]
    scale = (weighted * wanted[..., :2]).sum((1, 2)) / (weighted * across).sum((1, 2))
    shift = aim - scale[:, None] * (rotation @ middle[..., None])[..., 0]
    shift[:, 2] += 1
    return Pose(rotation, shift / scale[:, None])


def solve_expression(model: LandmarkModel, rays: Rays) -> tuple[Pose, NDArray]:
    """Alternate Eq. 1 and Eq. 2 for expression; return the poses and `[T, 52]`."""
    expression, pose = np.zeros((len(rays.xy), len(model.expression_basis))), None
    for _ in range(ROUNDS):
        pose = solve_pose(model.shapes(expression), rays, pose)
        expression = expression_step(model, expression, pose, rays)
    return solve_pose(model.shapes(expression), rays, pose), expression


def expression_step(
    model: LandmarkModel, expression: NDArray, pose: Pose, rays: Rays, strictness: float = 1.0
) -> NDArray:
    """Eq. 2 for expression: return `[T, 52]` between 0 and 1; a higher `strictness` keeps nearer to neutral."""
    hessian, gradient = normal_equations(model.expression_basis, model.shapes(expression), pose, rays)
    gradient += np.einsum("tij,tj->ti", hessian, expression)
    return bounded_solve(hessian + strictness * prior_precision(), gradient, model.expression_basis)


def identity_step(
    model: LandmarkModel, fitted: LandmarkModel, expression: NDArray, pose: Pose, rays: Rays, identity: NDArray
) -> NDArray:
    """Eq. 2 for identity, one for all frames: return the change `[I]`.

    Frames of one person share their systematic errors, so that they count as one observation and not as many.
    """
    hessian, gradient = normal_equations(model.identity_basis, fitted.shapes(expression), pose, rays)
    precision = np.eye(len(identity))
    factor = cho_factor(hessian.mean(0) + precision)
    return cho_solve(factor, gradient.mean(0) - precision @ identity)


def normal_equations(basis: NDArray, shapes: NDArray, pose: Pose, rays: Rays) -> tuple[NDArray, NDArray]:
    """Return `[T, K, K]` and `[T, K]`: the least squares of what `basis [K, 478, 3]` should add to `shapes`."""
    weights = landmark_weights() / NOISE**2
    axes = pose.rotation.swapaxes(1, 2) * np.array([1, 1, DEPTH_WEIGHT])
    metric = axes @ pose.rotation
    weighted = np.einsum("nm,kma->kna", weights, basis, optimize=True)
    products = np.einsum("kna,lnb->abkl", weighted, basis, optimize=True)
    hessian = np.tensordot(metric, products, 2)
    residual = (lifted(shapes, pose, rays) - pose.apply(shapes)) @ axes.swapaxes(1, 2)
    gradient = residual.reshape(len(residual), -1) @ weighted.reshape(len(basis), -1).T
    return hessian, gradient


def lifted(shapes: NDArray, pose: Pose, rays: Rays) -> NDArray:
    """The landmarks in camera space, `[T, 478, 3]`: on their rays at the model's depth, but z as MediaPipe says."""
    depth = pose.apply(shapes)[..., 2]
    distance = pose.translation[:, 2:]
    weights = pose_weights()
    offset = ((depth - distance * rays.z) @ weights / weights.sum())[:, None]
    return np.concatenate([rays.xy * depth[..., None], (distance * rays.z + offset)[..., None]], -1)


def bounded_solve(hessian: NDArray, gradient: NDArray, basis: NDArray) -> NDArray:
    """Minimise `x H x / 2 - g x` within 0 and the upper bounds: Cholesky, then projected coordinate descent."""
    free = np.array([cho_solve(cho_factor(h), g) for h, g in zip(hessian, gradient, strict=True)])
    upper = np.where(np.abs(basis).max((1, 2)) > 0, UPPER_BOUND, 0)
    x = np.clip(free, 0, upper)
    for _ in range(PROJECTIONS):
        for k in np.flatnonzero(upper):
            slope = gradient[:, k] - np.einsum("ti,ti->t", hessian[:, k], x)
            x[:, k] = np.clip(x[:, k] + slope / hessian[:, k, k], 0, upper_bound(k, x))
    return x


def landmark_offsets(shapes: NDArray, pose: Pose, rays: Rays) -> NDArray:
    """Return `[478, 3]`, metres in head space: what every frame agrees should be added to the landmarks."""
    axes = pose.rotation.swapaxes(1, 2) * np.array([1, 1, DEPTH_WEIGHT])
    metric = (axes @ pose.rotation).mean(0) + 0.05 * np.eye(3)
    residual = (lifted(shapes, pose, rays) - pose.apply(shapes)) @ axes.swapaxes(1, 2)
    return np.linalg.solve(metric, np.median(residual, 0)[..., None])[..., 0]


def with_own_eyelids(model: LandmarkModel) -> LandmarkModel:
    """Scale the eyelids' travel to the person's eye opening, so that a blink of 1 is a closed eye for everyone."""
    basis = model.expression_basis.copy()
    opening, travel = lid_heights(model.neutral), lid_heights(basis)
    for side, column in enumerate(LID_COLUMNS):
        if travel[side, column] < 0:
            needed = (1 - SHUT_GAP) * opening[side] / -travel[side, column]
            basis[column] *= np.clip(needed, 0.5, 1.6)
    return replace(model, expression_basis=basis)


def without(basis: NDArray, columns: tuple[int, ...]) -> NDArray:
    """A copy of `basis [K, 478, 3]` in which some columns do nothing."""
    copy = basis.copy()
    copy[list(columns)] = 0
    return copy


def neutral_frames(landmarks: Landmarks) -> NDArray[np.intp]:
    """Choose up to `NEUTRAL_FRAMES` frames with a closed mouth and open eyes, spread over the take."""
    mouth = mouth_gap(landmarks) / eye_distance(landmarks)
    lids = lid_gaps(landmarks).mean(0) / eye_distance(landmarks)
    neutral = (mouth <= np.quantile(mouth, 0.4)) & (lids >= np.quantile(lids, 0.4))
    frames = np.flatnonzero(neutral) if neutral.any() else np.argsort(mouth - lids)[:NEUTRAL_FRAMES]
    return frames[np.unique(np.linspace(0, len(frames) - 1, NEUTRAL_FRAMES).round().astype(int))]


def reprojection_error(
    head: MorphableHead, identity: Floats, expression: NDArray, pose: Pose, landmarks: Landmarks, camera: PinholeCamera
) -> NDArray:
    """Return `[T]`: mean distance of the head's own landmarks to the detected ones, over the distance of the eyes."""
    model = LandmarkModel.of(head)
    model = replace(model, neutral=model.neutral + np.tensordot(identity, model.identity_basis, 1))
    distance = np.linalg.norm(camera.project(pose.apply(model.shapes(expression))) - landmarks[..., :2], axis=-1)
    return distance[:, :IRISES_START].mean(1) / eye_distance(landmarks)


def as_rays(landmarks: Landmarks, camera: PinholeCamera) -> Rays:
    """Take the camera's intrinsics out of `landmarks [T, 478, 3]`."""
    points = np.asarray(landmarks, np.float64)
    xy = (points[..., :2] - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    return Rays(xy, points[..., 2] / camera.fx)


def weighted_mean(values: NDArray, weights: NDArray) -> NDArray:
    """Mean of `[T, N, A]` over N: `[T, A]`."""
    return np.tensordot(values, weights / weights.sum(), (1, 0))
