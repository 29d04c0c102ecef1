# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head refers to and this computer does not have, and how to get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...common.home import Home
from .. import preferences
from ..properties import head_settings
from ..scene.paths import path_of
from ..words import translated

if TYPE_CHECKING:
    import bpy

Kind = Literal["AVATAR", "DATASET", "PERFORMANCE", "HEAD"]


@dataclass(frozen=True)
class Lack:
    """What is missing: of which kind, and a sentence about what for and how to get it."""

    kind: Kind
    sentence: str


def lacks_of(head: bpy.types.Object) -> list[Lack]:
    """Return what a head refers to and this computer lacks, the most important first."""
    found: list[Lack] = []
    settings, place = head_settings(head), preferences.engine_place()
    if settings.avatar and not place.remote and not Home(place.home).avatar(settings.avatar).is_file():
        sentence = translated(
            "The avatar {avatar} is not on this computer: press Export Avatar where it is, and choose its file here.",
            avatar=settings.avatar,
        )
        found.append(Lack("AVATAR", sentence))
    head_path, performance, dataset = (path_of(head, name) for name in ("head_path", "performance", "dataset"))
    if head_path and not head_path.is_file():
        found.append(
            Lack(
                "HEAD",
                translated(
                    "The head's file {head_path} is missing: it is needed to build or drive the avatar.",
                    head_path=head_path,
                ),
            )
        )
    if performance and not performance.is_file() and not settings.person:
        found.append(
            Lack(
                "PERFORMANCE",
                translated(
                    "The performance {performance} is missing: others cannot drive the head.", performance=performance
                ),
            )
        )
    if dataset and not (dataset / "dataset.json").is_file():
        sentence = translated(
            "The tracked footage {dataset} is missing: it is needed to build the avatar. Choose its dataset.json.",
            dataset=dataset,
        )
        found.append(Lack("DATASET", sentence))
    return found
