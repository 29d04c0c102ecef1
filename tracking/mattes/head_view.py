# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracked head in a picture: an upright view of fixed scale, the cut through the neck, the face's outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from ..heads.arrays import Floats
    from ..heads.camera import PinholeCamera
    from ..heads.head import MorphableHead
    from ..performances.performance import Performance

SIDE, PER_METRE = 192, 500.0
"""Pixels of the upright view's side and in a metre."""
MIDDLE, NECK_ROW = SIDE / 2, 140
"""Column and row of the upright view in which the middle of the neck's cut lies."""
COARSER = 3
"""A picture of what the view shows is first drawn so many times smaller: it is smooth, and this is fast."""

CHIN, JAW_RIGHT, JAW_LEFT, EAR_RIGHT, EAR_LEFT = 152, 172, 397, 234, 454
"""Landmarks."""
BELOW_CHIN = 0.014
"""Metres from the chin down to the cut."""
GROWN = 7
"""Pixels of the brush that grows the head's outline: a jaw may be wider than the tracked one."""
EVERY = 20
"""Of so many vertices one is enough for the head's outline."""
BEHIND_JAW, DEPTH = 0.05, 0.045
"""Metres from the corners of the jaw back to the middle of the neck, and from there to its front: a usual neck's."""


@dataclass(frozen=True)
class PersonalHead:
    """What is to be found of one person's head in each frame, in head space.

    Attributes:
        neck: `[3]` the middle of the cut; front: `[N, 3]` from right to left around the front of the neck.
        ears: `[2, 3]`; outline: `[V, 3]` vertices above the chin; outline_basis: `[52, V, 3]` their expressions.
    """

    neck: Floats
    front: Floats
    ears: Floats
    outline: Floats
    outline_basis: Floats

    @classmethod
    def of(cls, head: MorphableHead, identity: Floats) -> PersonalHead:
        """Place the cut by the landmarks of the person of `identity [I]`."""
        neutral = head.neutral(identity)
        chin, right, left = neutral[head.landmarks[[CHIN, JAW_RIGHT, JAW_LEFT]]]
        jaw = (right + left) / 2
        neck = np.array([jaw[0], chin[1] + BELOW_CHIN, jaw[2] + BEHIND_JAW], np.float32)
        angle = np.linspace(-np.pi / 2, np.pi / 2, 33, dtype=np.float32)
        half = abs(left[0] - right[0]) / 2
        front = neck + np.stack([half * np.sin(angle), 0 * angle, -DEPTH * np.cos(angle)], -1)
        is_neck = head.regions.get("neck", np.zeros(len(neutral), bool))
        above = np.flatnonzero((neutral[:, 1] <= chin[1]) & ~is_neck)[::EVERY]
        ears = neutral[head.landmarks[[EAR_RIGHT, EAR_LEFT]]]
        return cls(neck, front, ears, neutral[above], head.expressions(neutral)[:, above])


@dataclass(frozen=True)
class HeadView:
    """A frame's head, upright: down the head is down the view, and the neck is in the same place in every frame.

    Attributes:
        to_upright: `[2, 3]` pixels of the picture to pixels of the view.
        cut: `[N, 2]` the front of the neck where it is cut, x rising.
        face: `[SIDE, SIDE]` 1 within the outline of the head without neck and hair; around: a little beyond it too.
        ears: the row of the lower one.
    """

    to_upright: Floats
    cut: Floats
    face: Floats
    around: Floats
    ears: float

    @classmethod
    def of(cls, person: PersonalHead, performance: Performance, index: int, camera: PinholeCamera) -> HeadView:
        """Look at a frame of a performance through the camera of its picture."""
        rotation, translation = performance.rotation[index], performance.translation[index]
        neck = person.neck @ rotation.T + translation
        to_upright = upright_map(camera.project(neck), camera.fx / float(neck[2]), rotation)

        def seen(points: Floats) -> Floats:
            return moved(camera.project(points @ rotation.T + translation), to_upright)

        cut = seen(person.front)
        outline = person.outline + np.tensordot(performance.expression[index], person.outline_basis, 1)
        face = filled(cv2.convexHull(seen(outline).astype(np.float32)))
        around = cv2.dilate(face, np.ones((GROWN, GROWN)))
        ears = float(np.clip(seen(person.ears)[:, 1].max(), 0, NECK_ROW))
        return cls(to_upright, cut[np.argsort(cut[:, 0])], face, around, ears)

    def upright(self, picture: Floats) -> Floats:
        """Return the view `[SIDE, SIDE]` of `picture [h, w]`, which shows the whole picture at any size."""
        turned: Floats = cv2.warpAffine(picture, self.to_upright, (SIDE, SIDE))
        return turned

    def in_picture(self, view: Floats, side: int) -> Floats:
        """Return the picture `[side, side]` of what the view shows; its edges go on."""
        coarse = side // COARSER
        to_upright = self.to_upright * np.array([COARSER, COARSER, 1], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(view, to_upright, (coarse, coarse), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        resized: Floats = cv2.resize(picture, (side, side))
        return resized


def upright_map(middle: Floats, per_metre: float, rotation: Floats) -> Floats:
    """Return `[2, 3]`: turns the head's down axis down, scales to `PER_METRE`, puts `middle [2]` in its place."""
    down = rotation[:2, 1] / np.linalg.norm(rotation[:2, 1])
    turn = np.array([[down[1], -down[0]], [down[0], down[1]]]) * PER_METRE / per_metre
    offset = np.array([MIDDLE, NECK_ROW]) - turn @ middle
    affine: Floats = np.concatenate([turn, offset[:, None]], 1).astype(np.float32)
    return affine


def moved(points: Floats, affine: Floats) -> Floats:
    """Return points `[N, 2]` by an affine map `[2, 3]`."""
    there: Floats = points @ affine[:, :2].T + affine[:, 2]
    return there


def filled(polygon: Floats) -> Floats:
    """Return a view `[SIDE, SIDE]` that is 1 within a convex polygon `[N, 1, 2]`."""
    view = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(view, np.round(polygon * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    return view.astype(np.float32) / 255
