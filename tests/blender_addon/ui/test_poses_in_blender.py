# SPDX-License-Identifier: GPL-3.0-or-later
"""The pose library: assets with pictures of the head, which survive saving and move any head."""

from __future__ import annotations

import pytest
from semblance.tests.blender_addon.scene.animated_scene import SCENE

pytestmark = pytest.mark.slow

POSES = """
from semblance.blender_addon.scene import pose_library
from semblance.blender_addon.scene.poses import POSES, flipped

def picture(grey):
    made = np.ones((8, 8, 4), np.float32)
    made[..., :3] = grey
    return made
"""


def test_the_poses_are_what_they_say(run_blender):
    script = """
kinds = [each.kind for each in POSES]
assert (kinds.count("expression"), kinds.count("viseme"), len({each.title for each in POSES})) == (20, 15, 35)
visemes = "sil PP FF TH DD kk CH SS nn RR aa E ih oh ou".split()
assert [each.title.split()[1] for each in POSES if each.kind == "viseme"] == visemes
for each in POSES:
    assert set(each.values) <= set(ARKIT_NAMES) and all(0 <= value <= 1 for value in each.values.values())
    assert set(each.values) <= set(each.channels), each.title
    assert not any(name.startswith("eyeLook") for name in each.channels)
    assert each.kind == "expression" or not any(name.startswith(("eye", "brow")) for name in each.channels)
assert flipped({"eyeBlinkLeft": 1, "jawOpen": 0.5}) == {"eyeBlinkRight": 1, "jawOpen": 0.5}
assert len({tuple(sorted(each.values.items())) for each in POSES}) == 34  # neutral and silence are nothing
"""
    run_blender(SCENE + POSES + script)


def test_poses_are_assets_that_move_a_head(run_blender):
    script = """
head = added(acted(1))
bpy.context.view_layer.objects.active = head
made = pose_library.add_poses(POSES, {each.title: picture(0.25) for each in POSES})
assert len(made) == 35 and all(each.asset_data and each.preview.image_size[:] == (8, 8) for each in made)
smile = bpy.data.actions["Smile"]
assert [tag.name for tag in smile.asset_data.tags] == ["Semblance", "expression"]
keys = keys_of(head)
keys["eyeLookUpLeft"].value = keys["browInnerUp"].value = 0.5
assert bpy.ops.semblance.apply_pose(pose="Smile") == {"FINISHED"}
assert abs(keys["mouthSmileLeft"].value - 0.6) < 1e-6 and keys["eyeLookUpLeft"].value == 0.5
assert keys["browInnerUp"].value == 0
assert bpy.ops.semblance.apply_pose(pose="Viseme aa", share=0.5) == {"FINISHED"}
assert abs(keys["jawOpen"].value - 0.25) < 1e-6 and abs(keys["mouthSmileLeft"].value - 0.3) < 1e-6
assert keys["cheekSquintLeft"].value > 0.2
bpy.ops.semblance.apply_pose(pose="Wink", flip=True)
assert keys["eyeBlinkRight"].value == 1 and keys["eyeBlinkLeft"].value == 0
scene.tool_settings.use_keyframe_insert_auto = True
bpy.ops.semblance.apply_pose(pose="Viseme PP")
assert jaw_curve(head).keyframe_points[0].co[1] == 0
assert "no pose" in refused(lambda: bpy.ops.semblance.apply_pose(pose="me"))
count = len(bpy.data.actions)
smile.asset_data.description = "mine"
pose_library.add_poses(POSES, {"Smile": picture(0.75)})
assert len(bpy.data.actions) == count and smile.asset_data.description == "mine"
assert abs(smile.preview.image_pixels_float[0] - 0.75) < 0.01
file = str(Path("poses.blend").resolve())
bpy.ops.wm.save_as_mainfile(filepath=file)
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
head = added(acted(1))
bpy.context.view_layer.objects.active = head
assert bpy.ops.semblance.apply_pose(pose="Kiss", library=file) == {"FINISHED"}
assert abs(keys_of(head)["mouthPucker"].value - 0.95) < 1e-6 and not bpy.data.actions and not bpy.data.libraries
assert "cannot be read" in refused(lambda: bpy.ops.semblance.apply_pose(pose="Kiss", library="/none.blend"))
bpy.ops.wm.open_mainfile(filepath=file)
again = bpy.data.actions["Smile"]
assert again.asset_data and again.preview.image_size[:] == (8, 8)
"""
    run_blender(SCENE + POSES + script)


def test_the_library_is_in_catalogs_beside_the_artist_s(run_blender, tmp_path):
    script = """
from semblance.blender_addon.scene import pose_catalogs
from semblance.blender_addon.ui import activity
pose_library.add_poses(POSES, {})
kinds = {kind: [each.title for each in POSES if each.kind == kind] for kind in ("expression", "viseme")}
for kind, titles in kinds.items():
    assert {bpy.data.actions[title].asset_data.catalog_id for title in titles} == {pose_catalogs.CATALOGS[kind][0]}
smile = bpy.data.actions["Smile"].asset_data
smile.catalog_id = "11111111-1111-4111-8111-111111111111"
pose_library.add_poses(POSES, {})
assert smile.catalog_id.startswith("1111"), "the artist's choice was taken back"

folder = Path("shots").resolve()
folder.mkdir()
catalogs = folder / pose_catalogs.NAME
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"))
said = catalogs.read_text().splitlines()
assert said[0] == "VERSION 1"
assert [line.split(":")[1] for line in said[1:]] == ["Semblance/Expressions", "Semblance/Visemes"]

mine = "# mine\\nVERSION 1\\n\\n22222222-2222-4222-8222-222222222222:Props/Caf\\u00e9:Props-Caf\\u00e9"
renamed = said[2].replace("Semblance/Visemes", "Talking")
catalogs.write_text(f"{mine}\\n{renamed}", encoding="utf-8")
bpy.ops.wm.save_mainfile()
after = catalogs.read_text(encoding="utf-8")
assert after == f"{mine}\\n{renamed}\\n{said[1]}\\n", after
bpy.ops.wm.save_mainfile()
assert catalogs.read_text(encoding="utf-8") == after

catalogs.write_text("VERSION 2\\nelse")
bpy.ops.wm.save_mainfile()
assert catalogs.read_text() == "VERSION 2\\nelse" and "left as it is" in activity.message().text

library = Path("library").resolve()
(library / "deep").mkdir(parents=True)
bpy.ops.preferences.asset_library_add(directory=str(library))
bpy.ops.wm.save_as_mainfile(filepath=str(library / "deep" / "b.blend"))
assert (library / pose_catalogs.NAME).is_file() and not (library / "deep" / pose_catalogs.NAME).exists()

bpy.ops.wm.read_homefile(use_empty=True)
other = Path("other").resolve()
other.mkdir()
bpy.ops.wm.save_as_mainfile(filepath=str(other / "c.blend"))
assert [each.name for each in other.iterdir()] == ["c.blend"], "a file without poses gets no catalogs"
"""
    run_blender(SCENE + POSES + script, environment={"SEMBLANCE_HOME": str(tmp_path)})


def test_the_library_shows_the_avatar(run_blender, tmp_path):
    """Every pose is painted by the engine, as posed; the scene, its heads and its keys stay as they were."""
    script = """
from semblance.blender_addon.engine import frame_service
from semblance.blender_addon.ui import pose_operators
from semblance.protocol.pictures import Pictures
looked = []

def stand_in(place, avatar, maps, look, broken_off):
    looked.append(maps)
    rgba = np.full((1, 64, 64, 4), 255, np.uint8)
    rgba[..., :3] = [200, 40, 40]
    return Pictures(rgba)

frame_service.avatar_pictures = stand_in
pose_operators.why_no_engine = lambda place: ""
head = added(acted(20), avatar="red")
bpy.context.view_layer.objects.active = head
scene.frame_set(7)
HELD = ("objects", "meshes", "scenes", "shape_keys", "worlds", "cameras")
before = [len(getattr(bpy.data, name)) for name in HELD]
values = [key.value for key in keys_of(head)]
assert bpy.ops.semblance.make_pose_library() == {"FINISHED"}
after = [len(getattr(bpy.data, name)) for name in HELD]
assert before == after, (HELD, before, after)
assert [each.name for each in bpy.data.images] == ["Render Result"]
assert values == [key.value for key in keys_of(head)] and scene.frame_current == 7
assert takes.take_of(head).name == "me" and len(looked) == 35
pictures = [each.preview for each in bpy.data.actions if each.asset_data]
assert len(pictures) == 35 and all(abs(side - 128) < 3 for each in pictures for side in each.image_size)
width, height = pictures[0].image_size
middle = np.array(pictures[0].image_pixels_float[:]).reshape(height, width, 4)[64, 64]
assert np.allclose(middle, [200 / 255, 40 / 255, 40 / 255, 1], atol=0.02), middle
"""
    run_blender(SCENE + POSES + script, environment={"SEMBLANCE_HOME": str(tmp_path)})


def test_without_an_avatar_the_library_shows_the_head(run_blender, tmp_path):
    script = """
from semblance.blender_addon.ui import pose_operators
pose_operators.POSES = [each for each in POSES if each.title in ("Neutral", "Surprise")]
head = added(acted(20))
bpy.context.view_layer.objects.active = head
assert bpy.ops.semblance.make_pose_library() == {"FINISHED"}
shown = [bpy.data.actions[name].preview for name in ("Neutral", "Surprise")]
width, height = shown[0].image_size
neutral, surprise = np.array([each.image_pixels_float[:] for each in shown]).reshape(2, height, width, 4)
assert neutral[70, 64, 3] > 0.99 and neutral[0, 0, 3] == 0
assert 0.25 < (neutral[..., 3] > 0.5).mean() < 0.9  # it fills the picture
assert np.abs(neutral - surprise).max() > 0.2
"""
    run_blender(SCENE + POSES + script, environment={"SEMBLANCE_HOME": str(tmp_path)})
