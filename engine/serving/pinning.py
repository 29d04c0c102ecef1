# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that are solved again with some landmarks pinned."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from fastapi import FastAPI, Request, Response

from ...common.errors import UserError
from ...protocol.arrays import ARRAYS_TYPE, pack_arrays, unpack_arrays
from ...protocol.pins import MOST_BYTES, PATH, PinnedFace, PinRequest
from ...tracking.heads.camera import PinholeCamera
from ...tracking.solving.landmark_model import LandmarkModel, Pose
from ...tracking.solving.pinning import Pins, solve_pinned
from .known import BINARY
from .refusals import arrays_body

BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {ARRAYS_TYPE: BINARY}}}


def add_pinning(app: FastAPI) -> None:
    """Add the endpoint that solves a frame again."""

    @app.post(PATH, response_class=Response, responses={200: {"content": {ARRAYS_TYPE: BINARY}}}, openapi_extra=BODY)
    async def pins(request: Request) -> Response:
        solved = await asyncio.to_thread(answer, await arrays_body(request))
        return Response(solved, media_type=ARRAYS_TYPE)


def answer(body: bytes) -> bytes:
    """Read a question, solve it and pack the answer.

    Raises:
        UserError: these are no packed arrays, or not as they should be.
    """
    try:
        arrays = unpack_arrays(body, MOST_BYTES)
    except ValueError as error:
        raise UserError(f"The pins cannot be read ({error}); send them as pack_arrays makes them.") from None
    return pack_arrays(**solved(PinRequest.read(arrays)).arrays())


def solved(asked: PinRequest) -> PinnedFace:
    """Solve a frame again."""
    fx, fy, cx, cy, width, height = asked.camera.tolist()
    model = LandmarkModel(asked.neutral, np.zeros((0, *asked.neutral.shape)), asked.basis)
    pose = Pose(asked.face.rotation[None], asked.face.translation[None])
    camera = PinholeCamera(fx, fy, cx, cy, round(width), round(height))
    expression, moved = solve_pinned(model, camera, asked.face.expression, pose, Pins(asked.landmarks, asked.xy))
    return PinnedFace(expression, moved.rotation[0], moved.translation[0])
