# SPDX-License-Identifier: GPL-3.0-or-later
"""The render engine in Blender, with pictures that a stand-in gives instead of the engine process."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from PIL import Image
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head

SCENE = """
import bpy, os
import numpy as np
from pathlib import Path
import semblance
from semblance.blender_addon.engine import frame_service
from semblance.blender_addon.render import registration
from semblance.blender_addon.scene import avatar_scene
from semblance.blender_addon.sequence import sequence_scene
from semblance.common.errors import UserError
from semblance.protocol.pictures import Pictures

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
scene = bpy.context.scene
folder = Path(sys.argv[1])

def stand_in(place, avatar, maps, look, broken_off):
    print("look:", look.time_code, look.foreground_offset, look.background_offset)
    size = 64
    rgb = np.broadcast_to(np.array({"red": [200, 40, 40], "blue": [40, 40, 200]}[avatar]), (size, size, 3))
    alpha = np.zeros((size, size, 1)); alpha[:, (0 if avatar == "red" else 24):40] = 255
    return Pictures(np.concatenate([rgb, alpha], -1).astype(np.uint8)[None])
frame_service.avatar_pictures = stand_in

def add(avatar):
    return avatar_scene.add_avatar(scene, folder / "performance.npz", avatar=avatar, name=avatar or "bare")

def still(name, width=64, height=64):
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.filepath = str(folder / name)
    bpy.ops.render.render(write_still=True)
"""

TROUBLES = """
def refusal():
    try:
        bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        return str(error).strip()
    return "rendered"

scene.render.filepath = str(folder / "nothing.png")
registration.use_renderer(scene)
scene.camera = bpy.data.objects.new("View", bpy.data.cameras.new("View"))
scene.collection.objects.link(scene.camera)
print("no head:", refusal())
head = add("")
print("no avatar:", refusal())
head.semblance.avatar = "red"
scene.camera.data.type = "ORTHO"
print("no perspective:", refusal())
scene.camera.data.type = "PERSP"
def dead(*_):
    raise UserError("The engine at 127.0.0.1:1 does not answer; restart it in the Semblance panel.")
frame_service.avatar_pictures = dead
print("no engine:", refusal())
head.data.attributes.remove(head.data.attributes["semblance_mask"])
print("no mask:", refusal())
print("left:", os.listdir(folder))
"""

PICTURES = """
red = add("red")
registration.use_renderer(scene)
still("film.png")
scene.render.film_transparent = False
still("opaque.png")
scene.render.film_transparent = True
still("wide.png", 128, 64)
scene.render.use_border = scene.render.use_crop_to_border = True
scene.render.border_min_x, scene.render.border_max_x = 0.25, 0.75
scene.render.border_min_y, scene.render.border_max_y = 0.0, 0.5
still("border.png")
scene.render.use_border = False
view = scene.camera
blue = add("blue")
scene.camera = view
blue.parent.location.y -= 0.2  # nearer
still("two.png")
red.hide_render = True
still("one.png")
for format in ("JPEG", "OPEN_EXR"):
    scene.render.image_settings.file_format = format
    still(f"said.{format}")
blue.hide_render = True
scene.render.image_settings.file_format = "PNG"
blue.parent.hide_render = True
empty = scene.view_layers.new("Empty")
empty.layer_collection.children[0].exclude = True
scene.view_layers[0].use = False
still("nobody.png")
"""

MISTAKES = """
red = add("red")
registration.use_renderer(scene)
scene.render.resolution_x = scene.render.resolution_y = 64
scene.render.filepath = str(folder / "nothing.png")
def refusal():
    try:
        bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        return str(error).strip()
    return "rendered"

painted = frame_service.avatar_pictures
def mistaken(*_):
    raise ZeroDivisionError
frame_service.avatar_pictures = mistaken
print("mistake:", refusal())
frame_service.avatar_pictures = painted
hidden = red.vertex_groups.new(name="hidden")
hidden.add(range(500), 1.0, "REPLACE")
mask = red.modifiers.new("Mask", "MASK")
mask.vertex_group, mask.invert_vertex_group = "hidden", True
print("mask:", refusal())
red.modifiers.remove(mask)
scene.render.use_motion_blur = True
print("blur:", refusal())
scene.render.use_motion_blur = False
bpy.context.view_layer.objects.active = red
bpy.ops.object.mode_set(mode="EDIT")
print("edit:", refusal())
bpy.ops.object.mode_set(mode="OBJECT")
print("left:", os.listdir(folder))
empty = scene.view_layers.new("Empty")
empty.layer_collection.children[0].exclude = True
print("layer:", refusal())
"""

FRAMES = """
red = add("red")
registration.use_renderer(scene)
render, sizes = scene.render, []
for width, height, percent, across, up in (
    (100, 100, 29, None, None), (1920, 1080, 57, None, None), (1000, 1000, 100, (0.1, 0.7), (0.3, 0.9)),
    (1001, 777, 33, (0.123, 0.777), (0.1, 0.61)),
):
    render.resolution_percentage = percent
    render.use_border = render.use_crop_to_border = across is not None
    if across:
        (render.border_min_x, render.border_max_x), (render.border_min_y, render.border_max_y) = across, up
    still("size.png", width, height)
    image = bpy.data.images.load(str(folder / "size.png"))
    pixels = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)
    filled = pixels[..., 3].any()  # Blender drops a result that is not of the size it wants
    sizes.append((*image.size, bool(filled)))
    bpy.data.images.remove(image)
print("sizes:", sizes)
render.resolution_percentage, render.use_border = 100, False
render.pixel_aspect_x, render.pixel_aspect_y = 1, 2
still("tall_pixels.png", 64, 32)
render.pixel_aspect_y = 1
render.use_multiview = True
scene.camera.data.stereo.convergence_mode = "OFFAXIS"
seen = []
inputs = __import__("semblance.blender_addon.render.portraits", fromlist=["PortraitHead"]).PortraitHead
asked = inputs.inputs
def remembered(self, sight, painters):
    seen.append((sight.world[0, 3], sight.lens_shift))
    return asked(self, sight, painters)
inputs.inputs = remembered
still("eye.png")
(left, left_shift), (right, right_shift) = seen
files = sorted(name for name in os.listdir(folder) if "eye" in name)
print("eyes:", round(right - left, 4), left_shift, right_shift < -0.01, files)
"""

KEYFRAMES = """
chosen = add("red").semblance
registration.use_renderer(scene)
moves = (1, (0, 0), (0, 4), 0.25), (11, (8, -2), (0, -4), 0.75)
for frame, chosen.foreground_offset, chosen.background_offset, chosen.time_code in moves:
    for name in ("foreground_offset", "background_offset", "time_code"):
        chosen.id_data.keyframe_insert(f"semblance.{name}", frame=frame)
scene.frame_set(6)
still("moved.png")
chosen.foreground_offset = (99, -99)
print("bounds:", tuple(chosen.foreground_offset))
"""

LEAVING = """
import bpy, sys
sys.path.insert(0, sys.argv[1])
import semblance
semblance.register()
bpy.context.scene.render.engine = "SEMBLANCE"
try:
    bpy.ops.render.render()
except RuntimeError:
    print("refused")
"""


@pytest.fixture
def folder(tmp_path):
    performance = at_rest(head=open_head("builtin"), translation=(0, 0, 1), camera=PinholeCamera.default(64))
    performance.save(tmp_path / "files" / "performance.npz")
    return tmp_path / "files"


def test_trouble_is_one_sentence_and_leaves_no_picture(run_blender, folder):
    said = dict(line.split(": ", 1) for line in run_blender(SCENE + TROUBLES, folder).splitlines() if ": " in line)
    assert "New Avatar" in said["no head"]
    assert "Build Avatar" in said["no avatar"]
    assert "Perspective" in said["no perspective"]
    assert "restart it" in said["no engine"]
    assert "semblance_mask" in said["no mask"]
    assert said["left"] == "['performance.npz']"


def test_pictures(run_blender, folder):
    run_blender(SCENE + PICTURES, folder)
    seen = {file.stem: np.asarray(Image.open(file).convert("RGBA")) for file in folder.glob("*.png")}
    red, blue, nothing, all_red = [200, 40, 40, 255], [40, 40, 200, 255], [0, 0, 0, 0], (slice(None), slice(None, 39))
    assert (seen["film"][all_red] == red).all()
    assert (seen["film"][:, 41:] == nothing).all()
    assert (seen["opaque"] == red).all()
    assert seen["wide"].shape == (64, 128, 4)
    assert (seen["wide"][:, :76] == red).all()
    assert (seen["wide"][:, 84:] == nothing).all()
    assert seen["border"].shape == (32, 32, 4)
    assert (seen["border"][:, :23] == red).all()
    assert (seen["border"][:, 25:] == nothing).all()
    assert (seen["two"][:, :23] == red).all()
    assert (seen["two"][:, 25:39] == blue).all()
    assert (seen["one"][:, 25:39] == blue).all()
    assert (seen["one"][:, :23] == nothing).all()
    for file in folder.iterdir():  # every picture of a head says that a trained model made it
        if file.suffix != ".npz":
            assert (b"digitalsourcetype/trainedAlgorithmicMedia" in file.read_bytes()) == (file.stem != "nobody")
    assert Image.open(folder / "film.png").text["Iptc4xmpExt:DigitalSourceType"].endswith("/trainedAlgorithmicMedia")


def test_no_failure_leaves_an_empty_frame(run_blender, folder):
    """What is reported as an error ends Blender with 1 where there is no window, and leaves no picture."""
    said = dict(line.split(": ", 1) for line in run_blender(SCENE + MISTAKES, folder).splitlines() if ": " in line)
    assert "ZeroDivisionError" in said["mistake"]
    assert "Mask" in said["mask"]
    assert "Motion Blur" in said["blur"]
    assert "Edit Mode" in said["edit"]
    assert said["left"] == "['performance.npz']"
    assert said["layer"] == "rendered"


def test_frames_are_of_blender_s_own_size(run_blender, folder):
    said = dict(line.split(": ", 1) for line in run_blender(SCENE + FRAMES, folder).splitlines() if ": " in line)
    assert said["sizes"] == str([(29, 29, True), (1094, 615, True), (600, 600, True), (216, 131, True)])
    assert said["eyes"] == "0.065 0.0 True ['eye_L.png', 'eye_R.png']"
    tall = np.asarray(Image.open(folder / "tall_pixels.png"))
    assert (tall[:, :39] == [200, 40, 40, 255]).all()
    assert (tall[:, 41:, 3] == 0).all()
    left, right = (np.asarray(Image.open(folder / f"eye_{side}.png")) for side in "LR")
    assert (left[:, :38] == [200, 40, 40, 255]).all()
    assert (right[:, :38] == [200, 40, 40, 255]).all()


def test_keyframes_move_person_and_backdrop(run_blender, folder):
    said = dict(line.split(": ", 1) for line in run_blender(SCENE + KEYFRAMES, folder).splitlines() if ": " in line)
    assert said["look"] == "0.5 (4.0, -1.0) (0.0, 0.0)"
    assert said["bounds"] == "(32.0, -32.0)"


def test_blender_can_be_left_after_rendering(blender_python, packages, tmp_path):
    script = tmp_path / "leaving.py"
    script.write_text(LEAVING)
    finished = subprocess.run(
        [blender_python, script, packages], capture_output=True, text=True, timeout=900, cwd=tmp_path
    )
    assert finished.returncode == 0
    assert "refused" in finished.stdout
