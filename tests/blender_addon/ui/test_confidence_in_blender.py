# SPDX-License-Identifier: GPL-3.0-or-later
"""How sure tracking was, along the timeline; buttons that errors name; menus that begin avatars; what builds take."""

from __future__ import annotations

START = """
import json
import re
from pathlib import Path
from types import SimpleNamespace
import bpy
import numpy as np
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()


class Drawn:
    def __init__(self):
        self.said, self.layout = [], self

    def row(self, **_):
        return self

    column = box = row

    def separator(self):
        pass

    def label(self, text="", **_):
        self.said.append(text)

    def menu(self, name, **_):
        self.said.append(name)

    def operator(self, name, text="", **_):
        self.said.append((name.rpartition(".")[2], text))
        return SimpleNamespace()
"""


def test_the_timeline_knows_how_sure_tracking_was(run_blender, tmp_path):
    script = """
from dataclasses import replace
from semblance.blender_addon.ui import confidence
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.performances.captures.capture import Capture, performed
folder = Path(sys.argv[1])
take = performed(Capture(np.arange(50) / 25, 25.0, np.zeros((50, 52))), load_builtin())
sure = np.ones(50, np.float32)
sure[10:20], sure[40:] = 0.1, 0.7
film = folder / "film.mp4"
replace(take, confidence=sure, source=str(film)).save(folder / "performance.npz")
head = bpy.data.objects.new("Me", bpy.data.meshes.new("Me"))
bpy.context.scene.collection.objects.link(head)
bpy.context.view_layer.objects.active = head
own = head.semblance
own.is_head, own.performance, own.driver = True, str(folder / "performance.npz"), str(film)
bpy.context.scene.render.fps = 25
levels = confidence.shown_levels(bpy.context.scene, head)
assert confidence.runs_of(levels, 0, 5) == [(15, 24)]
assert confidence.runs_of(levels, 1, 5) == [(45, 54)]
assert confidence.runs_of(levels, 2, 5) == [(5, 14), (25, 44)]
assert confidence.sentence_about(levels) == "Tracking: 10 guessed, 10 unsure of 50 frames"
assert confidence.sentence_about(levels[:5]) == ""
assert confidence.SEMBLANCE_PT_tracking.poll(bpy.context)
assert confidence.said_of(bpy.context) == "Tracking: 10 guessed, 10 unsure of 50 frames"
own.driver = str(folder / "another.mp4")
assert confidence.shown_levels(bpy.context.scene, head) is None, "another's motion"
"""
    run_blender(START + script, tmp_path)


def test_errors_bring_the_buttons_that_they_name(run_blender):
    """Whatever button a sentence of ours asks to press is one of the remedies, and every remedy can be pressed."""
    script = """
from semblance.blender_addon.ui import remedies
folder = Path(semblance.__file__).parent
here = {"Add Result", "Check", "Export Avatar", "Go Live", "Stop", "Use Remote Engine"}  # beside the message; elsewhere
here |= {"Send", "Render", "Tab"}  # to Sequencer, with Semblance: the panels have them; a key
for file in [*(folder / "blender_addon").rglob("*.py"), *(folder / "protocol").rglob("*.py")]:
    for named in re.findall(r"(?<=: |; |, )press ([A-Z][a-z]+(?: [A-Z][a-z]+)*)", file.read_text(encoding="utf-8")):
        assert named in here or remedies.remedies_for(named), (file.name, named)
for each in remedies.REMEDIES:
    room, _, name = each.operator.partition(".")
    known = getattr(getattr(bpy.ops, room), name).get_rna_type().properties.keys()
    assert set(each.properties) <= set(known)
from semblance.blender_addon.ui import activity, panels
try:
    bpy.ops.semblance.load_performance(filepath="/nowhere.csv")
except RuntimeError as refused:
    print(refused)
assert activity.message() is None, "there was no head, so that it was grey"
from semblance.blender_addon import operators
for hear in operators.when_refused:
    hear("The engine hangs: press Restart Engine.")
drawn = Drawn()
drawn.prop = lambda *_, **__: None
panels.draw_message(drawn, bpy.context)
assert ("restart_engine", "Restart Engine") in drawn.said
drawn = Drawn()
remedies.draw_remedies(drawn, "The engine hangs: press Restart Engine, or choose another in the preferences.")
assert drawn.said == [("restart_engine", "Restart Engine"), ("addon_show", "Open Preferences")]
"""
    run_blender(START + script)


def test_avatars_begin_in_the_menus_too(run_blender):
    script = """
from semblance.blender_addon.ui import menus
drawn = Drawn()
menus.draw_import(drawn, bpy.context)
assert drawn.said == [("new_avatar", menus.VIDEO), ("new_avatar", menus.PHOTO)]
drawn = Drawn()
menus.draw_add(drawn, bpy.context)
assert drawn.said == ["SEMBLANCE_MT_add"]
menus.SEMBLANCE_MT_add.draw(drawn, bpy.context)
assert [name for name, _ in drawn.said[1:]] == ["new_avatar", "new_avatar", "add_avatar", "import_avatar"]
count = len(bpy.types.VIEW3D_MT_add.draw._draw_funcs)
semblance.unregister()
assert len(bpy.types.VIEW3D_MT_add.draw._draw_funcs) == count - 1
"""
    run_blender(START + script)


def test_every_button_says_why_it_is_grey(run_blender):
    """All operators of ours that may be grey know a reason; the others never are."""
    script = """
from semblance.blender_addon.operators import SemblanceOperator
never_grey = {"SEMBLANCE_OT_dismiss", "SEMBLANCE_OT_use_renderer"}
found = {name: getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith("SEMBLANCE_OT_")}
assert len(found) > 20
for name, operator in found.items():
    if name in never_grey:
        assert "poll" not in vars(operator)
        continue
    assert issubclass(operator, SemblanceOperator), name
    reason = operator.disabled_reason(bpy.context)
    assert reason == "" or reason.endswith("."), (name, reason)
    assert operator.poll(bpy.context) == (not reason)
"""
    run_blender(START + script)


def test_a_build_s_time_stands_beside_the_quality(run_blender):
    script = """
from semblance.blender_addon.ui import expected, job_watch, panels
from semblance.protocol.expectations import Expectation
chosen = bpy.context.scene.semblance
assert expected.expected(bpy.context) is None
job_watch.known.expectations = (
    Expectation("portrait", "preview", 450.0, 1500),
    Expectation("portrait", "final", 7200.0, 60000, 0.1),
    Expectation("splats", "preview", 120.0),
)
drawn = Drawn()
panels.draw_expected(drawn, bpy.context)
assert drawn.said[0] == "8 min of training." and drawn.said[1] == ("measure", "Measure This Computer")
chosen.preset = "final"
assert "1% of what this quality wants" in expected.expected(bpy.context).sentence
chosen.preset, chosen.avatar_kind = "preview", "splats"
assert expected.expected(bpy.context).seconds == 120
assert expected.is_of_a_photo(json.dumps({"extra": {"photo": "me.jpg"}})) and not expected.is_of_a_photo("")
"""
    run_blender(START + script)
