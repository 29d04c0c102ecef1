# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pictures a second a viewport shows of a head in 3D while the view swings around it.

    .venv/blender/bin/python benchmarks/blender_orbit.py AVATAR ENGINE_PYTHON [--seconds 20]

The whole path: the real engine on the same processor paints what the view sees, on at most 256 pixels while it moves.
Aim: 20 pictures a second.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from blender_overhead import ROOT, nodding, tell
from clocks import baseline


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("avatar", type=Path, help="a head in 3D of the built-in head")
    parser.add_argument("engine", type=Path, help="a Python that runs the engine")
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "semblance").symlink_to(ROOT, target_is_directory=True)
        sys.path.insert(0, folder)
        watch(Path(folder), given)
    sys.stdout.flush()
    os._exit(0)


def watch(folder: Path, given: argparse.Namespace) -> None:
    """Make a scene of a head that has the avatar, and swing a view around it."""
    import bpy
    import semblance
    from blender_ticks import watched
    from semblance.blender_addon.engine.process import EnginePlace
    from semblance.blender_addon.properties import head_settings
    from semblance.blender_addon.scene import avatar_scene

    unit = baseline()
    semblance.register()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    (folder / "avatars").mkdir()
    shutil.copy(given.avatar, folder / "avatars" / "any.safetensors")
    nodding(1, 256).save(folder / "performance.npz")
    scene = bpy.context.scene
    assert scene is not None
    head = avatar_scene.add_avatar(scene, folder / "performance.npz", avatar="any")
    head_settings(head).kind = "radiance"
    head.update_tag()
    place = EnginePlace(folder, given.engine.absolute())  # the engine starts in another folder
    longest, rate, work = watched(place, given.seconds, head.matrix_world.translation)
    print(f"{rate:.1f} pictures a second in the viewport, {1000 * work:.1f} ms of Blender's work each; longest ticks:")
    for kind, taken in sorted(longest.items(), key=lambda each: -each[1][0]):
        tell(kind, taken, unit)


if __name__ == "__main__":
    main()
