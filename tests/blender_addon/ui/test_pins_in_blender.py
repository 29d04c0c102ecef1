# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks are pinned: a real engine solves the frame, keys follow it and fade into the neighbours."""

from __future__ import annotations

import pytest
from semblance.tests.blender_addon.scene.animated_scene import SCENE

PINS = (
    SCENE
    + """
from semblance.blender_addon.scene import pinning
from semblance.tracking.performances.performance import Performance
LID = 386
head = added(acted(40))
scene.frame_set(15)

def state():
    return pinning.channels_at(head, range(1, 41))

def known():
    return pinning.PinnedHead.of(head, pinning.landmark_shapes(head))

def seen(frame):
    one = known()
    return one.places(one.face(state()[frame - 1]))

def pins():
    return {frame: dict(each.pins) for frame, each in pinning.record_of(head).frames.items()}
"""
)


def test_landmarks_are_where_the_head_is_seen(run_blender):
    script = """
from semblance.tracking.heads.camera import PinholeCamera
performance, model = Performance.load("me.npz"), load_builtin()
for frame in (1, 15, 40):
    vertices = model.shape(performance.identity, performance.expression[frame - 1])[model.landmarks]
    points = vertices @ performance.rotation[frame - 1].T + performance.translation[frame - 1]
    np.testing.assert_allclose(seen(frame) * 512, performance.camera.project(points), atol=0.02)
one = known()
row = state()[14]
np.testing.assert_allclose(one.channels(one.face(row)), row, atol=1e-5)
head.parent.location, head.parent.scale = (0.3, 0.1, -0.2), (2, 2, 2)
bpy.context.view_layer.update()
moved = known()
np.testing.assert_allclose(moved.channels(moved.face(row)), row, atol=1e-5)
"""
    run_blender(PINS + script)


def test_pins_say_why_there_can_be_none(run_blender, tmp_path, live_environment):
    script = """
def reason(operator="pin_landmarks"):
    return refused(lambda: getattr(bpy.ops.semblance, operator)())

scene.frame_set(60)
assert "from 1 to 40" in reason()
scene.frame_set(15)
assert "no pins" in reason("remove_pins")
scene.camera = None
assert "Use Its Camera" in reason()
bpy.ops.semblance.use_its_camera()
still = added(acted(1), "still")
bpy.context.view_layer.objects.active = still
bpy.ops.semblance.use_its_camera()
assert "drive it first" in reason(), reason()
bpy.context.view_layer.objects.active = head
bpy.ops.semblance.use_its_camera()
assert "no landmark 5" in refused(lambda: bpy.ops.semblance.move_pin(landmark=5, place=(0.5, 0.5)))
"""
    run_blender(PINS + script, environment=live_environment)


@pytest.mark.slow
def test_a_pinned_lid_closes_and_the_neighbours_follow(run_blender, live_environment):
    script = """
tracked, place = state(), seen(15)[LID] + (0, 5 / 512)
assert bpy.ops.semblance.move_pin(landmark=LID, place=place) == {"FINISHED"}
after = state()
changed = np.abs(after - tracked).max(1)
assert np.abs(seen(15)[LID] - place).max() * 512 < 0.5
assert after[14, BLINK] > tracked[14, BLINK] + 0.2
assert changed[14] > changed[12] > changed[10] > 0
assert changed[:9].max() < 1e-6 and changed[20:].max() < 1e-6, changed
scene.frame_set(14)
scene.frame_set(15)
assert abs(keys_of(head)["eyeBlinkLeft"].value - after[14, BLINK]) < 1e-5, "the head shows it"

# another pin keeps the first
lip = seen(15)[61] + (-5 / 512, 0)
bpy.ops.semblance.move_pin(landmark=61, place=lip)
assert set(pins()[15]) == {LID, 61}
assert np.abs(seen(15)[[LID, 61]] - [place, lip]).max() * 512 < 0.5

# a pinned neighbour leaves the frame alone
scene.frame_set(17)
before = state()[14]
bpy.ops.semblance.move_pin(landmark=105, place=seen(17)[105] + (0, -4 / 512))
np.testing.assert_allclose(state()[14], before, atol=1e-6)

# without pins all is as it was tracked
bpy.ops.semblance.remove_pins()
scene.frame_set(15)
bpy.ops.semblance.remove_pin(landmark=61)
assert set(pins()[15]) == {LID}
assert np.abs(seen(15)[LID] - place).max() * 512 < 0.5
bpy.ops.semblance.remove_pins()
assert pins() == {} and pinning.PINS not in takes.take_of(head).keys()
np.testing.assert_allclose(state(), tracked, atol=2e-6)
"""
    run_blender(PINS + script, environment=live_environment)


def test_the_panel_has_the_button_and_says_what_pins_do(run_blender, live_environment):
    script = """
from semblance.blender_addon.ui.pin_panel import SEMBLANCE_PT_pins

class Drawn:
    def __init__(self):
        self.said, self.layout = [], self

    def row(self, **_):
        return self

    column = row

    def label(self, text="", **_):
        self.said.append(text)

    def prop(self, _holder, name, **_):
        self.said.append(name)

    def operator(self, name, **_):
        self.said.append(name)

def drawn():
    panel = Drawn()
    assert SEMBLANCE_PT_pins.poll(bpy.context)
    SEMBLANCE_PT_pins.draw(panel, bpy.context)
    return panel.said

said = drawn()
assert said[:2] == ["semblance.pin_landmarks", "pin_reach"], said
assert "learns from the footage" in " ".join(said)
before = pinning.unpinned_channels(head, 15)
pinning.pin(head, 15, {LID: (0.5, 0.5)}, before, 5)
assert "Pinned frames: 1, pins here: 1" in drawn() and "semblance.remove_pins" in drawn()
"""
    run_blender(PINS + script, environment=live_environment)


@pytest.mark.slow
def test_pins_are_kept_by_the_file_and_left_by_another_take(run_blender, live_environment):
    script = """
place = seen(15)[LID] + (0, 5 / 512)
bpy.ops.semblance.move_pin(landmark=LID, place=place)
pinned = state()
bpy.ops.wm.save_as_mainfile(filepath=str(Path("me.blend").resolve()))
bpy.ops.wm.open_mainfile(filepath=str(Path("me.blend").resolve()))
scene = bpy.context.scene
head = next(each for each in bpy.data.objects if each.semblance.is_head)
assert set(pins()[15]) == {LID}
drive(head, acted(30, 0.5), "other")
assert pins() == {}, "another take has none of its pins"
takes.use_take(head, bpy.data.actions["me"])
scene.frame_set(15)
np.testing.assert_allclose(state(), pinned, atol=1e-6)
assert bpy.ops.semblance.remove_pins() == {"FINISHED"}
"""
    run_blender(PINS + script, environment=live_environment)


@pytest.mark.slow
def test_the_pointer_s_session_pins_as_the_operator_does(run_blender, live_environment):
    script = """
import time
from semblance.blender_addon.ui import activity, pin_session
tracked, place = state(), tuple(seen(15)[LID] + (0, 5 / 512))
assert bpy.ops.semblance.pin_landmarks() == {"FINISHED"}
session = pin_session.current()

def stepped(until):
    end = time.monotonic() + 300
    while not until():
        assert time.monotonic() < end, "waited in vain"
        assert pin_session.step() is not None, activity.message()
        time.sleep(0.01)

def dragged(landmark, place):
    pin_session.grasp(session, landmark, (0.1, 0.2))  # as far from it as the pointer may be
    away = place - seen(15)[landmark]
    pin_session.drag(session, (0.1 + away[0], 0.2 + away[1]))

dragged(LID, place)
assert pins() == {}, "nothing is keyed before it is let go"
stepped(lambda: session.preview)
assert keys_of(head)["eyeBlinkLeft"].value > tracked[14, BLINK] + 0.2, "it is shown as it is dragged"
np.testing.assert_allclose(state(), tracked)
pin_session.let_go(session)
assert abs(keys_of(head)["eyeBlinkLeft"].value - tracked[14, BLINK]) < 1e-5, "Esc takes the drag back"

dragged(LID, place)
pin_session.drop(session)
assert pin_session.take_back(session), "an undo takes back what is not solved yet"
for _ in range(200):
    assert pin_session.step() is not None
assert pins() == {}
assert not pin_session.take_back(session)

dragged(LID, place)
pin_session.drop(session)
lip = seen(15)[61] + (-5 / 512, 0)
dragged(61, lip)
pin_session.drop(session)
stepped(lambda: not session.waiting)
assert set(pins()[15]) == {LID, 61}, "a pin that was let go before the other was solved is kept"
by_pointer = state()

pin_session.remove(session, 61)
stepped(lambda: not session.waiting)
pin_session.remove(session, LID)
assert pins() == {}
np.testing.assert_allclose(state(), tracked, atol=2e-6)
pin_session.stop()
assert pin_session.step() is None

for landmark, where in ((LID, place), (61, lip)):
    bpy.ops.semblance.move_pin(landmark=landmark, place=where)
np.testing.assert_allclose(state(), by_pointer, atol=1e-4)
"""
    run_blender(PINS + script, environment=live_environment)
