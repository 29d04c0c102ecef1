# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads and avatars on other computers, in other folders and in other files; and heads that leave."""

from __future__ import annotations

import json
import struct

import pytest
from PIL import Image
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.performances.performance import Crop

pytestmark = pytest.mark.slow

START = """
import bpy, shutil
from pathlib import Path
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
from semblance.blender_addon import ids, preferences
from semblance.blender_addon.scene import driving
from semblance.blender_addon.scene.avatar_scene import add_avatar
from semblance.blender_addon.scene.paths import path_of
from semblance.blender_addon.ui import activity, carrying_operators, lacks
folder = Path(sys.argv[1])
dataset = folder / "dataset"
scene = bpy.context.scene


def made():
    head = add_avatar(bpy.context.scene, dataset / "performance.npz", dataset=dataset, name="Me")
    bpy.context.view_layer.objects.active = head
    return head


def refused(call):
    try:
        call()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("it was not refused")


def save(file, **given):
    file.parent.mkdir(exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(file), **given)


def open_file(file):
    bpy.ops.wm.open_mainfile(filepath=str(file))
    return next(each for each in bpy.data.objects if each.semblance.is_head)
"""


def write_avatar(file, name="builtin", **said):
    """Write an avatar's file as far as Blender reads it."""
    description = json.dumps({"kind": "styleavatar", "head": name, "time_code": 0.25, **said})
    header = json.dumps({"__metadata__": {"format": "semblance-avatar", "version": "2", "description": description}})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(header)) + header.encode() + b"tensors")


@pytest.fixture
def folder(tmp_path):
    """A folder with a dataset, of a few frames of the built-in head before a picture, and an avatar's file."""
    dataset = tmp_path / "files" / "dataset"
    dataset.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(dataset / "photo.png")
    (dataset / "dataset.json").write_text('{"size": 256}')
    said = {"crop": Crop(0, 0, 64), "source": str(dataset / "photo.png")}
    at_rest(3, load_builtin(), **said).save(dataset / "performance.npz")
    write_avatar(tmp_path / "files" / "me.safetensors")
    return tmp_path / "files"


@pytest.fixture
def home(tmp_path, engine_python):
    return {"SEMBLANCE_HOME": str(tmp_path / "home"), "SEMBLANCE_ENGINE_PYTHON": str(engine_python)}


def test_paths_are_relative_to_the_saved_file(run_blender, home, folder):
    """A file and its data can be carried elsewhere together; saving elsewhere keeps them together."""
    script = """
head = made()
assert head.semblance.dataset == str(dataset)
save(folder / "me.blend")
assert head.semblance.dataset == "//dataset" and head.semblance.performance == "//dataset/performance.npz"
assert head.semblance.driver == "//dataset/photo.png"
save(folder / "copies" / "copy.blend", copy=True)
assert path_of(head, "dataset") == dataset
save(folder / "deeper" / "me.blend")
assert head.semblance.dataset == "//../dataset" and path_of(head, "dataset") == dataset
carried = folder.parent / "carried"
shutil.copytree(folder, carried)
shutil.rmtree(dataset)
for file in ("me.blend", "deeper/me.blend", "copies/copy.blend"):
    head = open_file(carried / file)
    assert path_of(head, "dataset") == carried / "dataset", file
    assert len(driving.own_performance(head)) == 3
    assert not lacks.lacks_of(head)
bpy.context.view_layer.objects.active = head
from semblance.blender_addon.ui.job_requests import build_job
scene = bpy.context.scene
assert build_job(scene, head).dataset == str(carried / "dataset")
"""
    run_blender(START + script, folder, environment=home)


def test_linked_appended_and_overridden_heads_keep_their_avatar(run_blender, home, folder):
    script = """
head = made()
head.semblance.avatar, head.semblance.kind = "me", "styleavatar"
own = ids.id_of(head)
save(folder / "assets" / "me.blend")
bpy.ops.wm.read_homefile(use_empty=True)
save(folder / "shots" / "one" / "shot.blend") if (folder / "shots").mkdir() is None else None


def bring(link):
    with bpy.data.libraries.load(str(folder / "assets" / "me.blend"), link=link) as (given, wanted):
        wanted.collections = ["Me"]
    return wanted.collections[0]


linked = bring(True)
bpy.context.scene.collection.children.link(linked)
head = linked.objects["Me"]
assert head.semblance.avatar == "me" and path_of(head, "dataset") == dataset
bpy.context.view_layer.objects.active = head
assert "linked" in carrying_operators.SEMBLANCE_OT_relink.disabled_reason(bpy.context)
bpy.context.scene.collection.children.unlink(linked)
override = linked.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=True)
head = next(each for each in bpy.data.objects if each.semblance.is_head and each.override_library)
assert head.semblance.avatar == "me" and path_of(head, "dataset") == dataset
assert head.semblance.camera and head.semblance.camera.library is None, "its own camera, not the linked one"
head.semblance.time_code = 0.75
bpy.ops.wm.save_mainfile()
bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
head = next(each for each in bpy.data.objects if each.semblance.is_head and each.override_library)
assert head.semblance.avatar == "me" and head.semblance.time_code == 0.75 and path_of(head, "dataset") == dataset

bpy.ops.wm.read_homefile(use_empty=True)
save(folder / "shots" / "two" / "shot.blend")
appended = [bring(False).objects[0] for _ in range(2)]
heads = [each for each in bpy.data.objects if each.semblance.is_head]
assert len(heads) == 2
for head in heads:
    assert head.library is None and head.semblance.avatar == "me" and path_of(head, "dataset") == dataset
own_ids = {ids.id_of(head) for head in heads}
assert len(own_ids) == 2 and own not in own_ids
"""
    run_blender(START + script, folder, environment=home)


def test_an_avatar_is_carried_to_another_computer(run_blender, home, folder, tmp_path):
    (folder / "no_avatar.safetensors").write_bytes(b"\\x08" + bytes(20))
    write_avatar(folder / "other_head.safetensors", "faceverse-v3")
    write_avatar(folder / "elsewhere" / "me.safetensors", date="another")
    script = """
head = made()
head.semblance.avatar = "me"
lack, = lacks.lacks_of(head)
assert lack.kind == "AVATAR" and "Export Avatar" in lack.sentence
assert "not on this computer" in carrying_operators.SEMBLANCE_OT_export_avatar.disabled_reason(bpy.context)
avatars = preferences.home_folder() / "avatars"
ours = lambda: sorted(each.name for each in avatars.iterdir())
assert "no avatar" in refused(lambda: bpy.ops.semblance.import_avatar(filepath=str(folder / "no_avatar.safetensors")))
assert "cannot be read" in refused(lambda: bpy.ops.semblance.import_avatar(filepath=str(folder / "absent")))
for _ in range(2):
    assert bpy.ops.semblance.import_avatar(filepath=str(folder / "me.safetensors")) == {"FINISHED"}
assert ours() == ["me.safetensors"] and not lacks.lacks_of(head)
bpy.ops.semblance.import_avatar(filepath=str(folder / "elsewhere" / "me.safetensors"))
assert ours() == ["me.safetensors", "me_2.safetensors"], "one avatar took another's place"
assert bpy.ops.semblance.export_avatar(filepath=str(folder / "out")) == {"FINISHED"}
assert (folder / "out.safetensors").read_bytes() == (folder / "me.safetensors").read_bytes()
head.semblance.avatar = "gone"
relink = bpy.ops.semblance.relink
assert "faceverse-v3" in refused(lambda: relink(kind="AVATAR", filepath=str(folder / "other_head.safetensors")))
assert relink(kind="AVATAR", filepath=str(folder / "me.safetensors")) == {"FINISHED"}
assert (head.semblance.avatar, head.semblance.time_code) == ("me", 0.25)
"""
    run_blender(START + script, folder, environment=home)


def test_what_a_head_lacks_is_told_and_relinked(run_blender, home, folder):
    script = """
head = made()
moved = folder / "moved"
shutil.move(dataset, moved)
lack, = lacks.lacks_of(head)
assert lack.kind == "DATASET" and "dataset.json" in lack.sentence
from semblance.blender_addon.ui.job_requests import build_job
try:
    build_job(scene, head)
    raise AssertionError
except Exception as error:
    assert "Relink" in str(error)
relink = bpy.ops.semblance.relink
assert "dataset.json" in refused(lambda: relink(kind="DATASET", filepath=str(folder)))
assert "another person" in refused(lambda: relink(kind="DATASET", filepath=str(folder / "stranger" / "dataset.json")))
assert relink(kind="DATASET", filepath=str(moved / "dataset.json")) == {"FINISHED"}
assert path_of(head, "dataset") == moved and path_of(head, "performance") == moved / "performance.npz"
assert not lacks.lacks_of(head)
head.semblance.performance, head.semblance.person = "//gone.npz", ""
lack, = lacks.lacks_of(head)
assert lack.kind == "PERFORMANCE"
assert relink(kind="PERFORMANCE", filepath=str(moved / "performance.npz")) == {"FINISHED"}
head.semblance.head_path = "/gone.npy"
assert [each.kind for each in lacks.lacks_of(head)] == ["HEAD"]
assert "no file" in refused(lambda: relink(kind="HEAD", filepath="/absent.npy"))
"""
    stranger = folder / "stranger"
    stranger.mkdir()
    (stranger / "dataset.json").write_text('{"size": 256}')
    other = at_rest(1, load_builtin())
    other.identity[:] = 1.0
    other.save(stranger / "performance.npz")
    run_blender(START + script, folder, environment=home)


def test_a_removed_avatar_leaves_nothing(run_blender, home, folder):
    script = """
def everything():
    kinds = ("objects", "meshes", "armatures", "cameras", "images", "collections", "actions", "materials", "shape_keys")
    return {kind: sorted(each.name for each in getattr(bpy.data, kind)) for kind in kinds}


mine = bpy.data.objects.new("Mine", bpy.data.meshes.new("Mine"))
scene.collection.objects.link(mine)
before = everything()
head = made()
assert everything() != before
mine.parent, mine.location = head.parent, (1, 2, 3)
bpy.context.view_layer.update()
assert bpy.ops.semblance.remove_avatar() == {"FINISHED"}
assert everything() == before
assert mine.parent is None and tuple(round(each) for each in mine.location) == (1, 2, 3)
assert scene.camera is None and scene.semblance.head is None
assert "New Avatar" in carrying_operators.SEMBLANCE_OT_remove_avatar.disabled_reason(bpy.context)
first, second = made(), made()
second.semblance.camera = first.semblance.camera
shared = first.semblance.camera
bpy.context.view_layer.objects.active = first
bpy.ops.semblance.remove_avatar()
assert second.semblance.camera == shared and second.parent and shared.data.background_images[0].image
"""
    run_blender(START + script, folder, environment=home)
