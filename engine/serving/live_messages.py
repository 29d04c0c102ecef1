# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said at the live door (docs/developers.md): a client's messages, checked, and pictures' headers."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from ...common.errors import UserError
from ...protocol.look import Look
from ...tracking.heads.head import ARKIT_NAMES
from ..jobs.requests import absolute, refusal

VERSION, CAMERA_PICTURE, AVATAR_PICTURE = 1, 1, 2
CAMERA_HEADER = struct.Struct(">BBHId")
AVATAR_HEADER = struct.Struct(">BBBBIdIHH8H")
JPEG, WEBP = 1, 2
STATES = ("looking", "learning", "following", "lost", "easing", "resting")
STAGES = ("receive", "face", "solve", "draw", "paint", "background", "encode", "inside")
STEPS_A_SECOND = 10_000
"""Of the stages' times."""
MOST_MESSAGE = 4 << 20
"""Bytes of a camera picture."""
MOST_TEXT = 1 << 16
LEAST_SIDE, MOST_SIDE = 32, 1024
"""Pixels of the pictures' longer side."""
MOST_NUMBER = (1 << 32) - 1

Degrees = Annotated[float, Field(ge=-180, le=180)]
EyeDegrees = Annotated[float, Field(ge=-60, le=60)]
Metres = Annotated[float, Field(ge=-2, le=2)]
Seconds = Annotated[float, Field(ge=-1e12, le=1e12)]
Number = Annotated[int, Field(ge=0, le=MOST_NUMBER)]


class Message(BaseModel):
    """A text message."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class ViewAsked(Message):
    """From where a head is to be seen (`live.views.View`)."""

    yaw: Degrees = 0.0
    pitch: Annotated[float, Field(ge=-90, le=90)] = 0.0
    distance: Annotated[float, Field(ge=0.2, le=5)] = 1.0


class Settings(Message):
    """What may be said at the start and changed on the way; None leaves it as it is."""

    size: Annotated[int, Field(ge=LEAST_SIDE, le=MOST_SIDE)] | None = None
    rate: Annotated[float, Field(ge=1, le=60)] | None = None
    look: Look | None = None
    view: ViewAsked | None = None
    background: Annotated[str, Field(pattern=r"^(avatar|own|transparent|#[0-9a-fA-F]{6})$")] | None = None
    show_driver: bool | None = None


class Start(Settings):
    """The first message."""

    type: Literal["start"]
    token: Annotated[str, Field(max_length=1000)]
    avatar: Annotated[str, Field(max_length=1000)]
    source: Literal["pictures", "controls", "camera", "stream", "live-link"]
    time: Seconds | None = None
    camera: Annotated[int, Field(ge=0, le=99)] = 0
    stream: str | None = None
    port: Annotated[int, Field(ge=0, le=65535)] = 11111

    @field_validator("stream")
    @classmethod
    def _is_absolute(cls, path: str | None) -> str | None:
        return None if path is None else absolute(path)


class Change(Settings):
    """Other settings."""

    type: Literal["set"]


class ControlsAsked(Message):
    """Values that the avatar is to take (`live.client_sources.Controls`); None leaves them as they are."""

    type: Literal["controls"]
    time: Seconds = 0.0
    expression: dict[str, float] | None = None
    rotation: tuple[Degrees, Degrees, Degrees] | None = None
    translation: tuple[Metres, Metres, Metres] | None = None
    gaze: tuple[tuple[EyeDegrees, EyeDegrees], tuple[EyeDegrees, EyeDegrees]] | None = None

    @field_validator("expression")
    @classmethod
    def _is_known(cls, values: dict[str, float] | None) -> dict[str, float] | None:
        unknown = sorted(set(values or ()) - set(ARKIT_NAMES))
        if unknown:
            raise ValueError(f"must have ARKit's names, not {unknown[0][:40]!r}")
        return values

    def values(self) -> dict[str, Any]:
        """What was given."""
        return {
            name: getattr(self, name)
            for name in ("expression", "rotation", "translation", "gaze")
            if getattr(self, name) is not None
        }


class Shown(Message):
    """A picture was shown; 0 is `started`."""

    type: Literal["seen"]
    number: Number


class Stop(Message):
    """The client has had enough."""

    type: Literal["stop"]


Said = Change | ControlsAsked | Shown | Stop
ANY: TypeAdapter[Said] = TypeAdapter(Annotated[Said, Field(discriminator="type")])
FIRST = TypeAdapter(Start)


def read_first(text: str) -> Start:
    """Return the first message.

    Raises:
        UserError: it is none.
    """
    first: Start = read(FIRST, text)
    return first


def read_further(text: str) -> Said:
    """Return a later message.

    Raises:
        UserError: it is none.
    """
    said: Said = read(ANY, text)
    return said


def read(adapter: TypeAdapter[Any], text: str) -> Any:
    """Return a message of some kinds; errors as above."""
    if len(text) > MOST_TEXT:
        raise UserError(f"A message is longer than {MOST_TEXT} letters; say less at once.")
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise UserError(sentence(list(error.errors()))) from None
    except UnicodeEncodeError:
        raise UserError("A message holds what is no text; send JSON in UTF-8.") from None


def sentence(errors: list[Any]) -> str:
    """Turn pydantic's findings into one sentence."""
    kind = errors[0]["type"]
    if kind == "json_invalid":
        return "A message is not JSON; load the page anew."
    if kind.startswith(("union_tag", "model_type", "model_attributes")):
        return "A message is of no type that is known here; load the page anew."
    return refusal(errors)


def read_picture(message: bytes) -> tuple[int, float, bytes]:
    """Return a camera picture's number, its time in seconds of the client's clock, and the file.

    Raises:
        UserError: it is none.
    """
    if len(message) <= CAMERA_HEADER.size:
        raise UserError("A binary message is too short for a camera picture; send its header and a JPEG.")
    version, kind, _, number, time = CAMERA_HEADER.unpack_from(message)
    if (version, kind) != (VERSION, CAMERA_PICTURE) or not math.isfinite(time) or abs(time) > 1e12:
        raise UserError("A binary message has no camera picture's header; load the page anew.")
    return number, time, message[CAMERA_HEADER.size :]


def picture_header(
    *,
    is_webp: bool,
    state: str,
    number: int,
    time: float,
    shows: int,
    size: tuple[int, int],
    spent: Mapping[str, float],
) -> bytes:
    """Return what precedes an avatar's picture of `size` (width, height); `spent` is seconds by `STAGES`' names."""
    stages = [min(65535, max(0, round(STEPS_A_SECOND * spent.get(name, 0.0)))) for name in STAGES]
    kind = WEBP if is_webp else JPEG
    return AVATAR_HEADER.pack(VERSION, AVATAR_PICTURE, kind, STATES.index(state), number, time, shows, *size, *stages)
