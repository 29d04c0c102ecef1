# SPDX-License-Identifier: GPL-3.0-or-later
"""The training frame whose parameters are nearest to a test frame's: the "nearest sample" of Sec. 4.2 and Tab. 3, 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats
    from ...tracking.performances.performance import Performance


def nearest_frames(performance: Performance, training: Sequence[int], test: Sequence[int]) -> dict[int, int]:
    """Return the training frame nearest to each test frame, all by number.

    Translation, rotation and expression count the same.
    """
    total = sum(distances(performance, training, test).values())
    return {index: training[choice] for index, choice in zip(test, np.argmin(total, 1), strict=True)}


def mean_distances(performance: Performance, training: Sequence[int], test: Sequence[int]) -> dict[str, float]:
    """Return the mean distance to the training frame that is nearest in each parameter alone (Tab. 4).

    By parameter (translation, rotation, expression), in standard deviations of the training frames.
    """
    groups = distances(performance, training, test)
    return {name: float(each.min(1).mean()) for name, each in groups.items()}


def distances(performance: Performance, training: Sequence[int], test: Sequence[int]) -> dict[str, Floats]:
    """Return RMS distances `[test, training]` by parameter, in standard deviations of the training frames."""
    parameters = {
        "translation": performance.translation,
        "rotation": Rotation.from_matrix(performance.rotation).as_rotvec(),
        "expression": performance.expression,
    }
    return {name: rms_distances(rows, training, test) for name, rows in parameters.items()}


def rms_distances(rows: Floats, training: Sequence[int], test: Sequence[int]) -> Floats:
    """Return distances `[test, training]` of `rows [T, n]`; columns that training holds constant do not count.

    They are root mean squares over the columns, in standard deviations of the training rows.
    """
    deviation = rows[list(training)].std(0)
    varying = deviation > 1e-6
    if not varying.any():
        return np.zeros((len(test), len(training)), np.float32)
    scaled = rows[:, varying] / deviation[varying]
    apart: NDArray[np.float64] = cdist(scaled[list(test)], scaled[list(training)]) / np.sqrt(varying.sum())
    return apart.astype(np.float32)
