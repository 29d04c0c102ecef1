# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist sets once: where the engine runs and how it is set up, and the FaceVerse file."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ..common.errors import UserError
from ..common.home import default_home
from ..common.installation.torch_builds import BUILDS
from ..tracking.heads.imported import imported_heads
from ..tracking.heads.registry import KINDS
from . import compat
from .access import preferences_of
from .engine import remote_engine
from .engine.installing import Wishes
from .engine.process import NO_ADDRESS, EnginePlace
from .words import translated

Card = Callable[[bpy.types.UILayout, bpy.types.Context, EnginePlace, Wishes], None]


def draw_nothing(layout: bpy.types.UILayout, context: bpy.types.Context, place: EnginePlace, chosen: Wishes) -> None:
    """What is drawn about the engine of this machine until the panels are registered."""


draw_engine: Card = draw_nothing
"""Draws the card about the engine of this machine; the panels, which cannot be imported here, put their own."""


def draw_no_card(layout: bpy.types.UILayout, context: bpy.types.Context, place: EnginePlace) -> None:
    """What is drawn about an engine on another machine until the panels are registered."""


draw_remote: Callable[[bpy.types.UILayout, bpy.types.Context, EnginePlace], None] = draw_no_card
"""Draws the card about the engine on another machine."""


class SemblancePreferences(bpy.types.AddonPreferences):
    """Preferences of the extension."""

    bl_idname = compat.root_package()

    engine: EnumProperty(
        name="Engine",
        description="Where the engine runs: the program that tracks, trains and renders outside Blender",
        items=(
            ("AUTOMATIC", "Automatic", "Installed by Set Up Engine into your own folder and started when it is needed"),
            ("PYTHON", "Own Python", "Started when needed with a Python of yours in which semblance is installed"),
            ("REMOTE", "Another Machine", "An engine that runs elsewhere, for instance on a machine with a GPU"),
        ),
        default="AUTOMATIC",
    )
    python: StringProperty(
        name="Python",
        subtype="FILE_PATH",
        description="The Python program of the environment in which semblance is installed (bin/python)",
    )
    wheels: StringProperty(
        name="Folder of Wheels",
        subtype="DIR_PATH",
        description="Set up from this folder, without a network: `run.py wheels FOLDER` fills one on another machine",
    )
    torch: EnumProperty(
        name="PyTorch",
        description="Which build of PyTorch the engine gets",
        items=(
            ("AUTO", "Automatic", "The build that fits this machine's graphics card and driver"),
            *((name, build.title.capitalize(), "This build, whatever is found") for name, build in BUILDS.items()),
        ),
        default="AUTO",
    )
    faceverse: StringProperty(
        name="FaceVerse File",
        subtype="FILE_PATH",
        description="faceverse_v3_6_s.npy, if you have it. Without it, Semblance uses its built-in head",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Show the preferences, each with what it is for."""
        layout = self.layout
        layout.use_property_split = True
        layout.row().prop(self, "engine", expand=True)
        box = layout.box()
        if self.engine == "AUTOMATIC":
            draw_engine(box, context, EnginePlace(home_folder()), wishes())
            box.prop(self, "torch")
            box.prop(self, "wheels")
        elif self.engine == "PYTHON":
            box.prop(self, "python")
        else:
            draw_remote(box, context, remote_place())
        layout.prop(self, "faceverse")
        row = layout.row(align=True)
        row.label(text=translated("Avatars, datasets and logs: {folder}", folder=home_folder()), icon="FILE_FOLDER")
        row.operator("wm.path_open", text="Open").filepath = str(home_folder())


def stored() -> SemblancePreferences | None:
    """The preferences; None where the extension is used without being installed, as in scripts."""
    addon = preferences_of(bpy.context).addons.get(compat.root_package())
    return addon.preferences if addon else None


def wishes() -> Wishes:
    """What the artist has chosen about setting up the engine."""
    preferences = stored()
    if preferences is None:
        return Wishes()
    folder = Path(bpy.path.abspath(preferences.wheels)) if preferences.wheels else None
    return Wishes(folder, "" if preferences.torch == "AUTO" else preferences.torch)


def engine_place() -> EnginePlace:
    """Where the engine is, from the preferences; for farms and scripts, `SEMBLANCE_ENGINE`, the address of one on
    another machine, and `SEMBLANCE_ENGINE_PYTHON` overrule them.
    """
    preferences, home = stored(), home_folder()
    if os.environ.get("SEMBLANCE_ENGINE"):
        return remote_place()
    if python := os.environ.get("SEMBLANCE_ENGINE_PYTHON"):
        return EnginePlace(home, Path(python))
    if preferences is None or preferences.engine == "AUTOMATIC":
        return EnginePlace(home)
    if preferences.engine == "PYTHON":
        return EnginePlace(home, Path(bpy.path.abspath(preferences.python)))
    return remote_place()


def remote_place() -> EnginePlace:
    """The engine on another machine: that of `SEMBLANCE_ENGINE`, else the one that the artist has entered."""
    home, online = home_folder(), compat.online_access()
    if url := os.environ.get("SEMBLANCE_ENGINE"):
        return EnginePlace(home, url=url, token=os.environ.get("SEMBLANCE_ENGINE_TOKEN", ""), online=online)
    return EnginePlace(home, url=remote_engine.url_of(home) or NO_ADDRESS, online=online)


def head_file(name: str) -> Path | None:
    """The artist's file of a head: chosen here (FaceVerse v3), else imported; None for the built-in head.

    Raises:
        UserError: there is neither.
    """
    preferences = stored()
    if name == "faceverse-v3" and preferences and preferences.faceverse:
        return Path(bpy.path.abspath(preferences.faceverse))
    file = imported_heads(home_folder()).get(name)
    if file is None and name in KINDS:
        command = f"semblance heads import FILE --home {home_folder()}"
        said = (
            "The head {head} needs its file: choose it in the Semblance preferences, or run `{command}`."
            if name == "faceverse-v3"
            else "The head {head} needs its file: run `{command}`."
        )
        raise UserError(translated(said, head=KINDS[name].title, command=command))
    return file


@cache
def home_folder() -> Path:
    """The engine's home on this machine: in an installed extension the folder that Blender lends it."""
    return default_home(compat.user_folder())


def register() -> None:
    """Register the preferences."""
    bpy.utils.register_class(SemblancePreferences)


def unregister() -> None:
    """Undo `register`."""
    bpy.utils.unregister_class(SemblancePreferences)
    home_folder.cache_clear()
