# SPDX-License-Identifier: GPL-3.0-or-later
"""TensorRT's engines: what one is good for, where it is kept, and how much of it must be float32."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...protocol.look import Look

EVERYTHING = ("",)
"""Occurs in every layer's name."""


@dataclass(frozen=True)
class EngineKey:
    """What an engine was built for; it runs nowhere else.

    Attributes:
        gpu: its name; driver, tensorrt, semblance: versions, the last one of what folds networks.
        avatar: SHA-256 of the file; look: what it paints.
    """

    gpu: str
    driver: str
    tensorrt: str
    semblance: str
    avatar: str
    look: Look

    def file(self, folder: Path) -> Path:
        """Where the engine is kept."""
        return folder / f"{hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:32]}.engine"


def least_exact(
    sensitive: tuple[str, ...], build: Callable[[tuple[str, ...]], bytes], works: Callable[[bytes], bool]
) -> tuple[bytes, str]:
    """Build the engine with as little float32 as needed.

    Args:
        sensitive: see `Exportable`.
        build: makes an engine whose layers of these groups are float32 and whose others are float16.
        works: whether its pictures are right.

    Returns:
        The engine, and a sentence on what is float32; empty where nothing is.
    """
    for count in range(len(sensitive) + 1):
        exact = sensitive[:count]
        engine = build(exact)
        if works(engine):
            return engine, f"These layers are float32, for float16 went wrong: {', '.join(exact)}." if exact else ""
    return build(EVERYTHING), "The whole engine is float32, which is slower: float16 went wrong in this avatar."
