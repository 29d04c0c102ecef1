# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that mend what a sentence tells of: those that it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import compat
from ..words import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    import bpy
    from bpy.stub_internal.rna_enums import IconItems


@dataclass(frozen=True)
class Remedy:
    """A button.

    Attributes:
        words: a sentence that has them names it.
        operator: its operator; text, icon: what it looks like.
        properties: the operator's.
    """

    words: str
    operator: str
    text: str
    icon: IconItems
    properties: Mapping[str, str] = field(default_factory=dict)


REMEDIES = (
    Remedy("Restart Engine", "semblance.restart_engine", "Restart Engine", "FILE_REFRESH"),
    Remedy("Set Up Engine", "semblance.set_up_engine", "Set Up Engine", "IMPORT"),
    Remedy("Set Up Again", "semblance.set_up_engine", "Set Up Again", "IMPORT"),
    Remedy("Relink", "semblance.relink", "Relink Dataset", "FILE_FOLDER", {"kind": "DATASET"}),
    Remedy("New Avatar", "semblance.new_avatar", "New Avatar", "FILE_MOVIE"),
    Remedy("Build Avatar", "semblance.build_avatar", "Build Avatar", "PLAY"),
    Remedy("Add Avatar", "semblance.add_avatar", "Add Avatar", "OUTLINER_OB_ARMATURE"),
    Remedy("Import Avatar", "semblance.import_avatar", "Import Avatar", "IMPORT"),
    Remedy("Use Its Camera", "semblance.use_its_camera", "Use Its Camera", "VIEW_CAMERA"),
    Remedy("Make Pose Library", "semblance.make_pose_library", "Make Pose Library", "ASSET_MANAGER"),
    Remedy("To Gaussian Splats", "semblance.to_gaussian_splats", "To Gaussian Splats", "OUTLINER_OB_POINTCLOUD"),
    Remedy(
        "preferences", "preferences.addon_show", "Open Preferences", "PREFERENCES", {"module": compat.root_package()}
    ),
)


def remedies_for(text: str) -> list[Remedy]:
    """The buttons that a sentence names, each once."""
    return [each for each in REMEDIES if each.words in text or translated(each.words) in text]


def draw_remedies(layout: bpy.types.UILayout, text: str) -> None:
    """Draw the buttons that a sentence names."""
    for each in remedies_for(text):
        drawn = layout.operator(each.operator, text=each.text, icon=each.icon)
        for name, value in each.properties.items():
            setattr(drawn, name, value)
