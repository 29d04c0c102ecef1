# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of a whole take: pose and expression of all frames together, steady where nothing moves.

Gauss-Newton on the landmark terms of Eq. 2, the prior of expressions, and smoothness: pose does not accelerate and
expressions do not change, unless they clearly do (Cauchy's loss), so that blinks and consonants keep their shape.
Frames couple with two neighbours only; the normal equations are banded and solved in windows that overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solveh_banded
from scipy.spatial.transform import Rotation

from ...common.clock import Clock
from ...common.progress import Listener, silent
from ..heads.head import ARKIT_NAMES
from .closed_form import residual
from .expression_prior import UPPER_BOUND, coupled_bounds, prior_precision
from .landmark_model import NOISE, LandmarkModel, Pose, Rays
from .landmark_weights import term_visibility, term_weights, terms
from .sight import POSE, Sight, right_jacobian

if TYPE_CHECKING:
    from ..heads.arrays import Booleans, Doubles, Numbers

WINDOW, OVERLAP, CONTEXT = 200, 20, 2
"""Frames solved at once, frames of them that the next window solves again, and frames before it that are held."""
STEPS = 4
EXPRESSIONS = len(ARKIT_NAMES)
UNKNOWNS = POSE + EXPRESSIONS
"""Of a frame: rotation vector, translation, expression."""
BAND = 2 * UNKNOWNS

ACCELERATION = np.array([6.0, 6.0, 6.0, 0.6, 0.6, 3.0])
"""Acceleration of a head that still is jitter: radians and metres a second squared; distance is seen least."""
CHANGE = np.array([0.5 if name.startswith(("mouth", "jaw", "eye")) else 0.25 for name in ARKIT_NAMES])
"""Change of an expression that still is jitter, per second; mouths and eyes are quick."""
POSE_STEADINESS, STEADINESS = 4.0, 2.0
"""How much more this is avoided than landmarks are met."""


@dataclass(frozen=True)
class Motion:
    """What is refined.

    Attributes:
        turn: `[T, 3]` rotation vectors from the take's mean rotation.
        translation: `[T, 3]` metres.
        expression: `[T, 52]`.
    """

    turn: Doubles
    translation: Doubles
    expression: Doubles

    def at(self, frames: slice) -> Motion:
        """Some of the frames."""
        return Motion(self.turn[frames], self.translation[frames], self.expression[frames])


def refined(
    model: LandmarkModel,
    rays: Rays,
    pose: Pose,
    expression: Numbers,
    times: Numbers,
    rate: float,
    listener: Listener = silent,
    free: Booleans | None = None,
) -> tuple[Pose, Doubles]:
    """Return the poses and expressions `[T, 52]` of a take, refined from those given.

    Args:
        model: of the person.
        rays: the landmarks; hidden ones are bridged by their neighbours in time.
        pose, expression: where to start; the columns that landmarks do not show (`eyeLook...`) are kept.
        times: `[T]` seconds; frames further apart than two of the `rate` a second are not joined.
        listener: hears of the progress and may cancel.
        free: `[58]`, which unknowns, of the pose and then of the expression, may change; None for all.
    """
    mean = Rotation.from_matrix(pose.rotation).mean()
    turn = (mean.inv() * Rotation.from_matrix(pose.rotation)).as_rotvec()
    take = Motion(turn, np.array(pose.translation, np.float64), np.array(expression, np.float64))
    joined = np.diff(times) < 2 / rate
    clock = Clock("Solving", len(times), listener)
    for start in range(0, len(times), WINDOW - OVERLAP):
        clock.tell(start)
        held = min(start, CONTEXT)
        frames = slice(start - held, start + WINDOW)
        window = Window(model, rays.at(frames), joined[frames], held, rate, mean, free)
        found = window.refined(take.at(frames))
        for whole, part in zip(vars(take).values(), vars(found).values(), strict=True):
            whole[frames] = part
    return Pose((mean * Rotation.from_rotvec(take.turn)).as_matrix(), take.translation), take.expression


@dataclass(frozen=True)
class Window:
    """Some consecutive frames of a take.

    Attributes:
        model, rays: as for the take.
        joined: `[T - 1]` or longer: whether a frame and the next are neighbours in time.
        held: how many frames at the start keep their values.
        rate: frames a second.
        mean: rotation from which turns are counted.
        free: as for the take.
    """

    model: LandmarkModel
    rays: Rays
    joined: Booleans
    held: int
    rate: float
    mean: Rotation
    free: Booleans | None

    def refined(self, motion: Motion) -> Motion:
        """Return the motion after Gauss-Newton's steps."""
        for _ in range(STEPS):
            motion = self.step(motion)
        return motion

    def step(self, motion: Motion) -> Motion:
        """One step, in which expressions that press against a bound stay there."""
        hessian, gradient = self.normal_equations(motion)
        band = Band(hessian, gradient)
        self.add_smoothness(band, motion)
        upper = coupled_bounds(motion.expression, UPPER_BOUND)
        slope, expression = band.gradient[:, POSE:], motion.expression
        pressed = ((expression <= 0) & (slope <= 0)) | ((expression >= upper) & (slope >= 0))
        kept = self.kept(len(expression))
        change = band.solve(kept | np.concatenate([np.zeros((len(pressed), POSE), bool), pressed], 1))
        moved = np.clip(expression + change[:, POSE:], 0, upper)
        moved = np.minimum(moved, coupled_bounds(moved, UPPER_BOUND))
        moved = np.where(kept[:, POSE:], expression, moved)
        return Motion(motion.turn + change[:, :3], motion.translation + change[:, 3:POSE], moved)

    def kept(self, count: int) -> Booleans:
        """Return `[T, 58]`: the unknowns of so many frames that do not change."""
        free = np.concatenate([np.ones(POSE, bool), UPPER_BOUND > 0])
        if self.free is not None:
            free &= self.free
        kept: Booleans = (np.arange(count) < self.held)[:, None] | ~free
        return kept

    def normal_equations(self, motion: Motion) -> tuple[Doubles, Doubles]:
        """Return `[T, U, U]` and `[T, U]` of the landmarks and of the prior."""
        pose = Pose((self.mean * Rotation.from_rotvec(motion.turn)).as_matrix(), motion.translation)
        basis, visibility = self.model.expression_terms, term_visibility(self.rays.visibility)
        shapes = self.model.shapes(motion.expression)
        weights = term_weights() / NOISE**2 * (np.ones((len(shapes), 1)) if visibility is None else visibility)
        sight = Sight(self.rays.xy)
        missing = sight.weighted(terms(residual(shapes, pose, self.rays)))
        by_pose = sight.moved_by_pose(shapes, pose)
        by_pose[..., :3] = by_pose[..., :3] @ right_jacobian(motion.turn)[:, None]
        pulled = by_pose * weights[..., None, None]
        rows = by_pose.reshape(len(shapes), -1, POSE)
        hessian, gradient = np.empty((len(shapes), UNKNOWNS, UNKNOWNS)), np.empty((len(shapes), UNKNOWNS))
        pull = pulled.reshape(len(shapes), -1, POSE).swapaxes(1, 2)
        hessian[:, :POSE, :POSE] = pull @ rows
        crossed = sight.traced_back(pulled, pose).reshape(-1, POSE, basis.basis[0].size) @ basis.flat.T
        hessian[:, :POSE, POSE:], hessian[:, POSE:, :POSE] = crossed, crossed.swapaxes(1, 2)
        hessian[:, POSE:, POSE:] = basis.hessian(sight.metric(pose), visibility) + prior_precision()
        gradient[:, :POSE] = (pull @ missing.reshape(len(shapes), -1, 1))[..., 0]
        wanted = sight.traced_back(missing[..., None], pose)[:, 0]
        gradient[:, POSE:] = basis.gradient(wanted, visibility) - motion.expression @ prior_precision()
        return hessian, gradient

    def add_smoothness(self, band: Band, motion: Motion) -> None:
        """Add what acceleration of the pose and change of the expression cost."""
        joined = self.joined[: len(motion.turn) - 1]
        change = np.diff(motion.expression, axis=0)
        band.add_changes(change, STEADINESS * joined[:, None] * cauchy(change, CHANGE / self.rate), POSE)
        path = np.concatenate([motion.turn, motion.translation], 1)
        acceleration = np.diff(path, 2, axis=0)
        both = joined[1:] & joined[:-1]
        band.add_accelerations(
            acceleration, POSE_STEADINESS * both[:, None] * cauchy(acceleration, ACCELERATION / self.rate**2)
        )


class Band:
    """Normal equations whose unknowns couple with those of the two frames before and after."""

    def __init__(self, hessian: Doubles, gradient: Doubles) -> None:
        """Start with what each frame says alone: `[T, U, U]` and `[T, U]`."""
        self.gradient = gradient
        self._own = hessian
        self._next = np.zeros(gradient.shape)
        self._second_next = np.zeros(gradient.shape)

    def add_changes(self, change: Doubles, weights: Doubles, first: int) -> None:
        """Add `weights * change ** 2` of the columns from `first` on; `change [T - 1, K]` is to the next frame."""
        columns = slice(first, first + change.shape[1])
        diagonal = np.einsum("tii->ti", self._own)[:, columns]
        diagonal[:-1] += weights
        diagonal[1:] += weights
        self._next[:-1, columns] -= weights
        self.gradient[:-1, columns] += weights * change
        self.gradient[1:, columns] -= weights * change

    def add_accelerations(self, acceleration: Doubles, weights: Doubles) -> None:
        """Add `weights * acceleration ** 2` of the first columns: `[T - 2, K]`, about the frames between the ends."""
        columns = slice(0, acceleration.shape[1])
        diagonal = np.einsum("tii->ti", self._own)[:, columns]
        for frame, share in enumerate((1, -2, 1)):
            part = slice(frame, len(weights) + frame)
            diagonal[part] += share**2 * weights
            self.gradient[part, columns] -= share * weights * acceleration
        self._next[: len(weights), columns] -= 2 * weights
        self._next[1 : len(weights) + 1, columns] -= 2 * weights
        self._second_next[: len(weights), columns] += weights

    def solve(self, fixed: Booleans) -> Doubles:
        """Return the step `[T, U]`; unknowns that are `fixed` do not move."""
        free = ~fixed
        count, size = free.shape
        own = self._own * (free[:, :, None] & free[:, None, :])
        np.einsum("tii->ti", own)[:] += fixed
        band = np.zeros((BAND + 1, count, size))
        row, column = np.tril_indices(size)
        band[row - column, :, column] = own[:, row, column].T
        band[size, :-1] = self._next[:-1] * free[:-1] * free[1:]
        band[2 * size, :-2] = self._second_next[:-2] * free[:-2] * free[2:]
        step = solveh_banded(
            band.reshape(BAND + 1, -1),
            (self.gradient * free).ravel(),
            lower=True,
            overwrite_ab=True,
            check_finite=False,
        )
        steps: Doubles = step.reshape(count, size)
        return steps


def cauchy(values: Doubles, usual: Numbers | float) -> Doubles:
    """Return Cauchy's weights of `values [...]`: `1 / usual ** 2` for small ones, then falling with their square."""
    weights: Doubles = 1 / (np.square(usual) + np.square(values))
    return weights
