# SPDX-License-Identifier: GPL-3.0-or-later
"""What measured landmarks say of faces: their mean, how people differ, how faces move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from pathlib import Path

INTERPUPILLARY = 0.063
"""Metres between the pupils of an adult, on average."""

CAMERA_DISTANCE = 1.6
"""Metres from which people are photographed, roughly: what lies behind the pupils looks smaller than it is."""


def people(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return landmarks `[N, 478, 3]` of portraits and `[N]`: who does not smile. Axes are those of head space."""
    with np.load(folder / "landmarks_portraits.npz", allow_pickle=False) as file:
        resting = np.array([not str(name).startswith("smiling") for name in file["names"]])
        return without_perspective(file["landmarks"].astype(np.float64)), resting


def without_perspective(shapes: np.ndarray) -> np.ndarray:
    """Return `shapes [N, 478, 3]` as they would look from very far away: what is deeper grows."""
    pupils = shapes[:, [468, 473]]
    middle = pupils.mean(1, keepdims=True)
    unit = INTERPUPILLARY / np.linalg.norm(pupils[:, 0] - pupils[:, 1], axis=-1)
    growth = 1 + (shapes - middle)[..., 2:] * unit[:, None, None] / CAMERA_DISTANCE
    return middle + (shapes - middle) * np.concatenate([growth, growth, np.ones_like(growth)], -1)


def mirror_landmarks(shapes: np.ndarray) -> np.ndarray:
    """Return `[478]`: the partner of each landmark on the other side, found in the mean of `shapes [N, 478, 3]`."""
    mean = aligned(shapes, shapes[0]).mean(0)
    mean = (mean - mean.mean(0)) / np.linalg.norm(mean[468] - mean[473])
    for _ in range(50):
        partner = cKDTree(mean).query(mean * [-1, 1, 1])[1]
        scale, rotation, shift = similarity(mean, (mean + mean[partner] * [-1, 1, 1]) / 2)
        mean = scale * mean @ rotation.T + shift
    distance = np.linalg.norm(mean[:, None] - mean * [-1, 1, 1], axis=-1)
    return linear_sum_assignment(distance**2)[1]


def identity_modes(shapes: np.ndarray, mean: np.ndarray, mirror: np.ndarray, count: int) -> np.ndarray:
    """Return `[count, 478, 3]` metres: how people differ from the `mean`, each mode one standard deviation long.

    Every person is taken with his mirror image, so each mode is symmetric or its own opposite.
    """
    differences = aligned(shapes, mean) - mean
    reflected = differences[:, mirror] * [-1, 1, 1]
    return principal(np.concatenate([differences, reflected]), count)


def similarity(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return scale, rotation `[3, 3]` and shift `[3]` that best carry `source [V, 3]` to `target [V, 3]` (Umeyama)."""
    weights = np.ones(len(source)) if weights is None else weights
    weights = weights / weights.sum()
    a, b = weights @ source, weights @ target
    u, s, vt = np.linalg.svd((target - b).T @ ((source - a) * weights[:, None]))
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = (s * np.diag(flip)).sum() / (weights * ((source - a) ** 2).sum(1)).sum()
    return scale, rotation, b - scale * rotation @ a


def aligned(shapes: np.ndarray, target: np.ndarray, points: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Return `shapes [N, V, 3]`, each carried to `target [V, 3]` by the similarity that fits `points` best."""
    moved = np.empty_like(shapes)
    for index, shape in enumerate(shapes):
        scale, rotation, shift = similarity(shape[points], target[points])
        moved[index] = scale * shape @ rotation.T + shift
    return moved


def procrustes_mean(shapes: np.ndarray, mirror: np.ndarray, rounds: int = 5) -> np.ndarray:
    """Return the symmetric mean `[V, 3]` of `shapes [N, V, 3]`: pupils 63 mm apart, x = 0 the plane of symmetry."""
    mean = shapes[0]
    for _ in range(rounds):
        mean = symmetric(upright(aligned(shapes, mean).mean(0), mirror), mirror)
        pupils = mean[468] - mean[473]
        mean = mean * (INTERPUPILLARY / np.linalg.norm(pupils))
    return mean


def upright(shape: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Turn a nearly symmetric shape so that it is its own mirror image in x as nearly as can be."""
    reflected = shape[mirror] * [-1, 1, 1]
    scale, rotation, shift = similarity(shape, (shape + reflected) / 2)
    return scale * shape @ rotation.T + shift


def symmetric(shapes: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Return the mean of `shapes [..., V, 3]` and their mirror images."""
    return (shapes + shapes[..., mirror, :] * [-1, 1, 1]) / 2


def principal(samples: np.ndarray, count: int) -> np.ndarray:
    """Return `[count, V, 3]` principal directions of centred `samples [N, V, 3]`, each one standard deviation long."""
    flat = samples.reshape(len(samples), -1)
    _, s, vt = np.linalg.svd(flat, full_matrices=False)
    return (s[:count, None] / np.sqrt(len(samples)) * vt[:count]).reshape(count, *samples.shape[1:])


def videos(folder: Path, frames: int) -> dict[str, np.ndarray]:
    """Return `[frames, 478, 3]` landmarks of each video, evenly chosen."""
    found = {}
    with np.load(folder / "landmarks_videos.npz", allow_pickle=False) as file:
        for name in file.files:
            if not name.endswith("_size"):
                shapes = file[name].astype(np.float64)
                found[name] = without_perspective(shapes[np.linspace(0, len(shapes) - 1, frames).astype(int)])
    return found
