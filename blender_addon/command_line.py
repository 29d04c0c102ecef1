# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender --command semblance SOURCE --out FILE.blend`: the same tasks as the panel's, without a window."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import bpy

from ..common.errors import UserError
from ..common.progress import Cancelled
from .access import scene_of
from .engine.jobs import Bar, run_to_end
from .properties import choice_properties, head_settings, scene_settings
from .ui.first_look import mark_unseen
from .ui.job_requests import build_job, tracking_job
from .ui.long_task import followed
from .ui.results import finish_build, finish_new_avatar

NAME = "semblance"
OPTION_NAMES = {"head_model": "--head", "avatar_kind": "--kind"}
"""Options that are not called like their choice."""
_registered: list[Any] = []


def run(arguments: list[str]) -> int:
    """Make an avatar's scene from a video or photo; return 0, or 2 when the user has something to mend."""
    parser = argparse.ArgumentParser(prog=f"blender --command {NAME}", description=run.__doc__)
    parser.add_argument("source", type=Path, help="a portrait video or photo")
    parser.add_argument("--out", type=Path, required=True, help="the .blend file to write")
    parser.add_argument("--build", action="store_true", help="train the avatar, too")
    parser.add_argument("--consent", default="", help="what the person shown agreed to; stored in the avatar")
    for choice in choice_properties():
        add_choice(parser, choice)
    given = parser.parse_args(arguments)
    scene = scene_of(bpy.context)
    for choice in choice_properties():
        setattr(scene_settings(scene), choice.identifier, getattr(given, choice.identifier))
    try:
        source = given.source.absolute()
        made = finish_new_avatar(scene, run_to_end(followed(tracking_job(scene, source)), show))
        head_settings(made).consent = given.consent
        if given.build:
            finish_build(made, run_to_end(followed(build_job(scene, made)), show))
    except UserError as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    except (Cancelled, KeyboardInterrupt):
        print("\nCancelled.", file=sys.stderr)
        return 2
    mark_unseen(scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(given.out.absolute()))
    print(f"\nWrote {given.out}.")
    return 0


def add_choice(parser: argparse.ArgumentParser, choice: bpy.types.Property) -> None:
    """Add the option of one of the scene's choices."""
    name = OPTION_NAMES.get(choice.identifier, f"--{choice.identifier.replace('_', '-')}")
    said: dict[str, Any] = {"dest": choice.identifier, "help": choice.description.replace("%", "%%")}
    if isinstance(choice, bpy.types.BoolProperty):
        action = argparse.BooleanOptionalAction if choice.default else "store_true"
        parser.add_argument(name, action=action, default=choice.default, **said)
    elif isinstance(choice, bpy.types.EnumProperty):
        parser.add_argument(name, choices=choice.enum_items.keys(), default=choice.default, **said)
    elif isinstance(choice, bpy.types.IntProperty | bpy.types.FloatProperty | bpy.types.StringProperty):
        parser.add_argument(name, type=type(choice.default), default=choice.default, **said)


def show(bar: Bar) -> None:
    """Draw a progress bar on one line of the terminal."""
    full = round(bar.factor * 30)
    print(f"\r{'#' * full}{'.' * (30 - full)} {bar.text:<60}", end="", flush=True)


def register() -> None:
    """Add the command."""
    _registered.append(bpy.utils.register_cli_command(NAME, run))  # type: ignore[func-returns-value]


def unregister() -> None:
    """Undo `register`."""
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
