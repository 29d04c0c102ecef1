# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of an avatar that is posed by numbers: what sliders and a dragged camera ask for."""

from __future__ import annotations

import io
import threading
from contextlib import ExitStack
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import Body, FastAPI, Request, Response
from PIL import Image
from pydantic import ConfigDict, Field, with_config

from ...common.errors import UserError
from ...neural.rendering.frames import POSING
from ...protocol.inputs import PosedMesh
from ...tracking.heads.camera import PinholeCamera
from ...tracking.heads.head import ARKIT_NAMES
from ...tracking.heads.rotations import from_angles
from ..live.backgrounds import AVATAR, background
from .known import BINARY, KnownAvatar, avatars_of

if TYPE_CHECKING:
    from ...neural.avatar import Avatar
    from ...neural.rendering.frames import Pose
    from ...protocol.inputs import Inputs
    from ...tracking.heads.arrays import Floats
    from ...tracking.heads.arrays import Image as Pixels
    from ...tracking.performances.performance import Performance

PICTURE_TYPE = "image/webp"
QUALITY = 92
"""Of the pictures, as WebP counts it."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Radians = Annotated[float, Field(ge=-1.6, le=1.6, allow_inf_nan=False)]
Turn = Annotated[float, Field(ge=-3.2, le=3.2, allow_inf_nan=False)]
Angles = tuple[Radians, Radians, Radians]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, kw_only=True)
class PoseRequest:
    """How an avatar is to sit for a picture.

    Attributes:
        expression: values by ARKit's names; those not named are as at rest.
        rotation: pitch, yaw and roll of the head, radians, from rest. gaze: pitch and yaw of both eyes, from rest.
        orbit: pitch and yaw of the camera about a head in 3D, radians: how far the head seems to turn.
        zoom: how much nearer a head in 3D seems.
        size: pixels of the side of a head in 3D; a portrait is as large as it is.
    """

    expression: dict[str, Share] = field(default_factory=dict)
    rotation: Angles = (0.0, 0.0, 0.0)
    gaze: tuple[Radians, Radians] = (0.0, 0.0)
    orbit: tuple[Turn, Turn] = (0.0, 0.0)
    zoom: Annotated[float, Field(ge=0.25, le=8, allow_inf_nan=False)] = 1.0
    size: Annotated[int, Field(ge=64, le=1024)] = 256


def add_pictures(app: FastAPI) -> None:
    """Add the endpoint of posed avatars' pictures."""
    studio = Studio()

    @app.post("/v1/avatars/{id}/picture", response_class=Response, responses={200: {"content": {PICTURE_TYPE: BINARY}}})
    async def picture(request: Request, path: KnownAvatar, asked: Annotated[PoseRequest, Body()]) -> Response:
        refuse_unknown(asked)
        taken = await avatars_of(request).using(path, lambda avatar: studio.picture(avatar, asked))
        return Response(taken, media_type=PICTURE_TYPE)


class Studio:
    """Takes pictures of posed avatars; what draws the inputs of the last one is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = ExitStack()
        self._sitter: Sitter | None = None

    def picture(self, avatar: Avatar, asked: PoseRequest) -> bytes:
        """Return a WebP picture; a head in 3D lies over nothing.

        Raises:
            UserError: a portrait is to be seen from elsewhere, the avatar's head is missing, or there is no OpenGL.
        """
        with self._lock:
            inputs = self._sitting(avatar).inputs(asked)
        return encoded(background(avatar, AVATAR)(avatar.render(inputs).rgba[0], None))

    def _sitting(self, avatar: Avatar) -> Sitter:
        if self._sitter is None or self._sitter.avatar is not avatar:
            self._sitter = None
            self._kept.close()
            head, own = avatar.open_head(), avatar.metadata.rest_performance()
            pose = self._kept.enter_context(POSING[avatar.kind.inputs](head, own))
            self._sitter = Sitter(avatar, own, pose)
        return self._sitter


@dataclass(frozen=True)
class Sitter:
    """An avatar, its person at rest, and what draws its inputs."""

    avatar: Avatar
    own: Performance
    pose: Pose

    def inputs(self, asked: PoseRequest) -> Inputs:
        """What the avatar's picture is painted from."""
        drawn = self.pose(posed(self.own, asked), 0)
        if isinstance(drawn, PosedMesh):
            rest = self.pose(self.own, 0)
            assert isinstance(rest, PosedMesh)
            middle = rest.vertices[0].mean(0)
            return seen_by(drawn, middle, self.own.camera, asked)
        if asked.orbit != (0.0, 0.0) or asked.zoom != 1:
            raise UserError("This avatar is a portrait, seen from its footage's camera alone; ask without orbit, zoom.")
        return drawn


def refuse_unknown(asked: PoseRequest) -> None:
    """Raise UserError for an expression that no head has."""
    for name in asked.expression:
        if name not in ARKIT_NAMES:
            raise UserError(f"There is no expression {name[:80]!r}; name it as ARKit does, such as jawOpen.")


def posed(own: Performance, asked: PoseRequest) -> Performance:
    """The person at rest, posed as asked: one frame."""
    expression = own.expression.copy()
    for name, value in asked.expression.items():
        expression[:, ARKIT_NAMES.index(name)] = value
    turn = from_angles(np.array([asked.rotation])).astype(np.float32)
    gaze = (own.gaze + np.array(asked.gaze, np.float32)).astype(np.float32)
    return replace(own, expression=expression, rotation=own.rotation @ turn, gaze=gaze)


def seen_by(drawn: PosedMesh, middle: Floats, camera: PinholeCamera, asked: PoseRequest) -> PosedMesh:
    """A posed mesh as a camera sees it that turns about `middle [3]` and comes nearer."""
    turn = from_angles(np.array([(*asked.orbit, 0.0)])).astype(np.float32)
    seen = np.array([astuple(zoomed(camera.resized(asked.size, asked.size), asked.zoom))], np.float32)
    vertices = ((drawn.vertices[0] - middle) @ turn[0].T + middle)[None].astype(np.float32)
    return replace(drawn, vertices=vertices, view=turn, camera=seen)


def zoomed(camera: PinholeCamera, zoom: float) -> PinholeCamera:
    """A camera of so much longer a lens, about the middle of its picture."""
    x, y = camera.width / 2, camera.height / 2
    return replace(
        camera,
        fx=camera.fx * zoom,
        fy=camera.fy * zoom,
        cx=(camera.cx - x) * zoom + x,
        cy=(camera.cy - y) * zoom + y,
    )


def encoded(picture: Pixels) -> bytes:
    """A picture `[H, W, 3 or 4]` as WebP."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=QUALITY, method=0)
    return file.getvalue()
