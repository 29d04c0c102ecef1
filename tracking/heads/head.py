# SPDX-License-Identifier: GPL-3.0-or-later
"""The morphable head: one type that fits every head Semblance can load."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from .eyelids import LidClosure, lid_closures
from .mouth_light import MouthLight

if TYPE_CHECKING:
    from .arrays import Booleans, Floats, Integers

ARKIT_NAMES: tuple[str, ...] = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""ARKit's 52 expressions in alphabetical order, the order of every expression array in Semblance."""

BLINKS = (ARKIT_NAMES.index("eyeBlinkLeft"), ARKIT_NAMES.index("eyeBlinkRight"))
"""Expressions that close the left and the right eye."""


@dataclass(frozen=True)
class Eyeball:
    """One eyeball: a run of the head's vertices that turns about their mean.

    Attributes:
        start, stop: the vertices are `start <= index < stop`.
        pivot_offset: `[3]` metres from the mean of these vertices to the centre of rotation.
    """

    start: int
    stop: int
    pivot_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class MorphableHead:
    """A morphable head in head space: metres, x to the subject's left, y down, z into the head.

    With identity rotation the head looks at the camera (OpenCV camera space: x right, y down, z forward).
    Expression columns follow `ARKIT_NAMES`. They are the mean's; a person's own are `expressions`.

    Attributes:
        name: "builtin", "faceverse-v3", ...
        mean: `[V, 3]` mean shape.
        identity_basis: `[I, V, 3]`.
        expression_basis: `[52, V, 3]`.
        texture_mean: `[V, 3]` sRGB, 0 to 1.
        texture_basis: `[K, V, 3]`.
        triangles: `[T, 3]`; by the right-hand rule their normals point outward.
        uvs: `[V, 2]`, 0 to 1; (0, 0) is the top left of the UV square. One UV a vertex (seams are split).
        uv_mask: `[V]` 0 or 1; 1 where the vertex belongs to the face region that the UV map shows.
        landmarks: `[478]` vertex of each MediaPipe landmark.
        eyeballs: left, right.
        regions: name to `[V]` bool ("skin", "lips", "mouth", "eyes", ...).
    """

    name: str
    mean: Floats
    identity_basis: Floats
    expression_basis: Floats
    texture_mean: Floats
    texture_basis: Floats
    triangles: Integers
    uvs: Floats
    uv_mask: Floats
    landmarks: Integers
    eyeballs: tuple[Eyeball, Eyeball]
    regions: dict[str, Booleans] = field(default_factory=dict)

    def neutral(self, identity: Floats) -> Floats:
        """Return `[V, 3]`: the shape of a person without expression. `identity` is `[I]`.

        Raises:
            UserError: the identity is of another version of the head.
        """
        if len(identity) != len(self.identity_basis):
            raise UserError(
                f"This identity has {len(identity)} coefficients, but the head {self.name} has "
                f"{len(self.identity_basis)}: it was made with another version of the head; track the footage again."
            )
        return self.mean + np.tensordot(identity, self.identity_basis, 1)

    def shape(self, identity: Floats, expression: Floats, gaze: Floats | None = None) -> Floats:
        """Return `[V, 3]` in head space for `identity [I]`, `expression [52]` and `gaze [2, 2]` (radians).

        Raises:
            UserError: the identity is of another version of the head.

        Example:
            >>> from semblance.tracking.heads.builtin import load_builtin
            >>> head = load_builtin()
            >>> identity, expression = np.zeros(len(head.identity_basis)), np.zeros(52)
            >>> expression[ARKIT_NAMES.index("jawOpen")] = 1.0
            >>> moved = head.shape(identity, expression) - head.mean
            >>> bool(moved[head.landmarks[152], 1] > 0.01)  # the chin goes down by more than a centimetre
            True
        """
        return self.posed(self.neutral(identity), expression, gaze)

    def posed(self, neutral: Floats, expression: Floats, gaze: Floats | None = None) -> Floats:
        """Return `[V, 3]`: `neutral [V, 3]` with `expression [52]`, then the eyeballs turned by `gaze`.

        `gaze` is `[2, 2]`: left, right; pitch (positive looks down), yaw (positive to the subject's right).
        """
        vertices = neutral + np.tensordot(expression, self.expression_basis, 1)
        for lids in self.lid_closures:
            vertices[lids.vertices] += expression[lids.column] * lids.lacking(neutral)
        if gaze is not None:
            for eyeball, (pitch, yaw) in zip(self.eyeballs, gaze, strict=True):
                span = slice(eyeball.start, eyeball.stop)
                pivot = vertices[span].mean(0) + np.asarray(eyeball.pivot_offset, np.float32)
                vertices[span] = (vertices[span] - pivot) @ gaze_rotation(pitch, yaw).T + pivot
        return vertices.astype(np.float32, copy=False)

    def expressions(self, neutral: Floats) -> Floats:
        """Return `[52, V, 3]`: the expression basis of a person, `neutral [V, 3]`; a blink of 1 is a closed eye."""
        basis = self.expression_basis.copy()
        for lids in self.lid_closures:
            basis[lids.column, lids.vertices] += lids.lacking(neutral)
        return basis

    @cached_property
    def lid_closures(self) -> tuple[LidClosure, ...]:
        """What makes the blinks of every person closed eyes."""
        return tuple(lid_closures(self.mean, self.expression_basis[list(BLINKS)], BLINKS, self.landmarks))

    @cached_property
    def mouth_light(self) -> MouthLight | None:
        """What darkens the inside of the mouth in the texture map; None for a head that has none."""
        inside = self.regions.get("mouth")
        return None if inside is None else MouthLight.of(self.mean, inside, self.landmarks)

    def texture(self, coefficients: Floats) -> Floats:
        """Return `[V, 3]` sRGB 0 to 1 for texture coefficients `[K]`."""
        return np.clip(self.texture_mean + np.tensordot(coefficients, self.texture_basis, 1), 0, 1).astype(np.float32)


def gaze_rotation(pitch: float, yaw: float) -> Floats:
    """Return `[3, 3]`: yaw about y, after pitch about x; radians."""
    cp, sp, cy, sy = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rotation: Floats = (about_y @ about_x).astype(np.float32)
    return rotation
