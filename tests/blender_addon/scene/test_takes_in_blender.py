# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in Blender: driving makes new ones, settings shape them, they become strips, and fewer keys."""

from __future__ import annotations

import pytest
from semblance.tests.blender_addon.scene.animated_scene import SCENE

pytestmark = pytest.mark.slow


def test_a_new_take_overwrites_no_other(run_blender):
    script = """
head = added(acted(20))
first = takes.take_of(head)
assert first.name == "me"
before = [point.co[1] for point in jaw_curve(head).keyframe_points]
drive(head, acted(30, 0.5, source="other.mp4"), "b", 5)
second = takes.take_of(head)
assert second.name == "other" and second != first
assert first.use_fake_user and [each.name for each in takes.takes()] == ["me", "other"]
drive(head, acted(30, 0.5, source="other.mp4"), "b", 5)
assert takes.take_of(head).name == "other.001"
takes.use_take(head, first)
assert [point.co[1] for point in jaw_curve(head).keyframe_points] == before
scene.frame_set(8)
shown = keys_of(head)["jawOpen"].value
takes.use_take(head, second)
scene.frame_set(8)
assert keys_of(head)["jawOpen"].value != shown
bpy.ops.wm.save_as_mainfile(filepath=str(Path("takes.blend").resolve()))
bpy.ops.wm.open_mainfile(filepath=str(Path("takes.blend").resolve()))
head = bpy.data.objects["me"]
assert [each.name for each in takes.takes()] == ["me", "other", "other.001"] and takes.take_of(head).name == "other"
"""
    run_blender(SCENE + script)


def test_settings_shape_what_drives(run_blender):
    script = """
head = added(acted(40))
settings = animation_settings(head)
driver = acted(40, 0.6, source="other.mp4")
drive(head, driver, "b")
usual = [jaw_curve(head).evaluate(frame) for frame in range(1, 41)]
lids = [curve_of(head, 'key_blocks["eyeBlinkLeft"].value').evaluate(frame) for frame in range(1, 41)]
settings.strength_jaw, settings.smoothing_eyes, settings.strength_head, settings.offset = 0.5, 0.2, 0.0, 10
drive(head, driver, "b")
assert np.allclose([jaw_curve(head).evaluate(frame + 10) for frame in range(1, 41)], np.array(usual) / 2, atol=1e-5)
calm = [curve_of(head, 'key_blocks["eyeBlinkLeft"].value').evaluate(frame + 10) for frame in range(1, 41)]
assert max(calm) < 0.8 * max(lids)
turns = [curve_of(head, 'pose.bones["head"].rotation_euler', 1).evaluate(frame) for frame in range(10, 51)]
assert np.ptp(turns) < 1e-3
settings.speed = 2.0
drive(head, driver, "b")
assert abs(jaw_curve(head).range()[1] - (11 + 19.5)) < 1
"""
    run_blender(SCENE + script)


def test_a_take_becomes_strips(run_blender):
    script = """
head = added(acted(30))
values = []
for frame in (4, 12, 30):
    scene.frame_set(frame)
    values.append([keys_of(head)["jawOpen"].value, *head.parent.pose.bones["head"].rotation_euler])
assert takes.push_down(head) == "me"
for each in (head.data.shape_keys, head.parent):
    track, = each.animation_data.nla_tracks
    strip, = track.strips
    assert (track.name, strip.name, each.animation_data.action) == ("me", "me", None)
    assert (strip.frame_start, strip.frame_end) == (1, 30)
for frame, wanted in zip((4, 12, 30), values):
    scene.frame_set(frame)
    assert np.allclose([keys_of(head)["jawOpen"].value, *head.parent.pose.bones["head"].rotation_euler], wanted)
assert "no keys" in refused(lambda: takes.push_down(head))
drive(head, acted(10, source="b.mp4"), "b", 50)
takes.push_down(head)
assert [each.name for each in head.parent.animation_data.nla_tracks] == ["me", "b"]
"""
    run_blender(SCENE + script)


def test_fewer_keys_stay_within_the_tolerance(run_blender):
    script = """
from semblance.blender_addon.scene.smooth_keys import Tolerance, reduce_keys, samples_of
head = added(acted(250))
before = {(c.data_path, c.array_index): samples_of(c) for c in takes.curves_of(head)}
tolerance = Tolerance(0.01, 0.004, 0.0005)
many, few = reduce_keys(head, tolerance)
assert few < many / 4, (many, few)
assert few == sum(len(c.keyframe_points) for c in takes.curves_of(head))
for curve in takes.curves_of(head):
    frames, values = before[curve.data_path, curve.array_index]
    worst = max(abs(curve.evaluate(frame) - value) for frame, value in zip(frames.tolist(), values))
    assert worst <= tolerance.of(curve), (curve.data_path, worst)
again = reduce_keys(head, tolerance)
assert again[1] <= few
"""
    run_blender(SCENE + script)
