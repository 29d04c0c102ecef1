# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance becomes a film without a window: scene, rendered frames, sequence, movie.

    <Python with bpy> -m semblance.blender_addon.film --performance P.npz --avatar ID --dataset FOLDER --out FOLDER

leaves `frames/`, `reenacted.mp4` and `demo.blend` in the folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..common.errors import UserError
from . import register
from .access import scene_of
from .render.registration import use_renderer
from .scene.avatar_scene import add_avatar, give_avatar
from .sequence.frame_check import rendered_frames
from .sequence.sequence_scene import render_frames, render_sequence, send_to_sequencer
from .ui.first_look import mark_unseen
from .ui.results import lay_plate
from .ui.scene_operators import known_avatars


@dataclass(frozen=True)
class Wanted:
    """What to film: an avatar of the engine, the performance that moves it, the dataset it was built from."""

    performance: Path
    avatar: str
    dataset: Path
    out: Path


def film(wanted: Wanted) -> None:
    """Make the scene, render it, edit it, and save everything in the folder `out`.

    Raises:
        UserError: a file is missing or damaged, or the engine cannot render.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = scene_of(bpy.context)
    head = add_avatar(scene, wanted.performance, dataset=wanted.dataset)
    give_avatar(head, wanted.avatar, next(each.metadata for each in known_avatars() if each.id == wanted.avatar))
    lay_plate(head)
    use_renderer(scene)
    bpy.app.handlers.render_write.append(say_rendered)
    render_frames(scene, wanted.out / "frames")
    bpy.app.handlers.render_write.remove(say_rendered)
    sequence = send_to_sequencer(scene, head, rendered_frames(scene, head))
    render_sequence(sequence, wanted.out / "reenacted.mp4")
    scene.frame_set(scene.frame_start)
    mark_unseen(scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(wanted.out / "demo.blend"), relative_remap=True)


def say_rendered(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    """Print how far the animation is, for whoever reads our output."""
    done, total = scene.frame_current - scene.frame_start + 1, scene.frame_end - scene.frame_start + 1
    print(f"rendered {done}/{total}", flush=True)


def main() -> int:
    """Film what the command line says; return 0, or 2 when the user has something to mend."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, kind in (("performance", Path), ("avatar", str), ("dataset", Path), ("out", Path)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    register()
    try:
        film(Wanted(**vars(parser.parse_args())))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # Blender's own exit may hang while a render engine is registered
