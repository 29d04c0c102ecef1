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
from .engine.jobs import Bar, run_to_end
from .properties import SemblanceScene
from .ui.job_operators import build_request, finish_build, finish_new_avatar, followed, tracking_request

NAME = "semblance"
_registered: list[Any] = []


def run(arguments: list[str]) -> int:
    """Make an avatar's scene from a video or photo; return 0, or 2 when the user has something to mend."""
    parser = argparse.ArgumentParser(prog=f"blender --command {NAME}", description=run.__doc__)
    parser.add_argument("source", type=Path, help="a portrait video or photo")
    parser.add_argument("--out", type=Path, required=True, help="the .blend file to write")
    parser.add_argument("--build", action="store_true", help="train the avatar, too")
    parser.add_argument("--preset", choices=choices("preset"), default="preview", help="quality of the avatar")
    parser.add_argument("--head", choices=choices("head_model"), default="builtin", help="the morphable head")
    parser.add_argument("--matting", choices=choices("matting"), default="auto", help="what cuts the person out")
    parser.add_argument("--head-only", action="store_true", help="leave the clothes out")
    given = parser.parse_args(arguments)
    scene = bpy.context.scene
    chosen = scene.semblance
    chosen.preset, chosen.head_model = given.preset, given.head
    chosen.matting, chosen.head_only = given.matting, given.head_only
    try:
        source = given.source.absolute()
        made = finish_new_avatar(scene, source, run_to_end(followed(tracking_request(scene, source)), show))
        if given.build:
            finish_build(made, run_to_end(followed(build_request(made, given.preset)), show))
    except UserError as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    except (Cancelled, KeyboardInterrupt):
        print("\nCancelled.", file=sys.stderr)
        return 2
    bpy.ops.wm.save_as_mainfile(filepath=str(given.out.absolute()))
    print(f"\nWrote {given.out}.")
    return 0


def choices(name: str) -> list[str]:
    """What a choice of the panel can be."""
    return list(SemblanceScene.bl_rna.properties[name].enum_items.keys())


def show(bar: Bar) -> None:
    """Draw a progress bar on one line of the terminal."""
    full = round(bar.factor * 30)
    print(f"\r{'#' * full}{'.' * (30 - full)} {bar.text:<60}", end="", flush=True)


def register() -> None:
    """Add the command."""
    _registered.append(bpy.utils.register_cli_command(NAME, run))


def unregister() -> None:
    """Undo `register`."""
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
