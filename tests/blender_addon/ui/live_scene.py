# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene whose head can go live, and an engine whose motions come when a test says so: how scripts begin."""

START = """
import bpy, math, numpy as np, time
from pathlib import Path
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
from semblance.blender_addon import ids
from semblance.blender_addon.scene import live_head
from semblance.blender_addon.scene.avatar_scene import add_avatar
from semblance.blender_addon.ui import activity, live_panel, live_session
from semblance.common.errors import UserError
from semblance.protocol.motions import LiveMotion, LiveSource
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.builtin import load_builtin

JAW = ARKIT_NAMES.index("jawOpen")


class Feed:
    # What an engine would send, by a clock of ours.
    text = "Following"

    def __init__(self, place, request):
        self.request, self.coming, self.trouble = request, [], None
        self.source, self.newest, self.now = LiveSource("1", "a test", 25.0), None, 0.0
        self.over = self.closed = self.deaf = False
        made.append(self)

    def step(self):
        if self.trouble:
            raise UserError(self.trouble)
        came, self.coming = self.coming, []
        if came:
            self.newest = came[-1]
        return came

    def note_shown(self):
        pass

    def listening(self, file, begins):
        yield
        if self.deaf:
            raise UserError("The microphone cannot be used.")
        self.heard = file, begins

    def ending_sound(self):
        yield
        self.heard[0].parent.mkdir(parents=True, exist_ok=True)
        self.heard[0].write_bytes(Path(sys.argv[2]).read_bytes())

    def close(self):
        self.closed = True


def motion(time, jaw, state="following", yaw=0.0):
    expression = [0.0] * 52
    expression[JAW] = jaw
    turn = [math.cos(yaw), 0, math.sin(yaw), 0, 1, 0, -math.sin(yaw), 0, math.cos(yaw)]
    return LiveMotion(time, 0.05, state, tuple(expression), tuple(turn), (0.0, 0.0, 0.9), (0.1, 0.2, 0.1, 0.2))


def come(*motions):
    feed = made[-1]
    feed.coming, feed.now = list(motions), motions[-1].time
    return live_session.step()


def state_of(head):
    keys, rig = head.data.shape_keys, head.parent
    bones = [(tuple(b.location), tuple(b.rotation_euler)) for b in rig.pose.bones]
    drivers = [(d.data_path, d.mute) for d in keys.animation_data.drivers]
    animations = [each.animation_data for each in (keys, rig)]
    actions = [(each.action, each.action_slot.identifier, each.use_nla) for each in animations]
    return [round(b.value, 6) for b in keys.key_blocks], bones, drivers, actions, sorted(head.keys())


def points_of(head):
    seen = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    return np.array([vertex.co for vertex in seen.vertices])


def jaw_of(head):
    seen = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return (seen.data.shape_keys or head.data.shape_keys).key_blocks["jawOpen"].value


made = []
live_session.MotionFeed = Feed
scene = bpy.context.scene
scene.render.fps = 25
take = Path(sys.argv[1])
head = add_avatar(scene, take, name="Me")
bpy.context.view_layer.objects.active = head
settings = bpy.context.window_manager.semblance_live
settings.source, settings.video = "VIDEO", sys.argv[2]


def go():
    assert bpy.ops.semblance.go_live() == {"FINISHED"}
    return live_session.current()
"""
