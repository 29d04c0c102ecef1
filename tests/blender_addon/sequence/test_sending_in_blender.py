# SPDX-License-Identifier: GPL-3.0-or-later
"""What Send to Sequencer takes: frames of this head, camera, scene and time, to lie over the plate; what it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from semblance.tests.makers.footage import plain, tone, write_video
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.performances.performance import Crop

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SETTING = """
import bpy, shutil
import numpy as np
from pathlib import Path
import semblance
from semblance.blender_addon.engine import frame_service
from semblance.blender_addon.render import registration
from semblance.blender_addon.scene import avatar_scene
from semblance.protocol.pictures import Pictures

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
folder, scene = Path(sys.argv[1]), bpy.context.scene
def stand_in(place, avatar, maps, look, broken_off):
    return Pictures(np.full((1, 32, 32, 4), 255, np.uint8))
frame_service.avatar_pictures = stand_in
head = avatar_scene.add_avatar(scene, folder / "performance.npz", avatar="me", name="me")
registration.use_renderer(scene)
own, output = scene.camera, scene.render
output.resolution_x = output.resolution_y = 32
scene.frame_end, output.filepath = 6, str(folder / "frames" / "f_")
bpy.context.view_layer.objects.active = head
def sent():
    try:
        bpy.ops.semblance.send_to_sequencer()
    except RuntimeError as error:
        return str(error).strip().removeprefix("Error: ").split("context is incorrect")[-1]
    return "sent"
def refused():
    return semblance.blender_addon.ui.sequence_operators.SEMBLANCE_OT_send_to_sequencer.disabled_reason(bpy.context)
def render(first=1, last=6):
    scene.frame_start, scene.frame_end = first, last
    bpy.ops.render.render(animation=True)
    scene.frame_start, scene.frame_end = 1, 6
"""

FORMATS = """
settings = output.image_settings
settings.file_format = "JPEG"
print("jpeg:", refused())
settings.file_format, settings.color_mode = "PNG", "RGB"
print("rgb:", refused())
semblance.blender_addon.compat.make_movies(settings)
print("movie:", refused())
bpy.ops.semblance.render_transparent()
print("mended:", settings.file_format, settings.color_mode, refused() or "ready")
output.film_transparent = False
print("film:", refused())
bpy.ops.semblance.render_transparent()
settings.file_format, settings.color_depth = "OPEN_EXR", "16"
render()
print("exr:", sent())
semblance.unregister()
"""

STALE = """
from semblance.blender_addon.render.frame_record import record_in
good = '{"scene":"","frame":1,"camera":"","settings":{},"avatars":{},"states":{"a":[1]}}'
bad = good.replace("[1]", '["b"]'), good.replace('{"a":[1]}', "[]"), "[" * 9999, "{}", "", None
print("records:", record_in(good).states, [record_in(text) for text in bad])
render()
print("fresh:", sent())
name = [key.name for key in head.data.shape_keys.key_blocks][5]
key = head.data.shape_keys.key_blocks[name]
for frame in (3, 4, 5):
    key.value = 0.0 if frame != 4 else 0.8
    key.keyframe_insert("value", frame=frame)
key.value = 0.123
print("moved:", sent())
print("unkeyed:", round(key.value, 3), scene.frame_current)
render(4, 4)
print("again:", sent())
output.resolution_x = 40
print("size:", sent())
output.resolution_x = 32
head.semblance.avatar = "other"
print("avatar:", sent())
head.semblance.avatar = "me"
(folder / "frames" / "f_0002.png").unlink()
print("gap:", sent())
shutil.copy(folder / "frames" / "f_0003.png", folder / "frames" / "f_0002.png")
print("moment:", sent())
shutil.copy(folder / "plain.png", folder / "frames" / "f_0002.png")
print("foreign:", sent())
render(2, 2)
other = bpy.data.objects.new("Aside", own.data.copy())
scene.collection.objects.link(other)
other.matrix_world = own.matrix_world.copy()
other.matrix_world.translation.x += 0.1
scene.camera = other
render(5, 6)
scene.camera = own
print("camera:", sent())
scene.camera = other
render()
print("aside:", sent())
scene.camera = own
render()
bpy.ops.scene.new(type="LINK_COPY")
copy = bpy.context.scene
copy.render.filepath = output.filepath
bpy.context.view_layer.objects.active = head
print("scene:", sent())
semblance.unregister()
"""

PLACES = """
before = [workspace.sequencer_scene for workspace in bpy.data.workspaces if hasattr(workspace, "sequencer_scene")]
render()
print("sent:", sent())
after = [workspace.sequencer_scene for workspace in bpy.data.workspaces if hasattr(workspace, "sequencer_scene")]
print("workspaces:", before == after, len(bpy.data.workspaces))
scene.name = "Shot 20"
print("renamed:", sent(), sorted(each.name for each in bpy.data.scenes))
bpy.data.scenes["Scene Sequence"].name = "Cut"
print("both:", sent(), sorted(each.name for each in bpy.data.scenes))
other = bpy.data.scenes.new("Scene")
print("others:", len([each for each in bpy.data.scenes if each.get("semblance_sequence_of")]))
semblance.unregister()
"""

EDITS = """
render()
sent()
sequence = bpy.data.scenes["Scene Sequence"]
strips = sequence.sequence_editor.strips
def shown(what):
    return next((strip for strip in strips if strip.get("semblance") == what), None)
avatar, sound = shown("frames"), shown("sound")
planned = avatar.transform.scale_x
avatar.transform.offset_x, avatar.crop.min_x, avatar.color_saturation, avatar.channel = 7, 3, 0.5, 6
avatar.blend_alpha = 0.75
sound.volume = 0.25
title = strips.new_effect("Title", "COLOR", 3, 1, **(
    {"length": 6} if "length" in strips.bl_rna.functions["new_effect"].parameters else {"frame_end": 7}))
sequence.render.filepath, sequence.frame_end = "//mine.mp4", 5
output.resolution_x = output.resolution_y = 64
render()
print("sent:", sent())
same = avatar == shown("frames")
print("strips:", len(strips), same)
kept = avatar.transform.offset_x, avatar.crop.min_x, avatar.color_saturation, avatar.channel, avatar.blend_alpha
print("kept:", *(round(each, 3) for each in kept), sound.volume, sequence.render.filepath, sequence.frame_end)
print("renewed:", round(planned / avatar.transform.scale_x, 3))
strips.remove(sound)
strips.remove(avatar)
scene.frame_end = 4
bpy.ops.semblance.send_to_sequencer()
avatar = shown("frames")
between = semblance.blender_addon.compat.shown_between
print("back:", sorted(strip.get("semblance", strip.name) for strip in strips), avatar.channel, between(avatar))
print("plate:", between(shown("plate")))
scene.frame_end = 6
bpy.ops.semblance.send_to_sequencer()
print("longer:", between(avatar), len(avatar.elements), sequence.frame_end)
semblance.unregister()
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "files"
    (folder / "frames").mkdir(parents=True)
    write_video(folder / "footage.mp4", [plain(90, 96, 128)] * 20, 25, sound=tone(1))
    at_rest(
        10,
        open_head("builtin"),
        translation=(0, 0, 1),
        camera=PinholeCamera.default(64),
        crop=Crop(30, 12, 64),
        source=str(folder / "footage.mp4"),
    ).save(folder / "performance.npz")
    (folder / "plain.png").write_bytes(PLAIN_PNG)
    return folder


PLAIN_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f0300"
    "05fe02fea735819d0000000049454e44ae426082"
)


def said_by(run_blender, script: str, folder: Path) -> dict[str, str]:
    lines = run_blender(SETTING + script, folder).splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def test_what_cannot_lie_over_the_plate_is_refused_with_what_mends_it(run_blender, folder):
    said = said_by(run_blender, FORMATS, folder)
    assert said["jpeg"] == (
        "JPEG pictures have no transparency to lie over the plate with: choose PNG or OpenEXR pictures with RGBA."
    )
    assert "choose RGBA" in said["rgb"]
    assert "A movie has no transparency" in said["movie"]
    assert said["mended"] == "PNG RGBA ready"
    assert "Transparent Background" in said["film"]
    assert said["exr"] == "sent"


def test_frames_that_do_not_show_what_the_scene_does_are_named_by_their_numbers(run_blender, folder):
    said = said_by(run_blender, STALE, folder)
    assert said["records"] == "{'a': [1.0]} [None, None, None, None, None, None]"
    assert said["fresh"] == "sent"
    assert said["moved"] == "Frame 4 is older than the scene's motion or settings: render the animation again."
    assert said["unkeyed"] == "0.123 1", "checking leaves the scene alone"
    assert said["again"] == "sent"
    assert said["size"].startswith("Frames 1-6 are older")
    assert said["avatar"].startswith("Frames 1-6 are older")
    assert said["gap"] == "Frame 2 is missing: render the animation again."
    assert said["moment"] == "Frame 2 is of another moment: render the animation again."
    assert said["foreign"].startswith("Frame 2 is not rendered with Semblance")
    assert said["camera"] == "Frames 5-6 are seen by Aside: render the animation again."
    assert "press Use Its Camera" in said["aside"]
    assert said["scene"] == "Frames 1-6 are of another scene: render the animation again."


def test_a_sequence_belongs_to_its_scene_and_other_workspaces_stay_as_they_are(run_blender, folder):
    said = said_by(run_blender, PLACES, folder)
    assert said["sent"] == "sent"
    assert said["workspaces"].startswith("True")
    assert said["renamed"] == "sent ['Scene Sequence', 'Shot 20']"
    assert said["both"] == "sent ['Cut', 'Shot 20']"
    assert said["others"] == "1"


def test_sending_again_keeps_what_the_artist_has_changed(run_blender, folder):
    said = said_by(run_blender, EDITS, folder)
    assert said["sent"] == "sent"
    assert said["strips"] == "4 True"
    assert said["kept"] == "7.0 3 0.5 6 0.75 0.25 //mine.mp4 5"
    assert said["renewed"] == "2.0", "frames of twice the size are shown at half of the scale"
    assert said["back"] == "['Title', 'frames', 'plate'] 4 (1, 5)", "in the next channel that is free"
    assert said["plate"] == "(1, 5)"
    assert said["longer"] == "(1, 7) 6 5"
