# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed-form solver: landmarks to pose and expression of a known person (Eq. 1 and 2 of Sec. 3.1).

All frames are solved at once, in rounds: lift the landmarks to the depth of the model as it stands, find the pose by
SVD (Eq. 1), find the coefficients by regularised linear least squares (Eq. 2), lift again. Perspective is thus exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..detection.landmarks import IRISES_START, Landmarks, eye_distance
from .expression_prior import UPPER_BOUND, coupled_bounds, prior_precision
from .landmark_model import DEPTH_WEIGHT, LandmarkModel, Person, Pose, Rays
from .landmark_weights import pose_weights, term_visibility, terms

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Floats, Numbers
    from ..heads.camera import PinholeCamera

POSE_DEPTH_SHARE = 0.1
"""Share of MediaPipe's depth in the depth that Eq. 1 aligns; the rest is the model's."""
FIRST_POSE_STEPS, POSE_STEPS, ROUNDS, PROJECTIONS = 6, 2, 3, 2
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


def solve(landmarks: Landmarks, camera: PinholeCamera, person: Person, visibility: Numbers | None = None) -> Solution:
    """Solve frames of a known person: `landmarks [T, 478, 3]` in pixels of the camera, all of them seen.

    `visibility [T, 478]`, 0 (hidden) to 1, says how far each landmark is to be believed; None: wholly.
    """
    rays = Rays.of(landmarks, camera, visibility)
    starts = range(0, len(landmarks), CHUNK)
    parts = [solve_expression(person.model, rays.at(slice(start, start + CHUNK))) for start in starts]
    pose = Pose.joined([pose for pose, _ in parts])
    expression = np.concatenate([expression for _, expression in parts])
    error = reprojection_error(person.own, expression, pose, landmarks, camera)
    floats = (part.astype(np.float32) for part in (expression, pose.rotation, pose.translation, error))
    return Solution(person.identity, *floats)


def solve_expression(model: LandmarkModel, rays: Rays) -> tuple[Pose, Doubles]:
    """Alternate Eq. 1 and Eq. 2 for expression; return the poses and `[T, 52]`."""
    expression = np.zeros((len(rays.xy), len(model.expression_basis)))
    pose = solve_pose(model.shapes(expression), rays)
    for _ in range(ROUNDS):
        expression = expression_step(model, expression, pose, rays)
        pose = solve_pose(model.shapes(expression), rays, pose)
    return pose, expression


def solve_pose(shapes: Doubles, rays: Rays, pose: Pose | None = None) -> Pose:
    """Eq. 1: align `shapes [T, 478, 3]` with the lifted landmarks by SVD, lifting anew each step."""
    shares = pose_shares(rays)
    steps = FIRST_POSE_STEPS if pose is None else POSE_STEPS
    if pose is None:
        pose = align(shapes, np.concatenate([rays.xy, rays.z[..., None]], -1), shares)
    seen_depth = rays.z - (rays.z * shares).sum(1, keepdims=True)
    for _ in range(steps):
        depth = pose.apply(shapes)[..., 2] / pose.translation[:, 2:]
        offset = ((depth - 1) * shares).sum(1, keepdims=True)
        relative = (1 - POSE_DEPTH_SHARE) * (depth - 1) + POSE_DEPTH_SHARE * (seen_depth + offset)
        pose = align(shapes, np.concatenate([rays.xy * depth[..., None], relative[..., None]], -1), shares)
    return pose


def pose_shares(rays: Rays) -> Doubles:
    """Return `[T, 478]` or `[1, 478]`: weights of Eq. 1 by what is seen; each frame's sum is 1."""
    weights = pose_weights()[None] if rays.visibility is None else pose_weights() * (rays.visibility + 1e-3)
    shares: Doubles = weights / weights.sum(1, keepdims=True)
    return shares


def align(shapes: Doubles, targets: Doubles, shares: Doubles) -> Pose:
    """Rotation, scale and shift of `shapes` onto `targets` (`[T, 478, 3]`, depth 1 at the head's origin), by SVD.

    Rotation follows all three axes; scale, which is the inverse of distance, only the two that the camera measures.
    """
    middle, aim = (shares[:, None] @ shapes)[:, 0], (shares[:, None] @ targets)[:, 0]
    centred, wanted = shapes - middle[:, None], (targets - aim[:, None]) * shares[..., None]
    crossed = wanted.swapaxes(1, 2) @ centred
    u, _, vt = np.linalg.svd(crossed)
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    rotation = u @ vt
    spread = (centred * shares[..., None]).swapaxes(1, 2) @ centred
    across = rotation[:, :2]
    scale = (across * crossed[:, :2]).sum((1, 2)) / (across * (across @ spread)).sum((1, 2))
    shift = aim - scale[:, None] * (rotation @ middle[..., None])[..., 0]
    shift[:, 2] += 1
    return Pose(rotation, shift / scale[:, None])


def expression_step(
    model: LandmarkModel, expression: Doubles, pose: Pose, rays: Rays, strictness: float = 1.0
) -> Doubles:
    """Eq. 2 for expression: return `[T, 52]` between 0 and 1; a higher `strictness` keeps nearer to neutral."""
    basis, visibility = model.expression_terms, term_visibility(rays.visibility)
    axes = pose.rotation.swapaxes(1, 2) * np.array([1, 1, DEPTH_WEIGHT])
    hessian = basis.hessian(axes @ pose.rotation, visibility)
    gradient = basis.gradient(terms(residual(model.shapes(expression), pose, rays)) @ axes.swapaxes(1, 2), visibility)
    gradient += (hessian @ expression[..., None])[..., 0]
    movable = np.where(np.abs(model.expression_basis).max((1, 2)) > 0, UPPER_BOUND, 0)
    return bounded_solve(hessian + strictness * prior_precision(), gradient, expression, movable)


def residual(shapes: Doubles, pose: Pose, rays: Rays) -> Doubles:
    """Return `[T, 478, 3]`, camera space: from the model's landmarks to the seen ones.

    The seen ones are lifted to the model's depth along their rays; their own depth is what MediaPipe says.
    """
    points = pose.apply(shapes)
    depth, distance = points[..., 2], pose.translation[:, 2:]
    offset = ((depth - distance * rays.z) * pose_shares(rays)).sum(1, keepdims=True)
    missing: Doubles = (
        np.concatenate([rays.xy * depth[..., None], (distance * rays.z + offset)[..., None]], -1) - points
    )
    return missing


def bounded_solve(hessian: Doubles, gradient: Doubles, start: Doubles, largest: Doubles) -> Doubles:
    """Minimise `x H x / 2 - g x` within 0 and the upper bounds, from `start [T, 52]`.

    A column stays on a bound while the slope presses it there; the others are solved together, then clipped.
    Steps are solved in single precision, since later ones correct them.
    """
    x, upper = start, np.broadcast_to(largest, start.shape)
    diagonal = np.arange(len(largest))
    single = hessian.astype(np.float32)
    for _ in range(PROJECTIONS):
        slope = gradient - (hessian @ x[..., None])[..., 0]
        free = ~(((x <= 0) & (slope <= 0)) | ((x >= upper) & (slope >= 0)))
        reduced = single * (free[:, :, None] & free[:, None, :])
        reduced[:, diagonal, diagonal] += ~free
        x = np.clip(x + np.linalg.solve(reduced, (slope * free).astype(np.float32)[..., None])[..., 0], 0, upper)
        upper = coupled_bounds(x, largest)
        x = np.minimum(x, upper)
    return x


def reprojection_error(
    model: LandmarkModel, expression: Numbers, pose: Pose, landmarks: Landmarks, camera: PinholeCamera
) -> Doubles:
    """Return `[T]`: mean distance of a model's landmarks to the detected ones, over the distance of the eyes."""
    points = pose.apply(model.shapes(expression)).astype(np.float32)
    distance = np.linalg.norm(camera.project(points) - landmarks[..., :2], axis=-1)
    error: Doubles = distance[:, :IRISES_START].mean(1) / eye_distance(landmarks)
    return error
