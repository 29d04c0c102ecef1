# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of engines on other machines that the user has accepted, by the engines' places (`HOST:PORT`)."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from ..common.files import write_privately

if TYPE_CHECKING:
    from pathlib import Path

FILE = "known_engines.json"


def read(home: Path) -> dict[str, str]:
    """Fingerprints by places."""
    with suppress(OSError, ValueError):
        said = json.loads((home / FILE).read_text(encoding="utf-8"))
        if isinstance(said, dict):
            return {str(place): str(fingerprint) for place, fingerprint in said.items()}
    return {}


def fingerprint_of(home: Path, place: str) -> str:
    """The fingerprint that was accepted for an engine; empty for none."""
    return read(home).get(place, "")


def accept(home: Path, place: str, fingerprint: str) -> None:
    """Accept a certificate for an engine, in place of an earlier one.

    Raises:
        UserError: the disk is full.
    """
    write_privately(home / FILE, json.dumps({**read(home), place: fingerprint}, indent=1))
