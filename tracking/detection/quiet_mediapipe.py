# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's solutions, imported when first needed and without their chatter."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.RLock()


def solution(name: str) -> ModuleType:
    """Return `mediapipe.solutions.<name>` ("face_mesh", "face_detection", "selfie_segmentation")."""
    with _lock, plotting_stand_in():
        os.environ.setdefault("GLOG_minloglevel", "2")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        return importlib.import_module(f"mediapipe.python.solutions.{name}")


@contextmanager
def silenced() -> Iterator[None]:
    """Drop what native code prints on standard error inside the block.

    TensorFlow Lite and absl announce themselves when a graph starts and at its first picture, and no setting stops
    them; wrap these two moments only.
    """
    with _lock:
        sys.stderr.flush()
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


@contextmanager
def plotting_stand_in() -> Iterator[None]:
    """Keep matplotlib out: MediaPipe's drawing helpers import it, slowly, and we never draw with them."""
    name = "matplotlib.pyplot"
    if name in sys.modules or "mediapipe" in sys.modules:
        yield
        return
    parent_known = "matplotlib" in sys.modules
    stand_in, parent = ModuleType(name), sys.modules.get("matplotlib") or ModuleType("matplotlib")
    sys.modules.update({"matplotlib": parent, name: stand_in})
    parent.pyplot = stand_in  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del sys.modules[name], parent.pyplot
        if not parent_known:
            del sys.modules["matplotlib"]
