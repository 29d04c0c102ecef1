# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads in 3D in Blender, with pictures that a stand-in paints of the mesh and the camera that were sent."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.heads.rotations import from_vectors
from semblance.tracking.performances.maps import frame_vertices

FRAMES = 3
SCENE = """
import bpy, os
import numpy as np
from dataclasses import astuple
from mathutils import Matrix, Vector
from pathlib import Path
import semblance
from semblance.blender_addon.engine import frame_service
from semblance.blender_addon.render import registration, render_engine
from semblance.blender_addon.scene import avatar_scene, axes
from semblance.common.errors import UserError
from semblance.protocol.pictures import Pictures

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
scene = bpy.context.scene
folder = Path(sys.argv[1])
COLOURS = {"red": [200, 40, 40], "blue": [40, 40, 200]}
sent, written = [], []

def stand_in(place, avatar, inputs, look, broken_off):
    '''A disc of a constant angle about the middle of the head.'''
    sent.append(inputs)
    fx, fy, cx, cy, width, height = inputs.camera[0]
    middle = inputs.vertices[0].mean(0)
    x, y = np.arange(int(width)) + 0.5, np.arange(int(height))[:, None] + 0.5
    inside = np.hypot((x - cx) / fx - middle[0] / middle[2], (y - cy) / fy - middle[1] / middle[2]) < 0.06
    rgba = np.zeros((1, int(height), int(width), 4), np.uint8)
    rgba[0, inside] = [*COLOURS[avatar], 255]
    return Pictures(rgba, np.where(inside, middle[2], 0).astype(np.float32)[None])
frame_service.avatar_pictures = stand_in

write = render_engine.SemblanceRenderEngine.write
def seen(self, frame, depsgraph, view):
    written.append(frame)
    write(self, frame, depsgraph, view)
render_engine.SemblanceRenderEngine.write = seen

def add(avatar):
    made = avatar_scene.add_avatar(scene, folder / "performance.npz", name=avatar)
    avatar_scene.give_avatar(made, avatar, {"kind": "radiance"})
    return made

def still(name, width=64, height=64):
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.filepath = str(folder / name)
    bpy.ops.render.render(write_still=True)
    return written[-1]

def ball(place, radius, name="Ball", colour=(0.0, 1.0, 0.0, 1.0)):
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=place)
    made = bpy.context.object
    made.name = name
    made.data.materials.append(bpy.data.materials.new(name))
    made.data.materials[0].diffuse_color = colour
    return made

registration.use_renderer(scene)
"""

SENT = """
head = add("red")
footage = scene.camera
for frame in range(3):
    scene.frame_set(scene.frame_start + frame)
    still("footage.png", 256, 256)
other = bpy.data.objects.new("Other", bpy.data.cameras.new("Other"))
scene.collection.objects.link(other)
scene.camera = other
other.matrix_world = Matrix.Rotation(0.6, 4, "Z") @ Matrix.Rotation(-0.2, 4, "X") @ footage.matrix_world
other.scale = (2, 3, 1)
lens, projected = other.data, []
for fit, width, height, percentage, aspect in (
    ("AUTO", 200, 120, 100, (1, 1)), ("AUTO", 120, 200, 50, (1, 1)), ("HORIZONTAL", 120, 200, 100, (1, 1)),
    ("VERTICAL", 200, 120, 100, (1, 1)), ("AUTO", 200, 180, 100, (2, 1)), ("AUTO", 200, 180, 100, (1, 1.5)),
):
    lens.sensor_fit, lens.lens, lens.sensor_width, lens.sensor_height = fit, 43, 31, 19
    lens.shift_x, lens.shift_y = 0.1, -0.05
    scene.render.resolution_percentage = percentage
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = aspect
    still("other.png", width, height)
    from bpy_extras.object_utils import world_to_camera_view
    graph = bpy.context.evaluated_depsgraph_get()
    final = head.evaluated_get(graph)
    corners = [final.matrix_world @ final.data.vertices[index].co for index in range(0, len(final.data.vertices), 500)]
    seen_by_blender = np.array([world_to_camera_view(scene, other, corner)[:] for corner in corners])
    mesh, size = sent[-1], np.array([int(width * percentage / 100), int(height * percentage / 100)])
    points = mesh.vertices[0, ::500].astype(float)
    fx, fy, cx, cy, w, h = mesh.camera[0].astype(float)
    pixels = np.stack([fx * points[:, 0] / points[:, 2] + cx, fy * points[:, 1] / points[:, 2] + cy], -1)
    expected = (seen_by_blender[:, :2] * [1, -1] + [0, 1]) * size
    corner = np.round((expected - pixels).mean(0))  # only a part of the frame is sent for, in whole pixels
    worst = np.abs((pixels + corner - expected) / size).max()
    assert worst < 1e-4, (fit, worst)
    assert (corner >= 0).all() and (corner + [w, h] <= size).all(), (corner, w, h, size)
    assert np.abs(points[:, 2] - seen_by_blender[:, 2]).max() < 1e-4
scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1
still("plain.png", 200, 120)
head.parent.scale = (3, 3, 3)
other.location *= 3
still("large.png", 200, 120)
head.parent.scale = (1, 1, 1)
bpy.data.objects.remove(footage)
still("bare.png", 200, 120)
for name in ("vertices", "expression", "rotation", "view", "camera"):
    np.save(folder / f"{name}.npy", np.array([np.resize(getattr(each, name)[0], getattr(sent[0], name)[0].shape)
                                             for each in sent]))
np.save(folder / "depths.npy", [written[-3].depth.min(), written[-2].depth.min()])
"""

OCCLUSION = """
red, view = add("red"), scene.camera
blue = add("blue")
scene.camera = view
scene.view_layers[0].use_pass_z = True
blue.parent.location = (0.03, 0.2, 0)
alone = still("blue_behind.png")
blue.parent.location = (0.03, -0.2, 0)
still("blue_before.png")
blue.hide_render = True
def towards(share):  # from the camera to the head's middle
    place = view.matrix_world.translation
    graph = bpy.context.evaluated_depsgraph_get()
    final = red.evaluated_get(graph)
    middle = sum((final.matrix_world @ v.co for v in final.data.vertices), Vector()) / len(final.data.vertices)
    return place.lerp(middle, share)
front = ball(towards(0.7), 0.02)
with_front = still("object_before.png")
front.location = towards(1.3)
still("object_behind.png")
front.scale = (5, 5, 5)
still("object_around.png")
front.visible_camera = False
scene.render.film_transparent = False
scene.world = bpy.data.worlds.new("World")
scene.world.color = (0, 0, 1)
still("world.png")
np.save(folder / "depth.npy", alone.depth)
np.save(folder / "depth_front.npy", with_front.depth)
settings = scene.render.image_settings
if hasattr(settings, "media_type"):
    settings.media_type = "MULTI_LAYER_IMAGE"
settings.file_format = "OPEN_EXR_MULTILAYER"
still("passes.exr")
"""

MIXED = """
head, view = add("red"), scene.camera
portrait = add("blue")
avatar_scene.give_avatar(portrait, "blue", {"kind": "styleavatar"})
scene.camera = view
solid = frame_service.avatar_pictures
def painted(place, avatar, inputs, look, broken_off):
    if avatar == "red":
        return solid(place, avatar, inputs, look, broken_off)
    rgba = np.zeros((1, 64, 64, 4), np.uint8)
    rgba[..., 2], rgba[:, :, :32, 3] = 200, 255
    return Pictures(rgba)
frame_service.avatar_pictures = painted
portrait.parent.location = (0, 0.1, 0)
still("portrait_behind.png")
scene.render.film_transparent = False
still("portrait_opaque.png")
scene.render.film_transparent = True
portrait.parent.location = (0, -0.1, 0)
still("portrait_before.png")
ball((0, 0, 0), 0.3)
head.hide_render = True
still("portrait_alone.png")
"""

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
        view.feed.step()
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

TROUBLES = """
def refusal():
    try:
        bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        return str(error).strip()
    return "rendered"

head = add("red")
print("fine:", refusal())
scene.camera.data.type = "ORTHO"
print("no perspective:", refusal())
scene.camera.data.type = "PERSP"
head.modifiers.new("Finer", "SUBSURF").render_levels = 1
print("modifier:", refusal())
head.modifiers.remove(head.modifiers["Finer"])
frame_service.avatar_pictures = lambda place, avatar, *rest: Pictures(np.zeros((1, 64, 64, 4), np.uint8))
print("no depth:", refusal())
head.semblance.kind = "hologram"
print("kind:", refusal())
"""


@pytest.fixture
def performance():
    head, random = open_head("builtin"), np.random.default_rng(2)
    return at_rest(
        FRAMES,
        head,
        expression=random.uniform(0, 0.6, (FRAMES, 52)),
        rotation=from_vectors(random.normal(0, 0.25, (FRAMES, 3))),
        translation=np.array([0, 0, 0.9]) + random.normal(0, 0.02, (FRAMES, 3)),
        gaze=random.normal(0, 0.2, (FRAMES, 2, 2)),
        camera=PinholeCamera(640.0, 640.0, 131.0, 124.5, 256, 256),
    )


@pytest.fixture
def folder(tmp_path, performance):
    performance.save(tmp_path / "files" / "performance.npz")
    return tmp_path / "files"


def test_the_mesh_is_sent_as_the_camera_sees_it(run_blender, folder, performance):
    run_blender(SCENE + SENT, folder)
    names = "vertices", "expression", "rotation", "view", "camera"
    vertices, expression, rotation, view, camera = (np.load(folder / f"{name}.npy") for name in names)
    head = open_head("builtin")
    for frame in range(FRAMES):  # through the footage's camera it is what the engine itself poses
        assert np.abs(vertices[frame] - frame_vertices(head, performance, frame)).max() < 2e-5
        assert np.abs(expression[frame] - performance.expression[frame]).max() < 1e-6
        assert np.abs(rotation[frame] - performance.rotation[frame]).max() < 1e-5
        assert np.abs(view[frame] - np.eye(3)).max() < 1e-6
        left, top = np.round([131, 124.5] - camera[frame, 2:4])
        assert camera[frame, :4] == pytest.approx([640, 640, 131 - left, 124.5 - top], abs=1e-3)
        assert 0 <= left < left + camera[frame, 4] <= 256
        assert 0 <= top < top + camera[frame, 5] <= 256
    plain, large, bare = -3, -2, -1
    from_footage = vertices[FRAMES - 1] - vertices[FRAMES - 1].mean(0)
    turned = vertices[plain] - vertices[plain].mean(0)
    assert np.abs(from_footage @ view[plain].T - turned).max() < 1e-5
    assert np.abs(rotation[plain] - performance.rotation[FRAMES - 1]).max() < 1e-5
    assert np.abs(vertices[large] - vertices[plain]).max() < 1e-4
    assert np.abs(rotation[large] - rotation[plain]).max() < 1e-5
    near, three_times = np.load(folder / "depths.npy")
    assert three_times == pytest.approx(3 * near, rel=1e-4)
    assert np.abs(view[bare] - np.eye(3)).max() < 1e-6
    assert np.abs(rotation[bare] - view[plain] @ rotation[plain]).max() < 1e-5


def test_what_is_nearer_hides_what_is_behind(run_blender, folder):
    run_blender(SCENE + OCCLUSION, folder)
    seen = {file.stem: np.asarray(Image.open(file).convert("RGBA")).astype(int) for file in folder.glob("*.png")}
    red, blue = [200, 40, 40, 255], [40, 40, 200, 255]
    behind, before, depth = seen["blue_behind"], seen["blue_before"], np.load(folder / "depth.npy")
    is_red, is_blue = (behind == red).all(-1), (behind == blue).all(-1)
    assert is_red.sum() > 200
    assert 20 < is_blue.sum() < is_red.sum()
    assert (before == blue).all(-1).sum() > 0.9 * is_red.sum()
    assert depth[is_red].max() < depth[is_blue].min() < 2
    assert depth[behind[..., 3] == 0].min() == pytest.approx(1e10)
    middle = tuple(int(each.mean()) for each in np.nonzero(is_red))
    hidden, shown, around = (seen[f"object_{name}"] for name in ("before", "behind", "around"))
    assert hidden[middle][1] > 150 > 60 > hidden[middle][0]
    assert np.load(folder / "depth_front.npy")[middle] == pytest.approx(0.7 * depth[middle] - 0.02, abs=0.004)
    assert shown[middle].tolist() == around[middle].tolist() == red
    green = (around[..., 1] > 100) & (around[..., 0] < 20) & (around[..., 3] == 255)
    assert green.sum() > 300
    outline = (around[..., 3] > 0) & (around[..., 3] < 255)
    assert 20 < outline.sum() < green.sum()
    assert (around[outline][:, 1] > 60).all(), "a smooth outline has the object's colour"
    assert seen["world"][0, 0].tolist() == [0, 0, 255, 255]
    assert seen["world"][middle].tolist() == red
    assert b"Depth.Z" in next(folder.glob("passes*.exr")).read_bytes()


@pytest.mark.slow
def test_trouble_is_one_sentence(run_blender, folder):
    said = dict(line.split(": ", 1) for line in run_blender(SCENE + TROUBLES, folder).splitlines() if ": " in line)
    assert said["fine"] == "rendered"
    assert "Perspective" in said["no perspective"]
    assert "modifier" in said["modifier"]
    assert "update the engine" in said["no depth"]
    assert "hologram" in said["kind"]


def test_a_portrait_stands_at_its_head(run_blender, folder):
    """Its person has one depth, its backdrop is behind everything; by itself, objects do not concern it."""
    run_blender(SCENE + MIXED, folder)
    behind, opaque, before, alone = (
        np.asarray(Image.open(folder / f"portrait_{name}.png").convert("RGBA")).astype(int)
        for name in ("behind", "opaque", "before", "alone")
    )
    red, blue = [200, 40, 40, 255], [0, 0, 200, 255]
    is_red = (behind == red).all(-1)
    assert is_red[:, :32].sum() > 50 < is_red[:, 32:].sum()
    assert (behind[:, :31][~is_red[:, :31]] == blue).all()
    assert not behind[:, 34:][~is_red[:, 34:]].any()
    assert (opaque[is_red] == red).all()
    assert (opaque[~is_red] == blue).all()
    assert (before[:, :31] == blue).all()
    assert (before[:, 34:] == behind[:, 34:]).all()
    assert (alone[:, :31] == blue).all()
    assert not alone[:, 34:].any()


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
