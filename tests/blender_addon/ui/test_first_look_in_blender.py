# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that was made without a window shows its avatar when a window opens it."""

from __future__ import annotations

import pytest
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin

SCRIPT = """
import bpy
from pathlib import Path
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
from semblance.blender_addon.render.registration import use_renderer
from semblance.blender_addon.scene.avatar_scene import add_avatar
from semblance.blender_addon.ui import first_look, showing
scene = bpy.context.scene
head = add_avatar(scene, Path(sys.argv[1]), name="Me")
use_renderer(scene)
first_look.mark_unseen(scene)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2])
bpy.ops.wm.open_mainfile(filepath=sys.argv[2])
assert first_look.UNSEEN in bpy.context.scene, "seen without a window"
window = bpy.context.window_manager.windows[0]
first_look.windows = showing.windows = lambda: [window]  # stands in for that of a Blender on a desktop
first_look.show_unseen()
space = next(each.spaces.active for each in window.screen.areas if each.type == "VIEW_3D")
assert (space.shading.type, space.region_3d.view_perspective) == ("RENDERED", "CAMERA")
assert space.show_region_ui and window.view_layer.objects.active.name == "Me"
assert first_look.UNSEEN not in window.scene
space.shading.type = "SOLID"
first_look.show_unseen()
assert space.shading.type == "SOLID", "a file that was seen is shown otherwise than it was saved"
semblance.unregister()
"""


@pytest.fixture
def performance(tmp_path):
    at_rest(1, load_builtin()).save(tmp_path / "performance.npz")
    return tmp_path / "performance.npz"


def test_a_file_made_without_a_window_opens_on_its_avatar(run_blender, performance, tmp_path):
    run_blender(SCRIPT, performance, tmp_path / "made.blend", environment={"SEMBLANCE_HOME": str(tmp_path / "home")})
