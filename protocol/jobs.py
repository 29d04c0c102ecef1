# SPDX-License-Identifier: GPL-3.0-or-later
"""The long tasks that the engine can be asked for."""

from __future__ import annotations

import enum
from typing import Literal

RuntimeName = Literal["torch", "onnx", "tensorrt"]
"""What executes an avatar's network."""
MattingName = Literal["auto", "builtin", "rvm"]
"""What cuts the person out of footage; `rvm` is Robust Video Matting."""


class JobKind(enum.StrEnum):
    """What a job does."""

    TRACK = "track"
    PHOTO = "photo"
    BUILD = "build"
    REENACT = "reenact"
