# SPDX-License-Identifier: GPL-3.0-or-later
"""Fitting the head to measured landmarks, and bending its expressions towards what faces in videos do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import lsq_linear

from ...tracking.heads.head import ARKIT_NAMES
from . import statistics
from .skin import MILLIMETRE
from .topology import FACE_OVAL, neighbour_average

if TYPE_CHECKING:
    from pathlib import Path

DEPTH_TRUST = 0.35
"""How much less a landmark's depth, which MediaPipe guesses, counts than its place in the picture."""

NOISE = 1.0 * MILLIMETRE
"""How far landmarks are off, roughly: it balances what is seen against what is likely."""

EFFORT = 7.0 * MILLIMETRE
"""How reluctantly an expression is used: what it must explain, summed over landmarks, before it moves by its full 1."""

FRAMES_PER_VIDEO = 30


@dataclass(frozen=True)
class LandmarkHead:
    """The part of a head that landmarks see: mean `[L, 3]`, identities `[I, L, 3]`, expressions `[E, L, 3]`."""

    mean: np.ndarray
    identities: np.ndarray
    expressions: np.ndarray


@dataclass(frozen=True)
class Fit:
    """One person in several pictures.

    Attributes:
        identity: `[I]`; expression: `[T, E]`.
        residual: `[T, L, 3]` metres: measured minus modelled, in head space.
        error: `[T]`: mean distance in the picture as a share of the distance between the pupils.
    """

    identity: np.ndarray
    expression: np.ndarray
    residual: np.ndarray
    error: np.ndarray


def fit(head: LandmarkHead, shapes: np.ndarray, rounds: int = 4) -> Fit:
    """Fit one identity and an expression a picture to `shapes [T, L, 3]` of one person."""
    count = len(shapes)
    identity, expression = np.zeros(len(head.identities)), np.zeros((count, len(head.expressions)))
    trust = np.tile([1, 1, DEPTH_TRUST], shapes.shape[1])
    person_columns = (head.identities.reshape(len(identity), -1) * trust).T
    moving_columns = (head.expressions.reshape(expression.shape[1], -1) * trust).T
    factor = cholesky(moving_columns.T @ moving_columns + EFFORT**2 * np.eye(expression.shape[1]))
    placed = shapes
    for _ in range(rounds):
        modelled = (
            head.mean + np.tensordot(identity, head.identities, 1) + np.tensordot(expression, head.expressions, 1)
        )
        placed = np.array([carried_back(shape, model) for shape, model in zip(shapes, modelled, strict=True)])
        seen = (placed - head.mean).reshape(count, -1) * trust
        without = (seen - expression @ moving_columns.T).mean(0)
        normal = person_columns.T @ person_columns * count + NOISE**2 * 10 * np.eye(len(identity))
        identity = np.linalg.solve(normal, person_columns.T @ without * count)
        right = solve_triangular(factor, moving_columns.T @ (seen - person_columns @ identity).T, trans="T")
        expression = np.array([lsq_linear(factor, column, (0, 1), method="bvls").x for column in right.T])
    modelled = head.mean + np.tensordot(identity, head.identities, 1) + np.tensordot(expression, head.expressions, 1)
    placed = np.array([carried_back(shape, model) for shape, model in zip(shapes, modelled, strict=True)])
    residual: np.ndarray = placed - modelled
    error = np.linalg.norm(residual[..., :2], axis=-1).mean(1) / statistics.INTERPUPILLARY
    return Fit(identity, expression, residual, error)


def carried_back(shape: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Return measured landmarks `shape [L, 3]` in head space, where they fit `model [L, 3]` best."""
    scale, rotation, shift = statistics.similarity(shape, model)
    return scale * shape @ rotation.T + shift


def learned_differences(head: LandmarkHead, folder: Path, mirror: np.ndarray, stiffness: float = 5.0) -> np.ndarray:
    """Return `[E, L, 3]`: what to add to the expressions so that they follow the videos better.

    Each frame counts twice, as seen and in a mirror, so that left and right stay mirror images where the shapes are.
    `stiffness` is how many frames of an expression at 1 weigh as much as the anatomical shape.
    """
    weights, residuals = [], []
    mirrored = mirrored_expressions()
    for shapes in statistics.videos(folder, FRAMES_PER_VIDEO).values():
        found = fit(head, shapes[:, : len(mirror)])
        good = found.error < np.quantile(found.error, 0.9)
        residual = (found.residual - found.residual.mean(0))[good]
        weight = (found.expression - found.expression.mean(0))[good]
        weights += [weight, weight[:, mirrored]]
        residuals += [residual, residual[:, mirror] * [-1, 1, 1]]
    weight, residual = np.concatenate(weights), np.concatenate(residuals)
    normal = weight.T @ weight + stiffness * np.eye(weight.shape[1])
    learned = np.linalg.solve(normal, weight.T @ residual.reshape(len(residual), -1)).reshape(head.expressions.shape)
    learned[..., 2] *= DEPTH_TRUST
    learned[:, list(FACE_OVAL)] *= 0.5
    flat = learned.transpose(1, 0, 2).reshape(len(mirror), -1)
    calm = (flat + neighbour_average() @ flat) / 2
    return calm.reshape(len(mirror), -1, 3).transpose(1, 0, 2)


def mirrored_expressions() -> list[int]:
    """Return for each expression which one it becomes in a mirror."""
    swap = {"Left": "Right", "Right": "Left"}
    partner = []
    for name in ARKIT_NAMES:
        side = next((side for side in swap if name.endswith(side)), "")
        partner.append(ARKIT_NAMES.index(name.removesuffix(side) + swap.get(side, "")))
    return partner
