# SPDX-License-Identifier: GPL-3.0-or-later
"""What was sent to the sequencer is seen there from its first frame to its last."""

from __future__ import annotations

SCRIPT = """
import bpy
import semblance
from semblance.blender_addon.ui import sequence_view
from semblance.blender_addon.ui.sequence_view import editors

bpy.ops.wm.read_homefile(app_template="Video_Editing", use_factory_startup=True)
window = bpy.context.window_manager.windows[0]
sequence = bpy.data.scenes.new("Shot Sequence")
sequence.frame_start, sequence.frame_end = 1, 2000
if hasattr(window.workspace, "sequencer_scene"):
    window.workspace.sequencer_scene = sequence
else:
    window.scene = sequence


def ends(region):
    return [region.view2d.region_to_view(x, 0)[0] for x in (0, region.width)]


shown = [region for _, region in editors(window.screen)]
assert shown, [area.ui_type for area in window.screen.areas]
others = {screen.name: [ends(region) for _, region in editors(screen)] for screen in bpy.data.screens
          if screen != window.screen}
sequence_view.windows = lambda: [window]  # stands in for that of a Blender on a desktop
sequence_view.frame_strips(window.as_pointer() + 8)
assert all(ends(region)[1] < 1900 for region in shown), "another window's was framed"
sequence_view.frame_strips(window.as_pointer())
for region in shown:
    first, last = ends(region)
    assert abs(first - 1) < 20 and (abs(last - 2000) < 20 or region.width == 1), (first, last)
for name, before in others.items():
    assert [ends(region) for _, region in editors(bpy.data.screens[name])] == before, name
"""


def test_a_sent_sequence_fills_the_sequencer_of_its_window_alone(run_blender):
    run_blender(SCRIPT)
