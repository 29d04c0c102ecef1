# SPDX-License-Identifier: GPL-3.0-or-later
"""Animating: sliders that move both sides, baking, and the buttons for takes, with undo."""

from __future__ import annotations

import pytest
from semblance.tests.blender_addon.scene.animated_scene import SCENE

pytestmark = pytest.mark.slow


def test_one_slider_moves_both_sides(run_blender):
    script = """
from semblance.blender_addon.scene.face_regions import OPPOSITES, REGION_OF, SLIDERS
assert sorted(REGION_OF) == sorted(ARKIT_NAMES)
assert all(OPPOSITES[OPPOSITES[name]] == name for name in OPPOSITES)
assert len(OPPOSITES) == sum(name.endswith(("Left", "Right")) for name in ARKIT_NAMES)
head = added(acted(1))
settings, keys = animation_settings(head), keys_of(head)
for pair in (each for found in SLIDERS.values() for each in found if each.mirrored):
    setattr(settings, pair.stem, 0.625)
    assert [keys[name].value for name in pair.names] == [0.625, 0.625]
    keys[pair.names[0]].value = 0.25
    assert getattr(settings, pair.stem) == 0.25 and keys[pair.names[1]].value == 0.625
assert keys["jawLeft"].value == keys["jawRight"].value == 0
assert head.data.shape_keys.animation_data.action is None
scene.tool_settings.use_keyframe_insert_auto = True
settings.eyeBlink = 0.5
assert sorted(each.data_path for each in takes.curves_of(head)) == [
    'key_blocks["eyeBlinkLeft"].value', 'key_blocks["eyeBlinkRight"].value']
assert not head.animation_data
bpy.context.view_layer.objects.active = head
bpy.ops.semblance.key_expressions(names="jawOpen")
assert jaw_curve(head).keyframe_points[0].co[0] == scene.frame_current
bpy.ops.semblance.relax_face()
assert max(keys[name].value for name in ARKIT_NAMES) == 0
"""
    run_blender(SCENE + script)


def test_baking_writes_what_everything_does_together(run_blender):
    """Strips, jaw bone and target become one take; with it alone the head looks the same at every frame."""
    script = """
def shown():
    graph = bpy.context.evaluated_depsgraph_get()
    points = np.zeros(3 * len(head.data.vertices), np.float32)
    head.evaluated_get(graph).data.vertices.foreach_get("co", points)
    return points

head = added(acted(12))
bpy.context.view_layer.objects.active = head
bones = head.parent.pose.bones
takes.push_down(head)
bones["jaw"].location.z = -0.01
bones["jaw"].keyframe_insert("location", frame=1)
bones["jaw"].location.z = 0
bones["jaw"].keyframe_insert("location", frame=12)
bones["look"]["look_at"] = 0.7
bones["look"].location.x = 0.1
before = []
for frame in range(1, 13):
    scene.frame_set(frame)
    before.append(shown())
scene.frame_set(3)
assert bpy.ops.semblance.bake_to_shape_keys(start=1, stop=12) == {"FINISHED"}
assert scene.frame_current == 3
assert all(track.mute for track in head.parent.animation_data.nla_tracks)
assert "Baked" in takes.take_of(head).name and bones["look"]["look_at"] == 0 and not any(bones["jaw"].location)
for frame in range(1, 13):
    scene.frame_set(frame)
    assert np.abs(shown() - before[frame - 1]).max() < 1e-5, frame
assert not any("jaw\\"]" in each.data_path or "look" in each.data_path for each in takes.curves_of(head))
assert "before the first" in refused(lambda: bpy.ops.semblance.bake_to_shape_keys(start=5, stop=2))
"""
    run_blender(SCENE + script)


def test_baking_is_a_task_that_can_be_cancelled(run_blender):
    """In a window it goes in steps, says how long it takes, and leaves the scene as it is, also when it ends early."""
    script = """
import time
from types import SimpleNamespace
from semblance.blender_addon.ui import activity, key_baking, long_task

window = bpy.context.window_manager.windows[0]
long_task.windows = activity.windows = lambda: [window]  # stands in for that of a Blender on a desktop
activity.tell = lambda said: None  # its popup wants a screen
head = added(acted(4000))
bpy.context.view_layer.objects.active = head
scene.frame_set(7, subframe=0.25)
looks = iter(range(10**6))
key_baking.time = SimpleNamespace(monotonic=lambda: 0.05 * next(looks))  # as quick on a busy machine


def state():
    return takes.take_of(head), len(bpy.data.actions), scene.frame_current, scene.frame_subframe


before = state()
assert bpy.ops.semblance.bake_to_shape_keys(start=1, stop=4000) == {"FINISHED"}
for _ in range(20):
    activity.step()
    assert state() == before
bar = activity.running()[0].bar
assert 0 < bar.factor < 0.1 and "of 4000" in bar.text and bar.text.endswith("left"), bar
assert activity.running()[0].undo == "Bake to Shape Keys"
began = time.monotonic()
bpy.ops.semblance.cancel()
assert time.monotonic() - began < 1 and not activity.running() and "cancelled" in activity.message().text
assert activity.step() is None and state() == before

assert bpy.ops.semblance.bake_to_shape_keys(start=1, stop=6) == {"FINISHED"}
while activity.step() is not None:
    assert state()[2:] == (7, 0.25)
assert not activity.message().problem and "frames 1 to 6" in activity.message().text
assert takes.take_of(head).name.endswith("Baked") and state()[2:] == (7, 0.25)

bpy.ops.semblance.bake_to_shape_keys(start=1, stop=4000)
activity.step()
bpy.data.objects.remove(head)
while activity.step() is not None:
    pass
assert activity.message().problem and "gone" in activity.message().text
"""
    run_blender(SCENE + script)


def test_buttons_for_takes(run_blender):
    script = """
assert "no head" in refused(lambda: bpy.ops.semblance.reduce_keys())
head = added(acted(1))
bpy.context.view_layer.objects.active = head
for name in ("push_down", "reduce_keys"):
    assert "no keys" in refused(getattr(bpy.ops.semblance, name))
assert "Drive this head first" in refused(lambda: bpy.ops.semblance.drive_again())
assert "has them" in refused(lambda: bpy.ops.semblance.add_controls())
acted(60, source="other.mp4").save("b.npz")
bpy.ops.ed.undo_push(message="Head")
assert bpy.ops.semblance.load_performance(filepath=str(Path("b.npz").resolve())) == {"FINISHED"}
bpy.ops.ed.undo_push(message="Load")
animation_settings(head).strength_mouth = 0.0
assert bpy.ops.semblance.drive_again() == {"FINISHED"}
bpy.ops.ed.undo_push(message="Again")
head = bpy.data.objects["me"]
assert [each.name for each in takes.takes()] == ["other", "other.001"]
count = sum(len(each.keyframe_points) for each in takes.curves_of(head))
assert bpy.ops.semblance.reduce_keys(slider=0.02) == {"FINISHED"}
bpy.ops.ed.undo_push(message="Reduce")
head = bpy.data.objects["me"]
assert sum(len(each.keyframe_points) for each in takes.curves_of(head)) < count
bpy.ops.ed.undo()
head = bpy.data.objects["me"]
assert sum(len(each.keyframe_points) for each in takes.curves_of(head)) == count
bpy.ops.ed.undo()
head = bpy.data.objects["me"]
assert [each.name for each in takes.takes()] == ["other"] and takes.take_of(head).name == "other"
bpy.ops.ed.redo()
head = bpy.data.objects["me"]
bpy.context.view_layer.objects.active = head
assert bpy.ops.semblance.use_take(take="other") == {"FINISHED"}
assert takes.take_of(head).name == "other"
assert bpy.ops.semblance.push_down() == {"FINISHED"}
assert [each.name for each in head.parent.animation_data.nla_tracks] == ["other"]
assert bpy.ops.semblance.remove_avatar() == {"FINISHED"}
"""
    run_blender(SCENE + script)


def test_a_head_of_an_older_file_is_given_the_controls(run_blender):
    script = """
from semblance.blender_addon.scene import controls
add = controls.add_controls
controls.add_controls = lambda made, rig: None
head = added(acted(5))
controls.add_controls = add
bpy.context.view_layer.objects.active = head
assert not controls.has_controls(head.parent)
scene.frame_set(3)
opened = keys_of(head)["jawOpen"].value
assert bpy.ops.semblance.add_controls() == {"FINISHED"}
assert controls.has_controls(head.parent) and keys_of(head)["jawOpen"].value == opened
head.parent.pose.bones["jaw"].location.z = -1
bpy.context.view_layer.update()
assert abs(controls.expression_of(head.evaluated_get(bpy.context.evaluated_depsgraph_get()))[JAW] - 1) < 1e-4
"""
    run_blender(SCENE + script)
