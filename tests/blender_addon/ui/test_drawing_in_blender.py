# SPDX-License-Identifier: GPL-3.0-or-later
"""What panels, preferences and status bar show, without a window: a layout that notes what is drawn."""

from __future__ import annotations

import pytest
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin

START = """
import bpy
from pathlib import Path
from types import SimpleNamespace
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
from semblance.blender_addon import preferences
from semblance.blender_addon.properties import active_head
from semblance.blender_addon.scene.avatar_scene import add_avatar
from semblance.blender_addon.ui import activity, live_panel, panels
scene = bpy.context.scene


class Layout:
    def __init__(self):
        self.operators, self.texts, self.props = [], [], []

    def row(self, **_):
        return self

    column = box = row

    def label(self, text="", icon="NONE", **_):
        self.texts.append(text)

    def progress(self, text, factor):
        self.texts.append(text)

    def prop(self, holder, name, **_):
        self.props.append((holder.rna_type.identifier, name))

    def menu(self, name, text="", icon="NONE"):
        assert text or icon != "NONE"

    def operator_menu_enum(self, name, _property, text="", icon="NONE"):
        self.operators.append(name)
        self.texts.append(text)

    def separator(self):
        pass

    def template_icon(self, *_, **__):
        pass

    def operator(self, name, text=None, icon="NONE", **_):
        if name.startswith("semblance."):
            assert getattr(bpy.types, "SEMBLANCE_OT_" + name[10:], None), name
        assert text is None or text or icon != "NONE", f"{name} is a blank button"
        self.operators.append(name)
        return SimpleNamespace()


def drawn(panel):
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout, region=getattr(panel, "region", "")), bpy.context)
    return layout
"""


@pytest.fixture
def home(tmp_path, engine_python):
    return {"SEMBLANCE_HOME": str(tmp_path / "home"), "SEMBLANCE_ENGINE_PYTHON": str(engine_python)}


@pytest.fixture
def performance(tmp_path):
    at_rest(1, load_builtin()).save(tmp_path / "performance.npz")
    return tmp_path / "performance.npz"


def test_no_button_is_blank_and_grey_ones_say_why(run_blender, home, performance):
    script = """
shown = drawn(panels.SEMBLANCE_PT_avatar)
assert "semblance.add_avatar" in shown.operators and "semblance.import_avatar" in shown.operators
assert "No avatar is built yet" in " ".join(shown.texts), "Add Avatar is grey without a reason"
head = add_avatar(scene, Path(sys.argv[1]))
head.semblance.avatar = "me"
said = " ".join(drawn(panels.SEMBLANCE_PT_head).texts)
assert "The avatar me is not on this computer" in said
activity.say(activity.Message("It is done.", job="7"))
assert "semblance.add_result" in drawn(panels.SEMBLANCE_PT_avatar).operators
from semblance.blender_addon.ui import setup_card
from semblance.blender_addon.engine.process import EnginePlace
card = Layout()
setup_card.draw(card, bpy.context, EnginePlace(preferences.home_folder()), preferences.wishes())
assert "semblance.set_up_engine" in card.operators
"""
    run_blender(START + script, performance, environment=home)


def test_the_scene_s_head_is_drawn_and_obeyed(run_blender, home, performance):
    script = """
first, second = (add_avatar(scene, Path(sys.argv[1]), name=name) for name in ("First", "Second"))
assert active_head(bpy.context) == second
assert "semblance.go_live" in drawn(live_panel.SEMBLANCE_PT_live).operators
assert ("SemblanceLive", "camera") in drawn(live_panel.SEMBLANCE_PT_live).props
assert ("SemblanceScene", "head") in drawn(panels.SEMBLANCE_PT_head).props
scene.semblance.head = first
assert bpy.context.view_layer.objects.active == first and active_head(bpy.context) == first
bpy.context.view_layer.objects.active = second
assert active_head(bpy.context) == second and "Second" in drawn(panels.SEMBLANCE_PT_head).texts
"""
    run_blender(START + script, performance, environment=home)


def test_the_status_bar_is_drawn_again_but_not_under_a_modal_operator(run_blender, home):
    script = """
from contextlib import nullcontext
taken_back = []
workspace = SimpleNamespace(status_text_set_internal=taken_back.append)


def window(*modal):
    return SimpleNamespace(screen=SimpleNamespace(areas=[]), workspace=workspace, modal_operators=modal)


activity.bpy = SimpleNamespace(context=SimpleNamespace(temp_override=lambda **_: nullcontext()))
shown = [window(), window("TRANSFORM_OT_translate")]
activity.windows = lambda: shown
activity.redraw()
assert taken_back == [None]
activity.bpy = bpy
real = bpy.context.window_manager.windows[0]
activity.redraw_status(real)  # what it calls is there in this Blender
"""
    run_blender(START + script, environment=home)


def test_only_what_can_be_adjusted_is_offered_for_adjusting(run_blender, home):
    """What works in the background has changed nothing yet when its operator returns: no undo step, nothing to redo."""
    script = """
from semblance.blender_addon.ui.long_task import LongTask
from semblance.blender_addon import modules
classes = [each for module in modules() for each in getattr(module, "CLASSES", ()) if issubclass(each, LongTask)]
assert len(classes) > 10
for each in classes:
    assert not {"REGISTER", "UNDO"} & set(getattr(each, "bl_options", ())), each
"""
    run_blender(START + script, environment=home)


def test_face_and_takes(run_blender, home, tmp_path):
    """With symmetry a pair is one slider, without it two; every expression has one."""
    at_rest(20, load_builtin(), expression=0.1).save(tmp_path / "me.npz")
    script = """
from semblance.blender_addon.animation_properties import animation_settings
from semblance.blender_addon.ui import animate_panel

def sliders():
    return [each for panel in animate_panel.REGION_PANELS for each in drawn(panel).props]

def face():
    return drawn(animate_panel.SEMBLANCE_PT_face)

assert not animate_panel.SEMBLANCE_PT_face.poll(bpy.context)
head = add_avatar(scene, Path(sys.argv[1]), name="me")
bpy.context.view_layer.objects.active = head
assert animate_panel.SEMBLANCE_PT_face.poll(bpy.context)
assert len(sliders()) == 52 - 18 and ("SemblanceAnimation", "eyeBlink") in sliders()
animation_settings(head).symmetry = False
assert sliders() == [("ShapeKey", "value")] * 52
assert "semblance.add_controls" not in face().operators
takes = drawn(animate_panel.SEMBLANCE_PT_takes)
assert "me" in takes.texts and "semblance.reduce_keys" in takes.operators
driving = drawn(animate_panel.SEMBLANCE_PT_driving)
assert len([name for _, name in driving.props if name.startswith(("strength_", "smoothing_"))]) == 14
assert "Drive this head" in " ".join(driving.texts)

"""
    run_blender(START + script, tmp_path / "me.npz", environment=home)
