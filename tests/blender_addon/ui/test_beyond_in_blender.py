# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender warns where a head goes beyond what its avatar was trained on, names what does, and goes there."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.registry import open_head
from semblance.tracking.heads.rotations import from_angles

pytestmark = pytest.mark.slow

START = """
import bpy, json
import numpy as np
from pathlib import Path
from types import SimpleNamespace
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
from semblance.blender_addon.properties import head_settings
from semblance.blender_addon.render.head_motion import motion_now, motion_over
from semblance.blender_addon.scene import driving
from semblance.blender_addon.scene.avatar_scene import add_avatar, give_avatar
from semblance.blender_addon.ui import activity, beyond_drawing, beyond_panel, beyond_watch
from semblance.tracking.performances.performance import Performance
from semblance.tracking.performances.trained_range import TrainedRange, motion_of

scene = bpy.context.scene
own = Performance.load(Path(sys.argv[1]))
head = add_avatar(scene, Path(sys.argv[1]))
said = {"kind": "styleavatar", "ranges": {}, "trained": TrainedRange.of(own).to_json()}

def to_end(task):
    try:
        while True:
            next(task)
    except StopIteration as end:
        return end.value

def reasons():
    return beyond_watch.reasons_now(head, scene, bpy.context.evaluated_depsgraph_get())

def watched():
    beyond_watch.look()
    while beyond_watch._memory.checking:
        beyond_watch.look()
    return beyond_watch.runs_of(head)
"""


@pytest.fixture
def performance(tmp_path):
    """A head of 90 frames that turns to 10 degrees and opens its mouth to 0.3."""
    seconds = np.arange(90) / 25
    angles = np.radians([4.0, 10.0, 3.0]) * np.sin(seconds[:, None] * [2, 3, 4])
    expression = 0.05 + 0.05 * np.sin(seconds[:, None] + np.arange(len(ARKIT_NAMES)))
    expression[:, ARKIT_NAMES.index("jawOpen")] = 0.15 + 0.15 * np.sin(7 * seconds)
    gaze = 0.1 * np.sin(seconds[:, None] * [1, 2, 3, 4]).reshape(-1, 2, 2)
    place = [0.02, 0.01, 0.7] + 0.02 * np.sin(seconds[:, None] * [3, 1, 2])
    given = {"expression": expression, "rotation": from_angles(angles), "gaze": gaze, "translation": place}
    at_rest(90, open_head("builtin"), **given).save(tmp_path / "performance.npz")
    return tmp_path / "performance.npz"


def test_a_head_in_a_scene_has_the_motion_of_its_performance(run_blender, performance):
    script = """
frames = np.arange(scene.frame_start, scene.frame_end + 1.0)
assert len(frames) == len(own) == 90
truth = motion_of(own)
over = to_end(motion_over(head, scene.camera, frames))
for name, rows in truth.items():
    np.testing.assert_allclose(over[name], rows, atol=2e-4, err_msg=name)
head.parent.scale = (2, 2, 2)
scene.camera.location *= 2
for frame in (1, 40, 77):
    scene.frame_set(frame)
    graph = bpy.context.evaluated_depsgraph_get()
    now = motion_now(head.evaluated_get(graph), scene.camera.evaluated_get(graph))
    for name, rows in truth.items():
        np.testing.assert_allclose(now[name][0], rows[frame - 1], atol=2e-4, err_msg=name)
"""
    run_blender(START + script, performance)


def test_frames_beyond_are_found_named_and_gone_to(run_blender, performance):
    script = """
assert beyond_watch.head_to_warn_of(bpy.context) is None and watched() == []
give_avatar(head, "someone", said)
assert watched() == [] and reasons() == []
assert beyond_panel.SEMBLANCE_PT_beyond.poll(bpy.context)

keys = head.data.shape_keys
jaw = keys.key_blocks["jawOpen"]
for frame in range(20, 26):
    jaw.value = 0.9
    jaw.keyframe_insert("value", frame=frame)
bone = head.parent.pose.bones["head"]
for frame in range(60, 63):
    bone.rotation_euler.y = -np.radians(35)
    bone.keyframe_insert("rotation_euler", index=1, frame=frame)
bpy.context.view_layer.update()
runs = watched()
assert runs == [(20, 25), (60, 62)], runs

scene.frame_set(22)
assert reasons()[0] == "jaw open 0.90, trained to 0.30", reasons()
assert beyond_drawing.warning_now(bpy.context).startswith("Beyond its training: jaw open 0.90, trained to 0.30")
drawn = []
class Layout:
    def __getattr__(self, name):
        return lambda *values, **named: drawn.append(named.get("text", "")) or self
beyond_panel.SEMBLANCE_PT_beyond.draw(SimpleNamespace(layout=Layout()), bpy.context)
beyond_panel.SEMBLANCE_PT_beyond.draw_header(SimpleNamespace(layout=Layout()), bpy.context)
assert "9 frames beyond" in drawn and any("jaw open" in text for text in drawn), drawn

bpy.ops.semblance.jump_beyond(direction="NEXT")
assert scene.frame_current == 60
assert reasons()[0].startswith("yaw 3") and reasons()[0].endswith("°, trained to 10°"), reasons()
bpy.ops.semblance.jump_beyond(direction="PREVIOUS")
assert scene.frame_current == 20
assert bpy.ops.semblance.jump_beyond(direction="PREVIOUS") == {"CANCELLED"}

head_settings(head).warns = False
assert not beyond_drawing.warning_now(bpy.context) and not beyond_watch.runs_in(bpy.context)
"""
    run_blender(START + script, performance)


def test_a_slider_without_keys_counts_in_all_frames_and_drivers_where_they_are_seen(run_blender, performance):
    script = """
give_avatar(head, "someone", said)
keys = head.data.shape_keys
keys.animation_data_clear()
assert watched() == []
keys.key_blocks["tongueOut"].value = 1
bpy.context.view_layer.update()
assert watched() == [(1, 90)]
keys.key_blocks["tongueOut"].value = 0
driver = keys.key_blocks["jawOpen"].driver_add("value").driver
driver.expression = "1 if frame > 50 else 0"
bpy.context.view_layer.update()
watched()
scene.frame_set(51)
assert reasons()[0].startswith("jaw open 1.00")
assert beyond_watch.runs_of(head)[-1] == (51, 90) or (51, 51) in beyond_watch.runs_of(head)
"""
    run_blender(START + script, performance)


def test_each_step_of_the_timer_does_little(run_blender, performance):
    """However many frames there are: a step evaluates at most one curve beyond its share of time."""
    script = """
give_avatar(head, "someone", said)
scene.frame_end = 3000
steps, evaluated = 0, []
def counting(curve, now, frames):
    evaluated.append(len(frames))
    return np.zeros(len(frames))
from semblance.blender_addon.render import head_motion
head_motion.sampled = counting
task = beyond_watch.checking(scene, head)
for _ in task:
    assert len(evaluated) <= 1, "one channel at a time"
    evaluated.clear()
    steps += 1
assert steps >= 52 + 12 + 3000 // 256
scene.frame_end = 10**6
assert beyond_watch.frames_of(scene) == beyond_watch.MOST_FRAMES
"""
    run_blender(START + script, performance)


def test_a_head_that_does_not_know_asks_the_engine(run_blender, performance):
    script = """
asked = []
def describing(place, avatar):
    asked.append(avatar)
    yield
    return {**said, "trained": said["trained"]} if avatar == "someone" else None
beyond_watch.jobs.describing = describing
give_avatar(head, "someone", {"kind": "styleavatar", "time_code": 0.5})
for _ in range(4):
    watched()
    activity.step()
assert asked == ["someone"]
assert beyond_watch.range_of(head) is not None
give_avatar(head, "another", {"kind": "styleavatar"})
watched(); activity.step(); activity.step(); watched()
assert beyond_watch.range_of(head) is None and asked == ["someone"], "it asks again only after a while"
beyond_watch.forget()
watched(); activity.step(); activity.step()
assert asked == ["someone", "another"]
head_settings(head).trained = '{"expression": 3}'
assert beyond_watch.range_of(head) is None, "what is damaged warns of nothing"
head_settings(head).kind = "radiance"
head_settings(head).trained = json.dumps(said["trained"])
assert "translation" not in beyond_watch.range_of(head).extents, "a head in 3D stands anywhere"
"""
    run_blender(START + script, performance)
