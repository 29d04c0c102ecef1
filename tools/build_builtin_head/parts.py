# SPDX-License-Identifier: GPL-3.0-or-later
"""Small surfaces that are joined to the skin or lie beside it: strips between loops, lathed shells, grids."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def directed(loop: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the border `loop` in the direction in which `triangles` run along it, from the same start."""
    edges = set(map(tuple, triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist()))
    return loop if (int(loop[0]), int(loop[1])) in edges else np.roll(loop[::-1], 1)


def strip(outer: np.ndarray, inner: np.ndarray, closed: bool = True) -> np.ndarray:
    """Return triangles between two rows of as many vertices; beside triangles that run along `outer` they fit."""
    a, b = outer, inner
    if closed:
        a_next, b_next = np.roll(a, -1), np.roll(b, -1)
    else:
        a, a_next, b, b_next = a[:-1], a[1:], b[:-1], b[1:]
    return np.concatenate([np.stack([a_next, a, b], 1), np.stack([a_next, b, b_next], 1)])


def fan(loop: np.ndarray, tip: int) -> np.ndarray:
    """Return triangles from a loop to one vertex; beside triangles that run along `loop` they fit."""
    return np.stack([np.roll(loop, -1), loop, np.full(len(loop), tip)], 1)


def grid(rows: int, columns: int, closed: bool = False) -> np.ndarray:
    """Return triangles over `rows * columns` vertices, row after row; `closed` joins the last column to the first."""
    index = np.arange(rows * columns).reshape(rows, columns)
    return np.concatenate([strip(a, b, closed) for a, b in pairwise(index)])


def outward(vertices: np.ndarray, triangles: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return `triangles`, turned over if most of them face `centre`."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - centre).sum()
    return triangles if volume > 0 else triangles[:, ::-1]
