# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame solved again with some landmarks pinned to where they are seen; everything else stays as near as it can.

Gauss-Newton on the landmark terms of Eq. 2, of which the data are the landmarks of the frame as it was: what no pin
speaks about stays. Close to a pin they are hardly believed, since there the pin says that they were wrong. The prior
of expressions is about what the frame had, and bounds hold exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import lsq_linear
from scipy.spatial.transform import Rotation

from .closed_form import residual
from .expression_prior import UPPER_BOUND, coupled_bounds, prior_precision
from .landmark_model import NOISE, LandmarkModel, Pose, Rays
from .landmark_weights import term_visibility, term_weights, terms
from .refinement import Motion, Window
from .sight import POSE, Sight, right_jacobian, skew

if TYPE_CHECKING:
    from ..heads.arrays import Doubles, Numbers
    from ..heads.camera import PinholeCamera

PIN_NOISE = 2e-5
"""Metres by which a pin may be missed: so few that it is met wherever the head can."""
NEIGHBOURHOOD = 0.015
"""Metres about a pinned landmark within which the others are hardly believed."""
LEAST_BELIEF = 0.02
STRONGEST = 2e4
"""With which pull, cost a metre, a pin is met at most: enough to turn the head by some degrees, and too little to tear
a face apart for what no face does."""
LARGEST_TURN, LARGEST_MOVE = 0.6, 0.5
"""Radians about each axis, and shares of the distance, by which pins move the head at most: contradictory ones stop
there."""
FIRST_REACH, LEAST_REACH = 0.5, 1e-3
"""By how much a step may change an expression or a turn, at first and at last."""
STEPS = 12
ENOUGH = 1e-6
"""Share of the cost that a last step gains."""


@dataclass(frozen=True)
class Pins:
    """Where landmarks are seen: `landmarks [N]`, their numbers, each once; `xy [N, 2]` pixels of the camera."""

    landmarks: Numbers
    xy: Numbers


def solve_pinned(
    model: LandmarkModel, camera: PinholeCamera, expression: Numbers, pose: Pose, pins: Pins
) -> tuple[Doubles, Pose]:
    """Return `expression [52]` and pose, of one frame, that meet the pins.

    Args:
        model: of the person.
        camera: in whose pixels the pins are.
        expression, pose: `[52]`, 0 to 1, and the pose of one frame before it is pinned.
        pins: one or more. Those that no face meets are met in part.
    """
    frame = PinnedFrame.of(model, camera, np.clip(expression, 0, 1).astype(np.float64), pose, pins)
    motion, cost, reach = frame.start, frame.cost(frame.start), FIRST_REACH
    for _ in range(STEPS):
        moved = frame.step(motion, reach)
        if (new_cost := frame.cost(moved)) >= cost:
            reach /= 4
            if reach < LEAST_REACH:
                break
            continue
        gained = cost - new_cost
        motion, cost = moved, new_cost
        if gained < ENOUGH * cost:
            break
    return motion.expression[0], frame.pose_of(motion)


@dataclass(frozen=True)
class PinnedFrame:
    """A frame, and the pins in it.

    Attributes:
        window: the landmarks of the frame as it was, and how far each is believed.
        start: the frame as it was.
        landmarks, xy: of the pins, `[N]`, and `[N, 2]` at depth 1.
    """

    window: Window
    start: Motion
    landmarks: Numbers
    xy: Doubles

    @classmethod
    def of(
        cls, model: LandmarkModel, camera: PinholeCamera, expression: Doubles, pose: Pose, pins: Pins
    ) -> PinnedFrame:
        """Prepare a frame: `expression [52]` and a pose of one frame."""
        shapes = model.shapes(expression[None])
        points = pose.apply(shapes)
        distance = pose.translation[:, 2:]
        rays = Rays(points[..., :2] / points[..., 2:], points[..., 2] / distance, belief(shapes[0], pins)[None])
        mean = Rotation.from_matrix(pose.rotation[0])
        window = Window(model, rays, np.zeros(0, bool), 0, 1.0, mean, None)
        start = Motion(np.zeros((1, 3)), pose.translation.astype(np.float64), expression[None])
        xy = (np.asarray(pins.xy, np.float64) - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
        return cls(window, start, np.asarray(pins.landmarks), xy)

    def pose_of(self, motion: Motion) -> Pose:
        """The pose of a motion of one frame."""
        return Pose((self.window.mean * Rotation.from_rotvec(motion.turn)).as_matrix(), motion.translation)

    def misses(self, motion: Motion) -> Doubles:
        """Return `[2 N]` metres at the head's depth, x and y of each pin in turn: from the model to the pins."""
        points = self.pose_of(motion).apply(self.window.model.shapes(motion.expression))[0, self.landmarks]
        missed: Doubles = (self.xy * points[:, 2:] - points[:, :2]).ravel()
        return missed

    def pulls(self, motion: Motion) -> tuple[Doubles, Doubles]:
        """Return the weight `[2 N]` of each of `misses`, and the cost `[N]` of each pin (Huber's loss)."""
        missed = np.linalg.norm(self.misses(motion).reshape(-1, 2), axis=1)
        far = STRONGEST * PIN_NOISE**2
        weights = far / np.maximum(missed, far) / PIN_NOISE**2
        costs = np.where(missed < far, missed**2, far * (2 * missed - far)) / PIN_NOISE**2
        return np.repeat(weights, 2), costs

    def cost(self, motion: Motion) -> float:
        """What pins, landmarks and prior have against a motion."""
        rays, shapes = self.window.rays, self.window.model.shapes(motion.expression)
        missing = Sight(rays.xy).weighted(terms(residual(shapes, self.pose_of(motion), rays)))
        visibility = term_visibility(rays.visibility)
        assert visibility is not None  # pins always hide something
        weights = term_weights() * visibility / NOISE**2
        changed = (motion.expression - self.start.expression)[0]
        prior = changed @ prior_precision() @ changed
        return float((weights[..., None] * missing**2).sum() + prior + self.pulls(motion)[1].sum())

    def step(self, motion: Motion, reach: float) -> Motion:
        """The motion after a step that changes nothing by more than `reach`."""
        hessian, gradient = (part[0] for part in self.window.normal_equations(motion))
        gradient[POSE:] += self.start.expression[0] @ prior_precision()  # the prior is about what was there
        rows, (weights, _) = self.pin_rows(motion), self.pulls(motion)
        hessian += rows.T @ (rows * weights[:, None])
        gradient += rows.T @ (self.misses(motion) * weights)
        here = np.concatenate([motion.turn[0], motion.translation[0], motion.expression[0]])
        lower, upper = self.bounds(motion.expression)
        most = np.concatenate([np.full(3, reach), np.full(3, reach * motion.translation[0, 2]), np.full(52, reach)])
        low, high = np.maximum(lower - here, -most), np.minimum(upper - here, most)
        there = np.clip(here + bounded_step(hessian, gradient, low, high), lower, upper)
        return Motion(there[None, :3], there[None, 3:POSE], there[None, POSE:])

    def pin_rows(self, motion: Motion) -> Doubles:
        """Return `[2 N, 58]`: how the pinned landmarks move across their rays for each unknown."""
        pose, model = self.pose_of(motion), self.window.model
        rotation = pose.rotation[0]
        arms = model.shapes(motion.expression)[0, self.landmarks]
        moved = np.zeros((len(arms), 3, POSE + len(model.expression_basis)))
        moved[:, :, :3] = -rotation @ skew(arms) @ right_jacobian(motion.turn)[0]
        moved[:, :, 3:POSE] = np.eye(3)
        moved[:, :, POSE:] = rotation @ model.expression_basis[:, self.landmarks].transpose(1, 2, 0)
        return (moved[:, :2] - self.xy[..., None] * moved[:, 2:]).reshape(-1, moved.shape[-1])

    def bounds(self, expression: Doubles) -> tuple[Doubles, Doubles]:
        """Return the least and the largest `[58]` of each unknown beside `expression [1, 52]`.

        What landmarks do not show stays as it was, and nothing has to become less than it was in the frame.
        """
        was, distance = self.start.expression[0], self.start.translation[0, 2]
        seen = UPPER_BOUND > 0
        turn, move = np.full(3, LARGEST_TURN), np.full(3, LARGEST_MOVE * distance)
        most = np.maximum(coupled_bounds(expression, UPPER_BOUND)[0], np.minimum(expression[0], was))
        middle = self.start.translation[0]
        return (
            np.concatenate([-turn, middle - move, np.where(seen, 0.0, was)]),
            np.concatenate([turn, middle + move, np.where(seen, most, was)]),
        )


def belief(shape: Doubles, pins: Pins) -> Doubles:
    """Return `[478]`: how far landmarks of `shape [478, 3]` are believed beside the pins, 1 far from all of them."""
    pinned = shape[np.asarray(pins.landmarks)]
    apart = np.linalg.norm(shape[:, None] - pinned, axis=-1).min(1)
    believed: Doubles = np.maximum(1 - np.exp(-0.5 * (apart / NEIGHBOURHOOD) ** 2), LEAST_BELIEF)
    return believed


def bounded_step(hessian: Doubles, gradient: Doubles, low: Doubles, high: Doubles) -> Doubles:
    """Return the step `[U]` that minimises `x H x / 2 - g x` from `low` to `high`, exactly; 0 where these are equal."""
    free = high - low > 1e-9
    factor = cholesky(hessian[np.ix_(free, free)], lower=True)
    wanted = solve_triangular(factor, gradient[free], lower=True)
    step = np.zeros(len(gradient))
    step[free] = lsq_linear(factor.T, wanted, (low[free], high[free]), method="bvls").x
    return step
