# SPDX-License-Identifier: GPL-3.0-or-later
"""What panels, preferences and status bar show, without a window: a layout that notes what is drawn."""

from __future__ import annotations

import pytest
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin

pytestmark = pytest.mark.slow

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
        self.operators, self.texts, self.props, self.scales = [], [], [], []

    def row(self, **_):
        return self

    column = box = row

    def split(self, factor):
        assert factor >= 0.4, "titles are cut off"
        return self

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

    def template_icon(self, icon, scale):
        self.scales.append(scale)

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


def test_a_running_task_has_its_title_above_its_bar(run_blender, home):
    script = """
bar = activity.Bar("Filming the photo 58%, 1 min left", 0.58)
activity._memory.running.append(activity.Activity("New Avatar", iter(()), str, bar))
shown = drawn(panels.SEMBLANCE_PT_avatar)
assert shown.texts[:2] == ["New Avatar", "Filming the photo 58%, 1 min left"], shown.texts
"""
    run_blender(START + script, environment=home)


def test_a_job_s_long_error_is_drawn_whole(run_blender, home):
    script = """
from semblance.blender_addon.ui import job_panel
from semblance.protocol.messages import Job, JobState
from semblance.protocol.jobs import JobKind
error = "No face was found in somebody.mp4: it is too small, too dark or turned away; try other footage."
job = Job("1", JobKind.TRACK, JobState.FAILED, error=error)
shown = Layout()
job_panel.draw_job(shown, bpy.context, job)
lines = [text for text in shown.texts if text in error]
assert " ".join(lines) == error and max(map(len, lines)) < 60, shown.texts
"""
    run_blender(START + script, environment=home)


def test_a_build_that_restores_is_not_said_to_train_later(run_blender, home):
    script = """
from semblance.blender_addon.ui import build_panel, job_watch
from semblance.protocol.jobs import JobKind
from semblance.protocol.messages import Curve, Job, JobState
view = job_watch.known.build
view.curve = Curve([10, 20], [1.0, 2.0], {"l1": [0.4, 0.2]}, "l1")
view.job = Job("1", JobKind.BUILD, JobState.RUNNING, stage="Restoring", fraction=0.2)
shown = drawn(build_panel.SEMBLANCE_PT_build)
assert "only while it trains" in " ".join(shown.texts) and " yet" not in " ".join(shown.texts), shown.texts
assert min(shown.scales) >= 7, "the losses' curve is drawn too small to be read"
"""
    run_blender(START + script, environment=home)


def test_a_built_avatar_is_one_press_from_being_seen(run_blender, home, performance):
    script = """
head = add_avatar(scene, Path(sys.argv[1]))
assert "semblance.use_renderer" not in drawn(panels.SEMBLANCE_PT_head).operators
head.semblance.avatar = "me"
assert "semblance.use_renderer" in drawn(panels.SEMBLANCE_PT_head).operators
window = bpy.context.window_manager.windows[0]
area = next(each for each in window.screen.areas if each.type == "VIEW_3D")
with bpy.context.temp_override(window=window, area=area):
    assert bpy.ops.semblance.use_renderer() == {"FINISHED"}
assert area.spaces.active.shading.type == "RENDERED"
assert "semblance.use_renderer" not in drawn(panels.SEMBLANCE_PT_head).operators
"""
    run_blender(START + script, performance, environment=home)


def test_the_shelf_of_poses_is_asked_without_a_window(run_blender, home):
    script = """
from semblance.blender_addon.ui import pose_operators
assert not pose_operators.SEMBLANCE_AST_poses.poll(SimpleNamespace(mode="OBJECT"))
"""
    run_blender(START + script, environment=home)


def test_an_added_avatar_is_not_swallowed_by_the_first_cube(run_blender, home, performance):
    script = """
from semblance.blender_addon.ui import scene_operators
bpy.ops.mesh.primitive_cube_add(size=2)
scene_operators._found["me"] = "known"
(preferences.home_folder() / "avatars").mkdir(parents=True)
(preferences.home_folder() / "avatars" / "me.safetensors").touch()
scene_operators.add_known_avatar = lambda scene, info, home: add_avatar(scene, Path(sys.argv[1]), name="Me")
assert bpy.ops.semblance.add_avatar(avatar="me", listed=True) == {"FINISHED"}
cube = bpy.data.objects["Cube"]
assert cube.hide_viewport and cube.hide_render and bpy.context.view_layer.objects.active.name == "Me"
"""
    run_blender(START + script, performance, environment=home)
