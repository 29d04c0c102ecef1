# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is seen: identity, and what identity cannot say, from frames of a take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from .closed_form import DEPTH_WEIGHT, expression_step, residual, solve_pose
from .heads.camera import PinholeCamera
from .heads.head import MorphableHead
from .landmark_model import Array, LandmarkModel, Person, Pose, Rays, TermBasis
from .landmark_weights import LID_COLUMNS, lid_gaps, lid_heights, mouth_gap, term_visibility, terms
from .landmarks import Landmarks, eye_distance

IDENTITY_ROUNDS = 5
NEUTRAL_FRAMES = 24
"""Frames from which identity is solved."""
NEUTRAL_STRICTNESS = 4.0
"""How much less expression than usual is expected in them."""
SHUT_GAP = 0.15
"""Share of an eye's opening that MediaPipe still shows when it is shut."""


def solve_person(
    head: MorphableHead, landmarks: Landmarks, camera: PinholeCamera, visibility: NDArray | None = None
) -> Person:
    """Find identity from the most neutral of the frames `[T, 478, 3]`, then what identity cannot say."""
    model = LandmarkModel.of(head)
    rays = Rays.of(landmarks, camera, visibility).at(neutral_frames(landmarks))
    identity = np.zeros(len(model.identity_basis))
    basis = TermBasis.of(model.identity_basis)
    fitted, expression = model, np.zeros((len(rays.xy), len(model.expression_basis)))
    pose = solve_pose(model.shapes(expression), rays)
    for _ in range(IDENTITY_ROUNDS):
        identity = identity + identity_step(basis, fitted.shapes(expression), pose, rays, identity)
        fitted = replace(model, neutral=model.neutral + np.tensordot(identity, model.identity_basis, 1))
        eyes_open = replace(fitted, expression_basis=without(fitted.expression_basis, LID_COLUMNS))
        expression = expression_step(eyes_open, expression, pose, rays, NEUTRAL_STRICTNESS)
        pose = solve_pose(fitted.shapes(expression), rays, pose)
    offset = landmark_offsets(fitted.shapes(expression), pose, rays)
    personal = replace(fitted, neutral=fitted.neutral + offset)
    return Person(identity.astype(np.float32), fitted, with_own_eyelids(personal))


def identity_step(basis: TermBasis, shapes: Array, pose: Pose, rays: Rays, identity: Array) -> Array:
    """Eq. 2 for identity, one for all frames: return the change `[I]`.

    Frames of one person share their systematic errors, so that they count as one observation and not as many.
    """
    axes = pose.rotation.swapaxes(1, 2) * np.array([1, 1, DEPTH_WEIGHT])
    visibility = term_visibility(rays.visibility)
    hessian = basis.hessian(axes @ pose.rotation, visibility).mean(0)
    gradient = basis.gradient(terms(residual(shapes, pose, rays)) @ axes.swapaxes(1, 2), visibility).mean(0)
    precision = np.eye(len(identity))
    return cho_solve(cho_factor(hessian + precision), gradient - precision @ identity)


def landmark_offsets(shapes: NDArray, pose: Pose, rays: Rays) -> NDArray:
    """Return `[478, 3]`, metres in head space: what every frame agrees should be added to the landmarks."""
    axes = pose.rotation.swapaxes(1, 2) * np.array([1, 1, DEPTH_WEIGHT])
    metric = (axes @ pose.rotation).mean(0) + 0.05 * np.eye(3)
    missing = residual(shapes, pose, rays) @ axes.swapaxes(1, 2)
    return np.linalg.solve(metric, np.median(missing, 0)[..., None])[..., 0]


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
