# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is seen: identity, and what identity cannot say, from frames of a take.

Identity, the focal length and each frame's pose and expression are solved together by Gauss-Newton, in which every
frame's own unknowns are eliminated first. No frame has to be neutral: expressions are few and mostly small (their
prior is Cauchy's), so that what a face shows in most frames becomes identity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ..detection.landmarks import IRISES_START, Landmarks, eye_distance
from ..heads.head import BLINKS, MorphableHead
from .closed_form import residual, solve_pose
from .expression_prior import DEVIATION, UPPER_BOUND, coupled_bounds, prior_precision
from .landmark_model import DEPTH_WEIGHT, NOISE, LandmarkModel, Person, Pose, Rays
from .landmark_weights import lid_gaps, lid_heights, mouth_gap, term_visibility, term_weights, terms
from .sight import POSE, Sight, turned

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Indices, Numbers
    from ..heads.camera import PinholeCamera

ROUNDS = 6
FRAMES = 24
"""Frames from which a person is solved: half of them neutral, half as different as can be."""
EVIDENCE_FRAMES = 8.0
"""As how many frames they count: frames of one person share their systematic errors."""
FIXED = 1e12
"""Precision of what does not change."""
RESTING, RESTING_SHARE = 4.0, 0.5
"""How much less expression than usual is expected at rest, and from which share of a deviation on it is no rest."""
OPEN = 0.6
"""An eye is open when its gap is more than this share of its usual one."""
SHUT_GAP = 0.15
"""Share of an eye's opening that MediaPipe still shows when it is shut."""


@dataclass(frozen=True)
class ZoomPrior:
    """What is known about the logarithm of the focal length over the camera's: its mean and standard deviation."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Fit:
    """A state of the joint solution.

    Attributes:
        identity: `[I]`; zoom: logarithm of the focal length over the camera's.
        pose, expression: of each frame.
    """

    identity: Doubles
    zoom: float
    pose: Pose
    expression: Doubles


def solve_person(
    head: MorphableHead, landmarks: Landmarks, camera: PinholeCamera, visibility: Numbers | None = None
) -> Person:
    """Find identity from some of the frames `[T, 478, 3]`, then what identity cannot say."""
    model, frames = LandmarkModel.of(head), chosen_frames(landmarks)
    rays = Rays.of(landmarks, camera, visibility).at(frames)
    fit = solve_fit(model, landmarks[frames], rays, None, EVIDENCE_FRAMES)
    own = LandmarkModel.of_person(head, fit.identity)
    offset = landmark_offsets(own.shapes(fit.expression), fit.pose, rays)
    personal = with_own_eyelids(replace(own, neutral=own.neutral + offset))
    return Person(fit.identity.astype(np.float32), own, personal)


def solve_fit(model: LandmarkModel, landmarks: Landmarks, rays: Rays, zoom: ZoomPrior | None, evidence: float) -> Fit:
    """Solve frames `[T, 478, 3]`, of which `rays` are those by the camera, together.

    Args:
        model: of the head.
        landmarks, rays: the same frames.
        zoom: what is known about the focal length; None: the camera's is right.
        evidence: as how many frames they count.
    """
    movable = np.where(np.abs(model.expression_basis).max((1, 2)) > 0, UPPER_BOUND, 0)
    largest: Doubles = movable * eyes_kept_open(landmarks)
    expression = np.zeros(largest.shape)
    fit = Fit(np.zeros(len(model.identity_basis)), 0.0, solve_pose(model.shapes(expression), rays), expression)
    for number in range(ROUNDS):
        fit = step(model, rays, fit, largest, zoom if number else None, evidence)
    return fit


def step(model: LandmarkModel, rays: Rays, fit: Fit, largest: Doubles, zoom: ZoomPrior | None, evidence: float) -> Fit:
    """One step of Gauss-Newton for everything; `largest [T, 52]` bounds the expression."""
    own, seen = with_identity(model, fit.identity), zoomed(rays, fit.zoom)
    shared = len(fit.identity) + 1
    hessian, gradient = np.zeros((shared, shared)), np.zeros(shared)
    frames = [Frame.of(own, seen, fit, largest, index) for index in range(len(largest))]
    for frame in frames:
        hessian += frame.shared_hessian
        gradient += frame.shared_gradient
    share = evidence / len(frames)
    precision = np.append(np.ones(shared - 1), 1 / zoom.deviation**2 if zoom else FIXED)
    away = np.append(fit.identity, fit.zoom - (zoom.mean if zoom else fit.zoom))
    change = cho_solve(cho_factor(share * hessian + np.diag(precision)), share * gradient - precision * away)
    own_changes = np.array([frame.own_change(change) for frame in frames])
    expression = np.clip(fit.expression + own_changes[:, POSE:], 0, largest)
    return Fit(
        fit.identity + change[:-1],
        fit.zoom + float(change[-1]),
        turned(fit.pose, own_changes[:, :POSE]),
        np.minimum(expression, coupled_bounds(expression, UPPER_BOUND)),
    )


@dataclass(frozen=True)
class Frame:
    """A frame's normal equations, its own unknowns (pose, expression) eliminated.

    Attributes:
        factor, crossed, gradient: of its own unknowns, and how they go with the shared ones.
        shared_hessian, shared_gradient: what is left for the shared unknowns (identity, zoom).
    """

    factor: tuple[Doubles, bool]
    crossed: Doubles
    gradient: Doubles
    shared_hessian: Doubles
    shared_gradient: Doubles

    @classmethod
    def of(cls, model: LandmarkModel, rays: Rays, fit: Fit, largest: Doubles, index: int) -> Frame:
        """The normal equations of a frame of the fit; `largest [T, 52]` bounds the expression."""
        only = slice(index, index + 1)
        rays, pose, expression = rays.at(only), fit.pose.at(only), fit.expression[only]
        sight, shapes, visibility = Sight(rays.xy), model.shapes(expression), term_visibility(rays.visibility)
        missing = sight.weighted(terms(residual(shapes, pose, rays)))[0].ravel()
        bases = np.concatenate([model.expression_basis, model.identity_basis])
        rows = np.concatenate(
            [
                sight.moved_by_pose(shapes, pose)[0].reshape(-1, POSE),
                sight.moved_by(bases, pose)[0].reshape(-1, len(bases)),
                sight.moved_by_zoom(shapes, pose)[0].reshape(-1, 1),
            ],
            1,
        )
        weights = term_weights() / NOISE**2 * (1 if visibility is None else visibility[0])
        pulled = rows * np.repeat(weights, 3)[:, None]
        hessian, gradient = pulled.T @ rows, pulled.T @ missing
        own = POSE + len(model.expression_basis)
        prior = resting_prior(expression[0])
        hessian[POSE:own, POSE:own] += prior
        gradient[POSE:own] -= prior @ expression[0]
        pressed = ((expression <= 0) & (gradient[None, POSE:own] <= 0)) | (expression >= largest[only])
        fixed = np.concatenate([np.zeros(POSE, bool), pressed[0]])
        inner, crossed, inner_gradient = hessian[:own, :own], hessian[:own, own:], gradient[:own] * ~fixed
        inner = inner * np.outer(~fixed, ~fixed) + np.diag(fixed.astype(float))
        crossed = crossed * ~fixed[:, None]
        factor = cho_factor(inner)
        return cls(
            factor,
            crossed,
            inner_gradient,
            hessian[own:, own:] - crossed.T @ cho_solve(factor, crossed),
            gradient[own:] - crossed.T @ cho_solve(factor, inner_gradient),
        )

    def own_change(self, shared_change: Doubles) -> Doubles:
        """Return `[6 + 52]`: how pose and expression change when the shared unknowns do."""
        change: Doubles = cho_solve(self.factor, self.gradient - self.crossed @ shared_change)
        return change


def resting_prior(expression: Doubles) -> Doubles:
    """Return `[52, 52]`: the prior's precision, less for an expression `[52]` that is clearly shown (Cauchy)."""
    ease = np.sqrt(RESTING / (1 + np.square(expression / (RESTING_SHARE * DEVIATION))))
    return prior_precision() * np.outer(ease, ease)


def with_identity(model: LandmarkModel, identity: Doubles) -> LandmarkModel:
    """The model of a person of `identity [I]`."""
    return replace(model, neutral=model.neutral + np.tensordot(identity, model.identity_basis, 1))


def zoomed(rays: Rays, zoom: float) -> Rays:
    """The rays as a camera of another focal length sees them."""
    return replace(rays, xy=rays.xy * np.exp(-zoom), z=rays.z * np.exp(-zoom))


def landmark_offsets(shapes: Numbers, pose: Pose, rays: Rays) -> Numbers:
    """Return `[478, 3]`, metres in head space: what every frame agrees should be added to the landmarks."""
    axes = pose.rotation.swapaxes(1, 2) * np.array([1, 1, DEPTH_WEIGHT])
    metric = (axes @ pose.rotation).mean(0) + 0.05 * np.eye(3)
    missing = residual(shapes, pose, rays) @ axes.swapaxes(1, 2)
    return np.linalg.solve(metric, np.median(missing, 0)[..., None])[..., 0]


def with_own_eyelids(model: LandmarkModel) -> LandmarkModel:
    """Scale the eyelids' travel to the person's eye opening, so that a blink of 1 is a closed eye for everyone."""
    basis = model.expression_basis.copy()
    opening, travel = lid_heights(model.neutral), lid_heights(basis)
    for side, column in enumerate(BLINKS):
        if travel[side, column] < 0:
            needed = (1 - SHUT_GAP) * opening[side] / -travel[side, column]
            basis[column] *= np.clip(needed, 0.5, 1.6)
    return replace(model, expression_basis=basis)


def eyes_kept_open(landmarks: Landmarks) -> Doubles:
    """Return `[T, 52]`: 0 for the blink of an eye that is open, which then is no half-closed larger one; else 1."""
    gaps = lid_gaps(landmarks) / eye_distance(landmarks)
    allowed = np.ones((len(landmarks), len(UPPER_BOUND)))
    allowed[:, BLINKS] = (gaps < OPEN * np.quantile(gaps, 0.8, axis=1, keepdims=True)).T
    return allowed


def chosen_frames(landmarks: Landmarks) -> Indices:
    """Return `[N]`, up to `FRAMES` frames: the most neutral, and those that differ most from all chosen before.

    The oddest twentieth of `landmarks [T, 478, 3]` is left out: there the detector errs.
    """
    chosen = list(neutral_frames(landmarks, FRAMES // 2))
    points = landmarks[:, :IRISES_START, :2]
    looks = (points - points.mean(1, keepdims=True)) / eye_distance(landmarks)[:, None, None]
    looks = looks.reshape(len(looks), -1)
    oddness = np.linalg.norm(looks - np.median(looks, 0), axis=1)
    usual = oddness <= np.quantile(oddness, 0.95)
    apart = np.min([np.linalg.norm(looks - looks[frame], axis=1) for frame in chosen], 0) * usual
    while len(chosen) < FRAMES and apart.max() > 0:
        chosen.append(int(apart.argmax()))
        apart = np.minimum(apart, np.linalg.norm(looks - looks[chosen[-1]], axis=1))
    return np.array(chosen)


def neutral_frames(landmarks: Landmarks, count: int) -> Indices:
    """Return `[N]`, up to `count` frames of `landmarks [T, 478, 3]`: mouth closed, eyes open, spread over the take."""
    mouth = mouth_gap(landmarks) / eye_distance(landmarks)
    lids = lid_gaps(landmarks).mean(0) / eye_distance(landmarks)
    neutral = (mouth <= np.quantile(mouth, 0.4)) & (lids >= np.quantile(lids, 0.4))
    frames = np.flatnonzero(neutral) if neutral.any() else np.argsort(mouth - lids)[:count]
    spread: Indices = frames[np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int))]
    return spread
