# SPDX-License-Identifier: GPL-3.0-or-later
"""The person at rest: what a take's expressions and poses count from, and what an avatar file says of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..heads.camera import PinholeCamera
from .performance import Crop, Performance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..heads.arrays import Floats, Indices

REST_SHARE = 0.25
"""Share of a take's frames, the nearest to neutral, whose median is its rest."""
REST = "expression", "rotation", "translation", "gaze"
"""What an avatar's metadata says of the rest."""


def rest_performance(metadata: Mapping[str, Any]) -> Performance:
    """Return the person at rest that an avatar's metadata, or `rest_metadata` (plain JSON values), tells of: one frame.

    Raises:
        KeyError, TypeError, ValueError: the metadata is not an avatar's.
    """
    rest: dict[str, Any] = {name: np.array([metadata["rest"][name]], np.float32) for name in REST}
    return Performance(
        head=metadata["head"],
        identity=np.array(metadata["identity"], np.float32),
        texture=np.array(metadata["texture"], np.float32),
        **rest,
        confidence=np.ones(1, np.float32),
        times=np.full(1, float(metadata.get("start", 0))),
        camera=PinholeCamera(**metadata["camera"]),
        crop=Crop(**metadata["crop"]) if metadata.get("crop") else None,
        fps=metadata["fps"],
        source=metadata.get("source", ""),
        extra=dict(metadata.get("extra", {})),
    )


def rest_metadata(performance: Performance) -> dict[str, Any]:
    """Return the person at rest as plain JSON values, which `rest_performance` reads, and the footage of it."""
    rotation, translation = rest_pose(performance)
    gaze = np.median(performance.gaze[seen_frames(performance)], 0)
    values = zip(REST, (rest_expression(performance), rotation, translation, gaze), strict=True)
    return {
        "head": performance.head,
        "identity": performance.identity.tolist(),
        "texture": performance.texture.tolist(),
        "rest": {name: np.asarray(each, np.float32).tolist() for name, each in values},
        "camera": asdict(performance.camera),
        "crop": asdict(performance.crop) if performance.crop else None,
        "fps": performance.fps,
        "source": performance.source,
        "start": float(performance.times[0]),
        "extra": performance.extra,
    }


def rest_expression(performance: Performance) -> Floats:
    """Return `[52]`: the expression of a person at rest, the median of the frames with the least expression."""
    frames = rest_frames(performance)
    median: Floats = np.median(performance.expression[frames], 0).astype(np.float32)
    return median


def rest_pose(performance: Performance) -> tuple[Floats, Floats]:
    """Return rotation `[3, 3]` and translation `[3]` about which a head moves: its median over the frames seen."""
    seen = seen_frames(performance)
    return mean_rotation(performance.rotation[seen]), np.median(performance.translation[seen], 0).astype(np.float32)


def rest_frames(performance: Performance) -> Indices:
    """Return `[N]`: the numbers of the frames nearest to neutral, of those in which the face is seen."""
    seen = seen_frames(performance)
    strength = performance.expression[seen].sum(1)
    calmest: Indices = seen[np.argsort(strength, kind="stable")[: max(1, round(REST_SHARE * len(seen)))]]
    return calmest


def seen_frames(performance: Performance) -> Indices:
    """Return `[N]`: the numbers of the frames in which the face is seen; all of them when it never is."""
    seen = np.flatnonzero(performance.confidence > 0)
    return seen if len(seen) else np.arange(len(performance))


def mean_rotation(rotations: Floats) -> Floats:
    """Return the rotation `[3, 3]` nearest to the element-wise median of `[T, 3, 3]`."""
    u, _, vt = np.linalg.svd(np.median(rotations, 0))
    mean: Floats = (u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt).astype(np.float32)
    return mean
