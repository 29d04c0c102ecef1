# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame that is solved again with some landmarks pinned (`POST /v1/pins`): what is asked, and what is answered.

The person is told by landmarks of the head, so that the engine needs neither the head's file nor the performance's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..common.errors import UserError

PATH = "/v1/pins"
LANDMARKS, EXPRESSIONS = 478, 52
MOST_BYTES = 1 << 20
"""Of the arrays of a question; those of one with every landmark pinned are a third of it."""
LARGEST = 1e5
"""Of every number: metres, pixels and expressions are far below."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class PinnedFace:
    """What the face does in a frame, as in a `Performance`.

    Attributes:
        expression: `[52]`, 0 to 1; rotation: `[3, 3]`, head space to camera space; translation: `[3]` metres.
    """

    expression: NDArray[Any]
    rotation: NDArray[Any]
    translation: NDArray[Any]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays `[...]` by name, float64."""
        return {each.name: np.asarray(getattr(self, each.name), np.float64) for each in fields(PinnedFace)}

    @classmethod
    def read(cls, arrays: Arrays) -> Self:
        """Read what `arrays` returned.

        Raises:
            UserError: an array is missing, or of another shape, or holds what is no such number.
        """
        face = cls(**{name: read_array(arrays, name, shape) for name, shape in FACE_SHAPES.items()})
        if not np.allclose(face.rotation @ face.rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(face.rotation) < 0:
            raise UserError("The array rotation is no rotation; send an orthogonal matrix [3, 3].")
        if face.translation[2] <= 0:
            raise UserError("The head is behind the camera; send a translation [3] whose z is above 0.")
        return face


@dataclass(frozen=True, eq=False)
class PinRequest:
    """A frame, and where some of its landmarks are really seen.

    Attributes:
        neutral: `[478, 3]`: the person's landmarks without expression, in head space, metres.
        basis: `[52, 478, 3]`: how each expression moves them.
        camera: `[6]`: fx, fy, cx, cy, width, height.
        face: what the face does in the frame so far.
        landmarks: `[N]`, numbers of those pinned, each once; xy: `[N, 2]`, pixels of the camera.
    """

    neutral: NDArray[Any]
    basis: NDArray[Any]
    camera: NDArray[Any]
    face: PinnedFace
    landmarks: NDArray[Any]
    xy: NDArray[Any]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays `[...]` by name, as the endpoint takes them: float32 where they are many."""
        return {
            "neutral": np.asarray(self.neutral, np.float32),
            "basis": np.asarray(self.basis, np.float32),
            "camera": np.asarray(self.camera, np.float64),
            "landmarks": np.asarray(self.landmarks, np.int32),
            "xy": np.asarray(self.xy, np.float64),
            **self.face.arrays(),
        }

    @classmethod
    def read(cls, arrays: Arrays) -> Self:
        """Read what `arrays` returned.

        Raises:
            UserError: an array is missing, or of another shape, or holds what is no such number.
        """
        landmarks = arrays.get("landmarks")
        if landmarks is None or landmarks.dtype.kind not in "iu" or landmarks.ndim != 1 or not len(landmarks):
            raise UserError("The array landmarks is missing; send the numbers of the pinned landmarks as integers [N].")
        if len(np.unique(landmarks)) < len(landmarks) or landmarks.min() < 0 or landmarks.max() >= LANDMARKS:
            raise UserError(f"The array landmarks holds a number twice, or none of 0 to {LANDMARKS - 1}; correct it.")
        camera = read_array(arrays, "camera", (6,))
        if (camera[[0, 1, 4, 5]] <= 0).any():
            raise UserError("The array camera holds a focal length or a size that is not above 0; correct it.")
        return cls(
            neutral=read_array(arrays, "neutral", (LANDMARKS, 3)),
            basis=read_array(arrays, "basis", (EXPRESSIONS, LANDMARKS, 3)),
            camera=camera,
            face=PinnedFace.read(arrays),
            landmarks=landmarks.astype(np.int64),
            xy=read_array(arrays, "xy", (len(landmarks), 2)),
        )


FACE_SHAPES: dict[str, tuple[int, ...]] = {"expression": (EXPRESSIONS,), "rotation": (3, 3), "translation": (3,)}


def read_array(arrays: Arrays, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an array of this `[shape]` as float64; UserError where it is missing, or another."""
    array = arrays.get(name)
    if array is None or array.dtype.kind != "f" or array.shape != shape:
        found = "missing" if array is None else f"{array.dtype} {list(array.shape)}"
        raise UserError(f"The array {name} is {found}; send floats {list(shape)}.")
    if not (np.abs(array) < LARGEST).all():
        raise UserError(f"The array {name} holds what is no number, or one above {LARGEST:g}; correct it.")
    return array.astype(np.float64)
