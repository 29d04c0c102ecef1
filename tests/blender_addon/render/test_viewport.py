# SPDX-License-Identifier: GPL-3.0-or-later
"""The 3D viewport shows heads in 3D from anywhere, with pictures that a stand-in paints."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tests.blender_addon.render.space_scene import SCENE
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head

VIEWPORT = """
import gpu
from types import SimpleNamespace
from semblance.blender_addon.engine import picture_feed
from semblance.blender_addon.render import viewport

head = add("red")
ball((0.0, -0.3, 0.03), 0.02)
shown, texts = {}, []

class Engine:
    '''Answers with the stand-in's pictures, not at once.'''
    def ask_frames(self, avatar, inputs, look):
        asked = iter((False, True))
        pictures = lambda: stand_in(None, avatar, inputs, look, None)
        return SimpleNamespace(answered=lambda: next(asked), pictures=pictures)
    def close(self):
        pass

def connecting(place):
    yield SimpleNamespace(text="Starting the engine")
    return Engine()

picture_feed.jobs.connecting = connecting
viewport.draw_text = lambda context, text: texts.append(text)
viewport.MOVING, viewport.SECONDS_TO_STILL = 64, 1000

def view_from(yaw, is_perspective=True):
    '''A region of 320 x 200 pixels that looks at the origin from 80 cm away, turned about the head by `yaw`.'''
    eye = Matrix.Rotation(yaw, 4, "Z") @ Matrix.Translation((0, -0.8, 0)) @ Matrix.Rotation(np.pi / 2, 4, "X")
    lens = bpy.data.objects.new("Lens", bpy.data.cameras.new("Lens"))
    window = lens.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=320, y=200, scale_x=1, scale_y=1)
    look = eye.inverted()
    data = SimpleNamespace(view_matrix=look, window_matrix=window, perspective_matrix=window @ look,
                           is_perspective=is_perspective, view_perspective="PERSP")
    return SimpleNamespace(region=SimpleNamespace(width=320, height=200), region_data=data, space_data=None)

def drawn(view, context):
    '''What is in the viewport when everything has been brought.'''
    graph = bpy.context.evaluated_depsgraph_get()
    target = gpu.types.GPUTexture((320, 200), format="RGBA32F")
    framebuffer = gpu.types.GPUFrameBuffer(color_slots=[target])
    for _ in range(12):
        with framebuffer.bind():
            gpu.state.viewport_set(0, 0, 320, 200)
            framebuffer.clear(color=(0.0, 0.0, 0.0, 0.0))
            view.draw(context, graph)
        view.step()
    pixels = target.read()
    pixels.dimensions = 320 * 200 * 4
    return np.array(pixels, np.float32).reshape(200, 320, 4)[::-1]

class InContext(bpy.types.RenderEngine):
    bl_idname = "IN_CONTEXT"
    bl_label = "In Context"
    bl_use_gpu_context = True

    def render(self, depsgraph):
        view = viewport.Viewport(None)
        for name, yaw in (("front", 0), ("left", 0.7), ("behind", np.pi)):
            shown[name] = drawn(view, view_from(yaw))
        shown["sizes"] = [each.camera[0, 4:].max() for each in sent]
        viewport.SECONDS_TO_STILL = 0
        shown["still"] = drawn(view, view_from(np.pi))
        shown["finer"] = sent[-1].camera[0, 4:].max()
        avatar_scene.give_avatar(head, "", {"kind": "radiance"})
        view.changed = True
        shown["none"] = drawn(view, view_from(0))
        avatar_scene.give_avatar(head, "red", {"kind": "radiance"})
        view.changed = True
        shown["flat"] = drawn(view, view_from(0, is_perspective=False))

bpy.utils.register_class(InContext)
scene.render.engine = "IN_CONTEXT"
bpy.ops.render.render()
np.savez(folder / "shown.npz", **shown)
print("texts:", sorted(set(texts)))
"""


@pytest.fixture
def folder(tmp_path):
    camera = PinholeCamera(640.0, 640.0, 131.0, 124.5, 256, 256)
    performance = at_rest(3, open_head("builtin"), translation=(0, 0, 0.9), camera=camera)
    performance.save(tmp_path / "files" / "performance.npz")
    return tmp_path / "files"


def test_a_viewport_shows_heads_from_anywhere(run_blender, folder):
    said = run_blender(SCENE + VIEWPORT, folder)
    shown = np.load(folder / "shown.npz")
    views = {name: shown[name] for name in ("front", "left", "behind")}
    red = {name: (seen[..., 0] > 0.5) & (seen[..., 3] > 0.99) for name, seen in views.items()}
    green = {name: (seen[..., 1] > 0.2) & (seen[..., 0] < 0.1) for name, seen in views.items()}
    assert all(seen.sum() > 500 for seen in red.values())
    lit = np.where(green["front"], views["front"][..., 1], np.nan)[green["front"].any(1)]
    assert np.nanmean(lit[:6]) > 1.3 * np.nanmean(lit[-6:]), "the light comes from above, and far faces are hidden"
    assert green["front"].sum() > 50
    assert green["left"].sum() > 50
    assert not green["behind"].any(), "the ball is behind the head"
    assert abs(np.argwhere(green["front"]).mean(0)[1] - 160) < 3
    assert np.argwhere(green["left"]).mean(0)[1] < 120, "seen from its left, what is before the face is on the left"
    assert (views["behind"][red["behind"]][:, :3] @ [0.3, 0.6, 0.1] > 0.1).all(), "the ball's outline shines through"
    assert shown["sizes"].max() <= 64 < shown["finer"]
    assert np.abs(shown["still"] - shown["behind"]).mean() < 0.05
    assert not shown["none"].any()
    assert not shown["flat"].any()
    assert "No head in this scene has an avatar yet" in said
    assert "numpad 5" in said
