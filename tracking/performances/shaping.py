# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance made stronger, weaker, calmer or faster about the person's rest, each region of the face for itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..heads.head import ARKIT_NAMES
from ..heads.rotations import from_vectors, to_vectors
from .rest import rest_expression, rest_pose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..heads.arrays import Doubles, Floats
    from .performance import Performance

WIDEST = 3.0
"""How many standard deviations of a Gaussian count."""


@dataclass(frozen=True)
class Wish:
    """How a region should move: `strength` times as far from rest, averaged over `smoothing` seconds."""

    strength: float = 1.0
    smoothing: float = 0.0


AS_IT_IS = Wish()


def shaped(
    performance: Performance,
    person: Performance,
    expressions: Mapping[str, Wish],
    *,
    head: Wish = AS_IT_IS,
    gaze: Wish = AS_IT_IS,
    speed: float = 1.0,
) -> Performance:
    """Return a performance with every part of it as far from rest, and as smooth, as is wished.

    Args:
        performance: the motion, of the person of `person`.
        person: a performance whose rest is what counts as rest.
        expressions: a wish for each of the ARKit names that is not to stay as it is.
        head, gaze: the same for the head's pose, and for the eyes, whose rest is straight ahead.
        speed: how many times as fast it plays.
    """
    seconds = np.asarray(performance.times, np.float64)
    wishes = [expressions.get(name, AS_IT_IS) for name in ARKIT_NAMES]
    strength = np.array([each.strength for each in wishes])
    expression = np.stack(
        [smoothed(each, seconds, wish.smoothing) for each, wish in zip(performance.expression.T, wishes, strict=True)],
        -1,
    )
    calm = rest_expression(person)
    rotation, translation = posed(performance, person, head)
    return replace(
        performance,
        expression=np.clip(calm + strength * (expression - calm), 0, 1).astype(np.float32),
        rotation=rotation,
        translation=translation,
        gaze=(gaze.strength * smoothed(performance.gaze, seconds, gaze.smoothing)).astype(np.float32),
        times=seconds[0] + (seconds - seconds[0]) / speed,
        fps=performance.fps * speed,
    )


def posed(performance: Performance, person: Performance, wish: Wish) -> tuple[Floats, Floats]:
    """Return the pose, rotation `[T, 3, 3]` and translation `[T, 3]`, as is wished about the person's rest."""
    if wish == AS_IT_IS:
        return performance.rotation, performance.translation
    seconds = np.asarray(performance.times, np.float64)
    calm_rotation, calm_translation = rest_pose(person)
    turns = smoothed(to_vectors(performance.rotation @ calm_rotation.T), seconds, wish.smoothing)
    moves = smoothed(performance.translation - calm_translation, seconds, wish.smoothing)
    rotation = from_vectors(wish.strength * turns) @ calm_rotation
    return rotation.astype(np.float32), (calm_translation + wish.strength * moves).astype(np.float32)


def smoothed(values: Floats | Doubles, seconds: Doubles, deviation: float) -> Doubles:
    """Return values over time `[T, ...]` averaged with a Gaussian of this standard deviation in seconds.

    Beyond the ends nothing counts, so that a steady value stays and nothing is late.
    """
    values = np.asarray(values, np.float64)
    if not deviation or len(values) < 2:
        return values
    flat = values.reshape(len(values), -1)
    total, weight = flat.copy(), np.ones((len(flat), 1))
    for step in range(1, len(flat)):
        away = (seconds[step:] - seconds[:-step]) / max(deviation, 1e-6)
        if away.min() > WIDEST:
            break
        share = np.exp(-0.5 * away**2)[:, None]
        for here, there in ((slice(step, None), slice(None, -step)), (slice(None, -step), slice(step, None))):
            total[here] += share * flat[there]
            weight[here] += share
    return (total / weight).reshape(values.shape)
