# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads in 3D in Blender, with pictures that a stand-in paints of the mesh and the camera that were sent."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from semblance.tests.blender_addon.render.space_scene import SCENE
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.heads.rotations import from_vectors
from semblance.tracking.performances.maps import frame_vertices

pytestmark = pytest.mark.slow

FRAMES = 3
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
