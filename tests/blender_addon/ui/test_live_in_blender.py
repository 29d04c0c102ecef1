# SPDX-License-Identifier: GPL-3.0-or-later
"""Go Live in Blender: the head moves with what comes, and everything else is as before."""

from __future__ import annotations

import pytest
from semblance.tests.blender_addon.ui.live_scene import START


def test_a_head_follows_and_is_then_as_it_was(run_blender, live_arguments, live_environment):
    script = """
keys = head.data.shape_keys
driver = keys.key_blocks["mouthLeft"].driver_add("value").driver
driver.expression = "0.5"
scene.frame_set(4)
before = state_of(head)
session = go()
assert made[-1].request.stream == sys.argv[2] and made[-1].request.person["head"] == "builtin"
assert "already" in live_panel.SEMBLANCE_OT_go_live.disabled_reason(bpy.context)
assert live_session.step() > 0 and state_of(head) == before, "nothing moves before something comes"
come(motion(0.0, 0.2), motion(0.04, 0.7, yaw=0.3))
assert abs(keys.key_blocks["jawOpen"].value - 0.7) < 1e-6
first, points = head.parent.pose.bones["head"].rotation_euler.copy(), points_of(head)
come(motion(0.08, 0.7, yaw=0.6))
bpy.context.view_layer.update()
assert abs(jaw_of(head) - 0.7) < 1e-6
second = head.parent.pose.bones["head"].rotation_euler
assert abs(first.to_quaternion().rotation_difference(second.to_quaternion()).angle - 0.3) < 1e-3, (first, second)
assert np.abs(points_of(head) - points).max() > 0.01, "what Blender draws has moved"
assert keys.key_blocks["mouthLeft"].value == 0.0, "its driver is off"
scene.frame_set(7)
assert abs(jaw_of(head) - 0.7) < 1e-6, "its keyframes are off"
scene.frame_set(4)
assert bpy.ops.semblance.stop_live() == {"FINISHED"}
assert made[-1].closed and live_session.current() is None and live_session.step() is None
assert state_of(head) == before, (state_of(head), before)
from types import SimpleNamespace
go()
come(motion(0.0, 0.7))
modal = live_panel.SEMBLANCE_OT_go_live.modal
assert modal(None, bpy.context, SimpleNamespace(type="MOUSEMOVE", value="NOTHING")) == {"PASS_THROUGH"}
assert modal(None, bpy.context, SimpleNamespace(type="ESC", value="PRESS")) == {"FINISHED"}
assert live_session.current() is None and state_of(head) == before
assert modal(None, bpy.context, SimpleNamespace(type="MOUSEMOVE", value="NOTHING")) == {"FINISHED"}
semblance.unregister()
"""
    run_blender(START + script, *live_arguments, environment=live_environment)


def test_whatever_happens_ends_it_cleanly(run_blender, live_arguments, live_environment, tmp_path):
    script = """
folder = Path(sys.argv[3])
scene.frame_set(3)
before = state_of(head)
go()
come(motion(0.0, 0.7))
made[-1].trouble = "The camera is gone."
live_session.step()
assert live_session.current() is None and activity.message().text == "The camera is gone." and state_of(head) == before

go()
come(motion(0.0, 0.7))
made[-1].over = True
live_session.step()
assert live_session.current() is None and "its end" in activity.message().text and state_of(head) == before

go()
come(motion(0.0, 0.7))
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "saved.blend"))
assert state_of(head) == before, "a file keeps the head as it was"
come(motion(0.1, 0.6))
assert live_head.is_set_aside(head)
other = bpy.data.scenes.new("Other")
bpy.context.window.scene = other
live_session.step()
assert live_session.current() is None and "no longer shown" in activity.message().text
bpy.context.window.scene = scene
assert state_of(head) == before

go()
come(motion(0.0, 0.7))
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "saved.blend"))
live_head.set_aside(head)
live_session.before_saving, kept = (lambda *_: None), live_session.before_saving
bpy.app.handlers.save_pre.remove(kept)
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "crashed.blend"), copy=True)
bpy.app.handlers.save_pre.append(kept)
bpy.ops.wm.open_mainfile(filepath=str(folder / "crashed.blend"))
assert live_session.current() is None and made[-1].closed
head, scene = bpy.data.objects["Me"], bpy.context.scene
assert not live_head.is_set_aside(head), "what a crash has left is mended"
assert head.data.shape_keys.animation_data.action is not None

bpy.context.view_layer.objects.active = head
settings = bpy.context.window_manager.semblance_live
settings.source = "PHONE"
go()
assert made[-1].request.live_link == 11111
come(motion(0.0, 0.7))
head.name = "Renamed"
come(motion(0.1, 0.7))
assert live_session.current(), "a new name is no reason to end"
bpy.data.objects.remove(head)
live_session.step()
assert live_session.current() is None and "head is gone" in activity.message().text and made[-1].closed
semblance.unregister()
"""
    run_blender(START + script, *live_arguments, tmp_path, environment=live_environment)


def test_what_cannot_be_is_a_sentence(run_blender, live_arguments, live_environment, tmp_path):
    script = """
def refused(call):
    try:
        call()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("it was not refused")


settings.video = ""
assert "No video is chosen" in refused(bpy.ops.semblance.go_live)
settings.video = str(Path(sys.argv[3]) / "none.mp4")
assert "There is no file" in refused(bpy.ops.semblance.go_live)
assert "Nothing is live" in refused(bpy.ops.semblance.stop_live)
assert "Nothing is live" in refused(bpy.ops.semblance.record_live)
assert live_session.current() is None and not made
bpy.data.objects.remove(head.parent)
settings.source = "CAMERA"
assert "lost its rig" in refused(bpy.ops.semblance.go_live)
assert live_session.current() is None
semblance.unregister()
"""
    run_blender(START + script, *live_arguments, tmp_path, environment=live_environment)


@pytest.mark.slow
def test_a_video_drives_a_head_through_a_real_engine(run_blender, live_arguments, live_environment, shared):
    """Nothing waits meanwhile: a step takes no longer than a frame is shown."""
    script = """
from semblance.blender_addon.engine.motion_feed import MotionFeed
live_session.MotionFeed = MotionFeed
before = state_of(head)
session, steps, jaws = go(), [], []
deadline = time.monotonic() + 300


def until(true):
    while not true():
        assert time.monotonic() < deadline, session.feed.text
        began = time.thread_time()
        assert live_session.step() is not None, activity.message()
        steps.append(time.thread_time() - began)
        jaws.append(head.data.shape_keys.key_blocks["jawOpen"].value)
        time.sleep(0.005)


until(lambda: session.feed.newest and session.feed.newest.state == "following")
bpy.ops.semblance.record_live()
bpy.ops.semblance.learn_neutral()
begun = session.take.begins
until(lambda: session.feed.newest.time > begun + 2)
print(session.feed.text)
assert "frames/s" in session.feed.text and not session.errands
bpy.ops.semblance.record_live()
live_session.stop()
action = head.data.shape_keys.animation_data.action
assert action.name.startswith("Me Live") and len(scene.sequence_editor.strips) == 1
assert np.std(jaws[len(jaws) // 2 :]) > 0.005, "they make faces"
steps.sort()
print(f"a step takes {1000 * steps[len(steps) // 2]:.1f} ms, the longest {1000 * steps[-1]:.0f}")
assert steps[len(steps) // 2] < 0.02
semblance.unregister()
"""
    video = shared / "media/videos/selfie_expressions.mp4"
    print(run_blender(START + script, live_arguments[0], video, environment=live_environment))
