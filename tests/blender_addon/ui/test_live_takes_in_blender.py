# SPDX-License-Identifier: GPL-3.0-or-later
"""What is recorded live in Blender: takes with their sound."""

from __future__ import annotations

from semblance.tests.blender_addon.ui.live_scene import START


def test_a_take_is_a_new_action_at_scene_time_with_its_sound(run_blender, live_arguments, live_environment):
    script = """
old = head.data.shape_keys.animation_data.action
scene.frame_set(11)
session = go()
assert "No picture" in live_panel.SEMBLANCE_OT_record_live.disabled_reason(bpy.context)
come(motion(0.9, 0.0), motion(1.0, 0.0))
bpy.ops.semblance.record_live()
assert session.take and session.take.start == 11
for each in range(1, 26):
    come(motion(1.0 + each / 25, each / 50, "following" if each < 20 else "lost"))
assert bpy.ops.semblance.record_live() == {"FINISHED"}
assert session.take is None and session.takes == 1
assert scene.frame_end >= 36
come(motion(2.1, 1.0))
live_session.stop()
keys, rig = head.data.shape_keys, head.parent
action = keys.animation_data.action
assert action == rig.animation_data.action != old and action.name.startswith("Me Live")
assert old.use_fake_user and len(action.slots) == 2
assert not [name for name in head.keys() if name.startswith("semblance_live")]
for frame, jaw in ((11, 0.0), (21, 0.2), (36, 0.5)):
    scene.frame_set(frame)
    assert abs(keys.key_blocks["jawOpen"].value - jaw) < 1e-3, (frame, keys.key_blocks["jawOpen"].value)
strips = list(scene.sequence_editor.strips)
assert len(strips) == 1 and strips[0].type == "SOUND"
strip = strips[0]
begins = getattr(strip, "content_start", None)
begins = strip.frame_start if begins is None else begins
assert begins == 11 - 25, "the sound's second 1 is at frame 11"
named = hasattr(strip, "left_handle")
shown = (strip.left_handle, strip.right_handle) if named else (strip.frame_final_start, strip.frame_final_end)
assert shown == (11, 37), shown
said = head.semblance
assert said.driver.endswith("clip.mp4") and said.driver_start == 11 and abs(said.driver_time - 1.0) < 1e-6
scene.frame_set(11)
go()
come(motion(1.0, 0.0))
bpy.ops.semblance.record_live()
come(motion(1.04, 0.1), motion(1.08, 0.2))
live_session.stop()
assert activity.message().text.startswith("Recorded frames 11 to"), "what is being recorded as it ends is kept"
assert head.data.shape_keys.animation_data.action not in (action, old) and action.use_fake_user
assert len(scene.sequence_editor.strips) == 1, "another take from there replaces the sound"
go()
come(motion(1.0, 0.0))
bpy.ops.semblance.record_live()
live_session.stop()
assert "Nothing was recorded" in activity.message().text
semblance.unregister()
"""
    run_blender(START + script, *live_arguments, environment=live_environment)


def test_what_the_microphone_hears_comes_with_the_take(run_blender, live_arguments, live_environment):
    script = """
settings.source = "CAMERA"
scene.frame_set(5)


def record():
    come(motion(1.0, 0.0))
    bpy.ops.semblance.record_live()
    come(motion(1.2, 0.1), motion(1.6, 0.2))
    come(motion(2.0, 0.3))


session = go()
assert made[-1].request.camera == 0 and session.microphone
record()
assert made[-1].heard[1] == 1.0
assert bpy.ops.semblance.record_live() == {"FINISHED"}
file = made[-1].heard[0]
deadline = time.monotonic() + 60
while not scene.sequence_editor or not scene.sequence_editor.strips:
    assert time.monotonic() < deadline
    activity.step()
assert head.semblance.driver == str(file) and head.semblance.driver_start == 5 and head.semblance.driver_time == 0
assert len(scene.sequence_editor.strips) == 1
live_session.stop()
assert head.data.shape_keys.animation_data.action.name.startswith("Me Live")

scene.frame_set(50)
session = go()
made[-1].deaf = True
record()
assert session.take.sound is None and "cannot be used" in activity.message().text and live_session.current()
live_session.stop()
assert "Recorded frames 50 to 75" in activity.message().text and len(scene.sequence_editor.strips) == 1

session = go()
record()
live_session.stop()  # the engine ends the recording with the session
made[-1].heard[0].write_bytes(Path(sys.argv[2]).read_bytes())
while len(scene.sequence_editor.strips) < 2:
    assert time.monotonic() < deadline
    activity.step()

settings.microphone = False
assert not go().microphone
record()
live_session.stop()
assert len(scene.sequence_editor.strips) == 2 and not hasattr(made[-1], "heard")
semblance.unregister()
"""
    run_blender(START + script, *live_arguments, environment=live_environment)
