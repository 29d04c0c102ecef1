# SPDX-License-Identifier: GPL-3.0-or-later
"""ARKit's expressions for heads whose own expression columns are others.

Each of ARKit's 52 becomes the mixture of a head's own columns that comes nearest to how the built-in head moves there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .builtin import load_builtin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .arrays import Doubles, Floats, Numbers

SWEEPS = 300
"""Passes over the coefficients of a bounded least-squares solution."""
RANK = 1e-9
"""Share of the strongest effect below which a column, or a mixture of columns, counts as without any."""
STIFFNESS = 0.01
"""How much a mixture pays for its own strength, as a share of the mean strength of a column."""


@dataclass(frozen=True)
class NativeExpressions:
    """How N columns of a model's own make up ARKit's 52.

    Attributes:
        mixtures: `[52, N]`; an expression `e [52]` is `e @ mixtures` in the model's own coefficients.
        products: `[N, N]` inner products of the own columns' displacements, by which the way back is measured.
    """

    mixtures: Floats
    products: Floats

    def native(self, expression: Floats) -> Floats:
        """Return `[T, N]` own coefficients of `expression [T, 52]`."""
        return (expression @ self.mixtures).astype(np.float32)

    def arkit(self, native: Floats) -> Floats:
        """Return `[T, 52]`, 0 to 1: the expression that moves the face most nearly as `native [T, N]` does."""
        seen = self.mixtures.astype(np.float64) @ self.products
        return bounded_least_squares(seen @ self.mixtures.T, native @ seen.T, upper=1.0)


def reordered(order: Sequence[int]) -> NativeExpressions | None:
    """Return the mixtures of columns that are ARKit's in another `order [52]` (the column of each); None in ARKit's."""
    own = np.eye(len(order), dtype=np.float32)
    return None if list(order) == list(range(len(order))) else NativeExpressions(own[list(order)], own)


def mixtures(own: Floats, wanted: Floats) -> Floats:
    """Return `[E, N]`: the mixtures, never negative, of columns `own [N, L, 3]` nearest to each `wanted [E, L, 3]`."""
    flat, goals = own.reshape(len(own), -1).astype(np.float64), wanted.reshape(len(wanted), -1).astype(np.float64)
    return bounded_least_squares(stiffened(flat @ flat.T), goals @ flat.T, upper=np.inf)


def signed_mixtures(own: Floats, wanted: Floats) -> Floats:
    """Return `[E, N]` as `mixtures` does, of columns that may be taken with either sign."""
    flat, goals = own.reshape(len(own), -1).astype(np.float64), wanted.reshape(len(wanted), -1).astype(np.float64)
    return np.linalg.solve(stiffened(flat @ flat.T), flat @ goals.T).T.astype(np.float32)


def stiffened(products: Doubles) -> Doubles:
    """Return inner products `[N, N]` of columns with a price for strong mixtures."""
    stiff: Doubles = products + (STIFFNESS * np.trace(products) / len(products) + 1e-12) * np.eye(len(products))
    return stiff


def landmark_fields(head_landmarks: Floats) -> Floats:
    """Return `[52, 478, 3]`: how the built-in head's landmarks move, brought to the size of another head.

    `head_landmarks [478, 3]` are those of the other head at rest. Each axis is scaled by how much wider, higher or
    deeper that head's features lie.

    Raises:
        UserError: the built-in head is damaged.
    """
    builtin = load_builtin()
    rest = builtin.mean[builtin.landmarks]
    scale = (head_landmarks - head_landmarks.mean(0)).std(0) / (rest - rest.mean(0)).std(0)
    fields: Floats = (builtin.expression_basis[:, builtin.landmarks] * scale).astype(np.float32)
    return fields


def bounded_least_squares(products: Numbers, goals: Numbers, upper: float) -> Floats:
    """Return `[T, N]` in 0 to `upper` that minimises `x products x - 2 goals x` row by row, by coordinate descent.

    `products [N, N]` is symmetric and positive; `goals [T, N]`. It starts from the least squares without bounds, which
    are the answer where they lie within. A column without any effect stays 0.
    """
    diagonal = np.diag(products).astype(np.float64)
    free = np.linalg.lstsq(products.astype(np.float64), goals.T.astype(np.float64), rcond=RANK)[0]
    solution = np.clip(free.T, 0, upper)
    for _ in range(SWEEPS):
        for column in np.flatnonzero(diagonal > RANK * diagonal.max(initial=0)):
            slope = goals[:, column] - solution @ products[:, column]
            solution[:, column] = np.clip(solution[:, column] + slope / diagonal[column], 0, upper)
    return solution.astype(np.float32)
