# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene whose geometry is known: the built-in head with drawn skin, in known poses and expressions.

Frames come from the calibration performance (training, and others of it that are unseen), then novel mixtures of its
expressions in other poses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from semblance.neural.radiance.scene import RadianceScene
from semblance.neural.radiance.surfaces import surface_of
from semblance.tracking.datasets.rasteriser import PlainRasteriser
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import MorphableHead, gaze_rotation
from semblance.tracking.heads.shading import shade, vertex_normals
from semblance.tracking.performances.performance import Performance
from semblance.tracking.photos.calibration import calibration_performance, roll_matrix

if TYPE_CHECKING:
    from semblance.tracking.heads.arrays import Floats

DISTANCE = 1.15
SUPERSAMPLING = 4


@dataclass(frozen=True)
class SyntheticScene:
    scene: RadianceScene
    training: list[int]
    unseen: list[int]
    novel: list[int]


def synthetic_scene(side: int, *, novel: int = 24, every: int = 6, lit: bool = False) -> SyntheticScene:
    """Draw the scene at `side` pixels square; every so many frames of 400 are for training."""
    draws = np.random.default_rng(0)
    head = load_builtin()
    identity = draws.normal(0, 0.6, len(head.identity_basis)).astype(np.float32)
    colours = head.texture(draws.normal(0, 0.6, len(head.texture_basis)).astype(np.float32))
    performance = calibration_performance(head, still(head, identity, side))
    training, unseen = list(range(0, 400, every)), list(range(every // 2, 400, 3 * every))
    mixed = [mixture(performance, draws) for _ in range(novel)]
    known = [(performance.expression[i], performance.rotation[i], performance.gaze[i]) for i in training + unseen]
    frames = known + mixed
    neutral = head.neutral(identity)
    middle, extent = (neutral.min(0) + neutral.max(0)) / 2, np.ptp(neutral, axis=0)
    focal = 0.8 * side / (max(extent[:2]) / (DISTANCE - 0.3 * extent[2]))
    camera = PinholeCamera(float(focal), float(focal), side / 2, side / 2, side, side)
    pivot = middle + np.array([0, 0.05, 0.02])
    vertices = [
        ((head.posed(neutral, expression, gaze) - pivot) @ rotation.T + pivot - middle + [0, 0, DISTANCE]).astype(
            np.float32
        )
        for expression, rotation, gaze in frames
    ]
    pictures = drawn(head, vertices, colours, camera, lit)
    alphas = pictures[..., 3]
    plain = pictures[..., :3] / np.maximum(alphas, 1e-3)[..., None]
    scene = RadianceScene(
        surface_of(head, identity),
        torch.from_numpy(np.stack(vertices)),
        torch.from_numpy(np.stack([frame[0] for frame in frames]).astype(np.float32)),
        torch.from_numpy(np.stack([frame[1] for frame in frames]).astype(np.float32)),
        as_bytes(plain),
        as_bytes(alphas),
        torch.full(alphas.shape, 255, dtype=torch.uint8),
        camera,
    )
    counts = np.cumsum([len(training), len(unseen), len(mixed)])
    ranges = np.split(np.arange(counts[-1]), counts[:-1])
    return SyntheticScene(scene, *(part.tolist() for part in ranges))


def still(head: MorphableHead, identity: Floats, side: int) -> Performance:
    one = np.ones(1, np.float32)
    return Performance(
        head=head.name,
        identity=identity,
        texture=np.zeros(len(head.texture_basis), np.float32),
        expression=np.zeros((1, 52), np.float32),
        rotation=np.eye(3, dtype=np.float32)[None],
        translation=np.array([[0, 0, 1]], np.float32),
        gaze=np.zeros((1, 2, 2), np.float32),
        confidence=one,
        times=np.zeros(1),
        camera=PinholeCamera.default(side),
    )


def mixture(performance: Performance, draws: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Two of the performance's expressions together, turned another way."""
    first, second = performance.expression[draws.integers(400, size=2)]
    expression = np.clip(first * draws.uniform(0.4, 0.9) + second * draws.uniform(0.4, 0.9), 0, 1)
    pitch, yaw, roll = np.radians(draws.uniform([-12, -24, -8], [12, 24, 8]))
    rotation: Floats = (roll_matrix(roll) @ gaze_rotation(pitch, yaw)).astype(np.float32)
    return expression, rotation, draws.uniform(-0.3, 0.3, (1, 2)).repeat(2, 0).astype(np.float32)


def drawn(head: MorphableHead, frames: list[Floats], colours: Floats, camera: PinholeCamera, lit: bool) -> Floats:
    """Return `[T, H, W, 4]`, premultiplied, drawn larger and averaged."""
    large = camera.resized(SUPERSAMPLING * camera.width, SUPERSAMPLING * camera.height)
    detail, ones = skin_detail(), np.ones((len(colours), 1), np.float32)
    pictures = []
    with PlainRasteriser(large.width) as rasteriser:
        for vertices in frames:
            seen = shade(colours, vertex_normals(vertices, head.triangles)) if lit else colours
            packed = [seen, ones, head.uvs, head.uv_mask[:, None], 0 * ones]
            first, second = rasteriser.draw(large.clip(vertices), np.concatenate(packed, -1), head.triangles)
            places = (second[..., :2] * len(detail)).astype(np.float32)
            texture = cv2.remap(detail, places[..., 0], places[..., 1], cv2.INTER_LINEAR) * (second[..., 2] > 0.5)
            first[..., :3] = np.clip(first[..., :3] * (1 + texture[..., None]), 0, 1) * first[..., 3:]
            pictures.append(cv2.resize(first, (camera.width, camera.height), interpolation=cv2.INTER_AREA))
    return np.stack(pictures)


def skin_detail(side: int = 1024) -> Floats:
    """Return `[side, side]`: spots of several sizes, to be multiplied by."""
    draws = np.random.default_rng(1)
    total = np.zeros((side, side), np.float32)
    for cells, strength in ((8, 0.05), (24, 0.05), (64, 0.06), (128, 0.05)):
        spots = draws.normal(0, strength, (cells, cells)).astype(np.float32)
        total += cv2.resize(spots, (side, side), interpolation=cv2.INTER_CUBIC)
    return total


def as_bytes(values: Floats) -> torch.Tensor:
    return torch.from_numpy((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
