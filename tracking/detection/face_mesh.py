# SPDX-License-Identifier: GPL-3.0-or-later
"""What finds the 478 landmarks: MediaPipe's FaceMesh, or its Face Landmarker with a model file of the user's.

MediaPipe 0.10.21 is the last release whose wheels carry the models of FaceMesh, and there are none for Python 3.13.
Later releases have the Tasks API only, whose `face_landmarker.task` (Google, Apache-2.0) users fetch themselves; it is
taken where it is given. What could be tried is little: that MediaPipe 0.10.21 starts its graph with a file made of that
wheel's models, and how it is called. Those models do not fit the graph (it expects 256 pixels, and the irises in one
tensor), so no landmarks were compared; neither Google's file nor a later MediaPipe was tried. Hands, small faces and
the built-in matting still come from models of 0.10.21: a later one is not enough yet for all of tracking.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...common.errors import UserError
from ...common.home import Home, default_home
from .quiet_mediapipe import plotting_stand_in, solution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..heads.arrays import Image

MODEL_VARIABLE, MODEL_NAME = "SEMBLANCE_FACE_LANDMARKER", "face_landmarker.task"
"""The variable that names the model file, and its name among the weights of the engine's folder."""
MILLISECONDS = 33
"""Between two pictures of a video; MediaPipe only wants them to grow."""


class Face(Protocol):
    """A face as MediaPipe gives it: points with `x`, `y`, `z` in units of the picture's width (x, z) and height (y)."""

    @property
    def landmark(self) -> Sequence[Any]:
        """The 478 points."""


class Faces(Protocol):
    """What is found in a picture."""

    @property
    def multi_face_landmarks(self) -> Sequence[Face] | None:
        """The faces; None or empty for none."""


class FaceMesh(Protocol):
    """Finds faces in pictures: in a video it follows them."""

    def process(self, rgb: Image) -> Faces:
        """Look at a picture `[H, W, 3]`."""

    def reset(self) -> None:
        """Forget the faces that are followed."""

    def close(self) -> None:
        """Give the graph back."""


def open_face_mesh(still: bool, most_faces: int) -> FaceMesh:
    """Open what finds landmarks; with `still` every picture stands alone.

    Raises:
        UserError: the model file that was named is none, or this MediaPipe needs one and there is none.
    """
    model = model_file()
    if model is not None:
        return TaskFaceMesh(model, still, most_faces)
    try:
        face_mesh = solution("face_mesh")
    except ImportError as error:
        raise UserError(
            f"This release of MediaPipe brings no models: set {MODEL_VARIABLE} to Google's file {MODEL_NAME}, or "
            "install MediaPipe 0.10.21."
        ) from error
    mesh: FaceMesh = face_mesh.FaceMesh(static_image_mode=still, max_num_faces=most_faces, refine_landmarks=True)
    return mesh


def model_file() -> Path | None:
    """The user's model file: the one that the variable names, else the one among the engine's weights.

    Raises:
        UserError: the variable names no file.
    """
    named = os.environ.get(MODEL_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise UserError(f"{MODEL_VARIABLE} names {named}, where there is no file; correct or unset it.")
        return Path(named)
    kept = Home(default_home()).weights / MODEL_NAME
    return kept if kept.is_file() else None


@dataclass(frozen=True)
class TaskFace:
    """A face of the Tasks API, in FaceMesh's clothes."""

    landmark: Sequence[Any]


@dataclass(frozen=True)
class TaskFaces:
    """What the Tasks API finds in a picture, in FaceMesh's clothes."""

    multi_face_landmarks: list[TaskFace]


class TaskFaceMesh:
    """The Face Landmarker of MediaPipe's Tasks API."""

    def __init__(self, model: Path, still: bool, most_faces: int) -> None:
        """Raise `UserError` where MediaPipe cannot read the model."""
        with plotting_stand_in():
            self._mediapipe = importlib.import_module("mediapipe")
            self._vision = importlib.import_module("mediapipe.tasks.python.vision")
            self._base = importlib.import_module("mediapipe.tasks.python").BaseOptions
        self._model, self._still, self._most_faces = model, still, most_faces
        self._pictures = 0
        self._task = self._open()

    def process(self, rgb: Image) -> TaskFaces:
        """Look at a picture `[H, W, 3]`."""
        pixels = np.ascontiguousarray(rgb)
        picture = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=pixels)
        if self._still:
            found = self._task.detect(picture)
        else:
            found = self._task.detect_for_video(picture, self._pictures * MILLISECONDS)
            self._pictures += 1
        return TaskFaces([TaskFace(face) for face in found.face_landmarks])

    def reset(self) -> None:
        """Forget the faces that are followed."""
        self._task.close()
        self._pictures = 0
        self._task = self._open()

    def close(self) -> None:
        """Give the graph back."""
        self._task.close()

    def _open(self) -> Any:
        """Start the graph."""
        vision = self._vision
        mode = vision.RunningMode.IMAGE if self._still else vision.RunningMode.VIDEO
        options = vision.FaceLandmarkerOptions(
            base_options=self._base(model_asset_buffer=self._model.read_bytes()),
            running_mode=mode,
            num_faces=self._most_faces,
        )
        try:
            return vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            why = str(error).splitlines()[0]
            raise UserError(f"{self._model} is no face landmarker model that MediaPipe reads ({why}).") from error
