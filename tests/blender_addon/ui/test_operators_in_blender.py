# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators, without a window: what they do, why they are grey, and what they say when something is wrong."""

from __future__ import annotations

import av
import pytest
from PIL import Image
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.performances.performance import Crop

pytestmark = pytest.mark.slow

START = """
import bpy, numpy as np
from pathlib import Path
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
from semblance.blender_addon import preferences
from semblance.blender_addon.engine import jobs
from semblance.blender_addon.ui import activity
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled
scene = bpy.context.scene


def refused(call):
    try:
        call()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("it was not refused")
"""


@pytest.fixture
def home(tmp_path):
    return {"SEMBLANCE_HOME": str(tmp_path / "home"), "SEMBLANCE_ENGINE_PYTHON": ""}


def test_buttons_say_why_they_are_grey(run_blender, home):
    script = """
from semblance.blender_addon.operators import SemblanceOperator
from semblance.blender_addon.ui import engine_operators, job_operators, job_panel, long_task, scene_operators
for module in (engine_operators, job_operators, job_panel, long_task, scene_operators):
    for each in module.CLASSES:
        if issubclass(each, SemblanceOperator):
            reason = each.disabled_reason(bpy.context)
            assert each.poll(bpy.context) == (not reason)
            assert not reason or reason.endswith("."), reason
assert "Set Up Engine" in job_operators.SEMBLANCE_OT_new_avatar.disabled_reason(bpy.context)
assert "New Avatar" in job_operators.SEMBLANCE_OT_build_avatar.disabled_reason(bpy.context)
assert "Set Up Engine" in engine_operators.SEMBLANCE_OT_restart_engine.disabled_reason(bpy.context)
assert "Set Up Engine" in refused(lambda: bpy.ops.semblance.new_avatar(filepath="x.mp4"))
semblance.unregister()
semblance.register()
semblance.unregister()
assert not hasattr(bpy.types.Object, "semblance")
"""
    run_blender(START + script, environment=home)


def test_files_that_cannot_become_avatars(run_blender, home, engine_python, tmp_path):
    script = """
folder = Path(sys.argv[1])
(folder / "notes.txt").touch()
assert "choose a video or a photo" in refused(lambda: bpy.ops.semblance.new_avatar(filepath=str(folder / "none.mp4")))
assert "neither a video" in refused(lambda: bpy.ops.semblance.new_avatar(filepath=str(folder / "notes.txt")))
(folder / "clip.mp4").touch()
scene.semblance.head_model = "faceverse-v3"
assert "preferences" in refused(lambda: bpy.ops.semblance.new_avatar(filepath=str(folder / "clip.mp4")))
from semblance.blender_addon import command_line
options = ["--head", "builtin", "--matting", "rvm", "--head-only", "--coarse", "liveportrait", "--preset", "standard"]
assert command_line.run([str(folder / "none.mp4"), "--out", str(folder / "none.blend"), *options]) == 2
chosen = scene.semblance
assert (chosen.head_model, chosen.matting, chosen.head_only, chosen.preset) == ("builtin", "rvm", True, "standard")
assert chosen.coarse == "liveportrait"
assert not scene.objects and not (folder / "none.blend").exists()
"""
    run_blender(START + script, tmp_path, environment={**home, "SEMBLANCE_ENGINE_PYTHON": str(engine_python)})


def test_new_avatars_are_cut_out_as_the_scene_says(run_blender, home, tmp_path):
    (tmp_path / "clip.mp4").touch()
    (tmp_path / "portrait.jpg").touch()
    script = """
from typing import get_args
from semblance.blender_addon.ui.job_requests import tracking_job
from semblance.protocol.choices import MattingName, PresetName


def asked():
    requests = [tracking_job(scene, Path(sys.argv[1]) / name) for name in ("clip.mp4", "portrait.jpg")]
    return [(each.matting, each.head_only) for each in requests]


from semblance.blender_addon.properties import choice_properties
names = [each.identifier for each in choice_properties()]
assert names == ["head_model", "avatar_kind", "preset", "matting", "head_only", "coarse"]
chosen = scene.semblance
assert tuple(chosen.bl_rna.properties["matting"].enum_items.keys()) == get_args(MattingName)
assert tuple(chosen.bl_rna.properties["preset"].enum_items.keys()) == get_args(PresetName)
assert asked() == [("auto", False)] * 2
chosen.matting, chosen.head_only = "rvm", True
assert asked() == [("rvm", True)] * 2
"""
    run_blender(START + script, tmp_path, environment=home)


def test_the_kind_of_avatar_is_a_choice(run_blender, home, tmp_path):
    """Automatic leaves it to the dataset; a kind that was chosen has a name of its own and overwrites no other."""
    (tmp_path / "me").mkdir()
    (tmp_path / "me" / "dataset.json").write_text('{"size": 256}')
    script = """
from typing import get_args
from semblance.blender_addon.render import kinds
from semblance.blender_addon.scene.avatar_scene import give_avatar
from semblance.blender_addon.ui.job_requests import build_job
from semblance.protocol.choices import AvatarKindName

chosen = scene.semblance
assert tuple(chosen.bl_rna.properties["avatar_kind"].enum_items.keys()) == ("auto", *get_args(AvatarKindName))
head = bpy.data.objects.new("Me", bpy.data.meshes.new("Me"))
head.semblance.dataset = str(Path(sys.argv[1]) / "me")
job = build_job(scene, head)
assert (job.avatar_kind, job.avatar) == (None, "me_preview") and "avatar_kind" not in job.given()
chosen.avatar_kind = "splats"
job = build_job(scene, head)
assert (job.avatar_kind, job.avatar) == ("splats", "me_preview_splats")
assert job.consent == ""
head.semblance.consent = " Ada agreed to this film "
assert build_job(scene, head).consent == "Ada agreed to this film"
give_avatar(head, "a", {"time_code": 0.75})
assert (head.semblance.kind, head.semblance.time_code) == ("styleavatar", 0.75)
assert not kinds.kind_of(head).no_look
give_avatar(head, "b", {"kind": "radiance", "time_code": 0.25})
assert head.semblance.avatar == "b" and "3D" in kinds.kind_of(head).no_look
head.semblance.kind = "hologram"
try:
    kinds.kind_of(head)
    raise AssertionError
except UserError as error:
    assert "newer Semblance" in str(error)
"""
    run_blender(START + script, tmp_path, environment=home)


def test_a_task_is_followed_step_by_step(run_blender, home):
    """What the timer does in a window: progress, result, failure, cancelling, one thing at a time."""
    script = """
def counting(steps, result):
    for number in range(steps):
        yield jobs.Bar(f"step {number}", number / steps)
    if isinstance(result, Exception):
        raise result
    return result


def drive():
    while (pause := activity.step()) is not None:
        assert 0 < pause < 1


activity.begin("Test", counting(3, 42), lambda result: f"made {result}.")
assert activity.step() and activity.running()[0].bar.text == "step 0"
assert not activity.busy_reason() and "Test is running" in activity.busy_reason(alone=True)
drive()
assert activity.running() == () and activity.message() == activity.Message("made 42.")
activity.begin("Test", counting(1, UserError("The disk is full.")), str)
drive()
assert activity.message() == activity.Message("The disk is full.", problem=True)
activity.begin("Test", counting(1, Cancelled()), str)
drive()
assert activity.message().text == "Test was cancelled." and not activity.busy_reason()
first, second = (activity.begin("Test", counting(1, Cancelled()), str, about=name) for name in ("Ada", "Grace"))
assert (first.called, second.called) == ("Test (Ada)", "Test (Grace)")
assert activity.line_about(second) == "Test (Grace): Starting"
drive()
assert activity.message().text == "Test (Grace) was cancelled."


def refuse(result):
    raise UserError("The head is gone.")


activity.begin("Test", counting(1, 1), refuse)
drive()
assert activity.message() == activity.Message("The head is gone.", problem=True)
activity.begin("Test", counting(100, 1), str, alone=True)
assert "Test is running" in activity.busy_reason()
activity.step()
activity.cancel()
assert activity.running() == () and "cancelled" in activity.message().text
assert activity.step() is None

made = []
for number in (1, 2, 3):
    activity.begin(f"Test {number}", counting(number, number), lambda result: made.append(result) or "")
one, two, three = activity.running()
activity.step()
activity.cancel(two.number)
assert activity.running() == (one, three)
drive()
assert made == [1, 3]
activity.begin("Test", counting(1, ZeroDivisionError()), str)
activity.begin("Other", counting(2, 4), str)
drive()
assert activity.message() == activity.Message("4"), "one task's fault ends no other"
activity.dismiss()
assert activity.message() is None
"""
    run_blender(START + script, environment=home)


def test_lens_and_plate(run_blender, home):
    script = """
from semblance.blender_addon.scene.camera import Lens, lens_of, pinhole_of
from semblance.blender_addon.scene.plate import PlatePlace, frame_offsets, place_of
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.performances.performance import Crop
camera = PinholeCamera(1300.0, 1300.0, 250.0, 260.5, 512, 512)
again = pinhole_of(lens_of(camera))
assert np.allclose([again.fx, again.cx, again.cy], [1300, 250, 260.5])
# the whole picture, then its lower right quarter
assert place_of(Crop(0, 0, 100), 100, 100) == PlatePlace(1, 0, 0)
assert place_of(Crop(50, 50, 50), 100, 100) == PlatePlace(2, -0.5, 0.5)
# a portrait picture's upper square; Blender multiplies the vertical offset by height over width
place = place_of(Crop(0, 0, 1080), 1080, 1920)
assert np.allclose([place.scale, place.offset_x, place.offset_y * 1920 / 1080], [1920 / 1080, 0, -420 / 1080])
shown = {}
offsets = dict(frame_offsets(0, 60, 30.0, 24.0))
for frame in range(47):
    offset = offsets.get(frame, offset) if frame else offsets[0]
    assert abs((frame + offset) / 30 - frame / 24) <= 0.5 / 30 + 1e-9, frame
"""
    run_blender(START + script, environment=home)


def test_new_avatar_then_another_performance(run_blender, home, engine_python, shared, tmp_path):
    """A real clip through the real engine: head, camera, plate and keys arrive; the performance can be put on again."""
    clip = tmp_path / "clip.mp4"
    cut(shared / "media" / "videos" / "selfie_closeup.mp4", clip, 16)
    script = """
clip = sys.argv[1]
assert bpy.ops.semblance.new_avatar(filepath=clip) == {"FINISHED"}
head = scene.semblance.head
assert head.name == "clip" and head.semblance.is_head and head.semblance.head_name == "builtin"
assert (Path(head.semblance.dataset) / "dataset.json").is_file()
assert scene.camera == head.semblance.camera and scene.render.resolution_x == 256
assert abs(scene.render.fps / scene.render.fps_base - 30) < 0.1 and scene.frame_end == scene.frame_start + 15
plate = scene.camera.data.background_images[0]
assert plate.image.source == "MOVIE" and plate.image_user.frame_start == scene.frame_start
assert not plate.image_user.frame_offset
from semblance.blender_addon import compat
assert len(compat.channels(head.data.shape_keys)) == 52
assert len(compat.channels(head.parent)) == 12
from semblance.blender_addon.ui.job_operators import SEMBLANCE_OT_build_avatar
assert SEMBLANCE_OT_build_avatar.poll(bpy.context)
scene.semblance.preset = "final"
assert "tracked at 256 pixels" in refused(bpy.ops.semblance.build_avatar)
scene.frame_set(40)
performance = str(Path(head.semblance.dataset) / "performance.npz")

def blink():
    return next(c for c in compat.channels(head.data.shape_keys) if "eyeBlinkLeft" in c.data_path)

first = blink()
assert bpy.ops.semblance.load_performance(filepath=performance) == {"FINISHED"}
assert scene.frame_end == 55
again = blink()
for frame in range(16):
    assert abs(again.evaluate(40 + frame) - first.evaluate(scene.frame_start + frame)) < 1e-6
capture = Path(sys.argv[2]).with_name("capture.csv")
rows = [f"00:00:10:{frame:02d}.000,{frame / 60},{frame / 100}" for frame in range(50) if frame != 30]
capture.write_text("\\n".join(["Timecode,EyeBlinkLeft,JawOpen", *rows, "00:00:11:00.000,1,0"]))
assert bpy.ops.semblance.load_performance(filepath=str(capture)) == {"FINISHED"}
assert scene.frame_end == 70
curve = blink()
assert curve.evaluate(69) > curve.evaluate(55) > curve.evaluate(41), "the blink comes from the capture now"
assert [each.name for each in bpy.data.actions] == ["capture", "clip", "clip.001"]
assert "no performance file" in refused(lambda: bpy.ops.semblance.load_performance(filepath="none.npz"))
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2])
bpy.ops.wm.open_mainfile(filepath=sys.argv[2])
assert bpy.context.scene.semblance.head.semblance.camera is not None
"""
    environment = {**home, "SEMBLANCE_ENGINE_PYTHON": str(engine_python)}
    run_blender(START + script, clip, tmp_path / "saved.blend", environment=environment)


def test_an_avatar_s_own_words_are_enough(run_blender, home):
    """A head is made from what the avatar file says, without the footage."""
    script = """
from dataclasses import asdict
from semblance.blender_addon.scene.avatar_scene import add_known_avatar
from semblance.protocol.messages import AvatarInfo
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
model = open_head("builtin")
home = preferences.home_folder()
metadata = {"kind": "styleavatar", "head": "builtin", "identity": [0.0] * len(model.identity_basis),
            "texture": [0.0] * len(model.texture_basis), "camera": asdict(PinholeCamera.default(256)), "crop": None,
            "fps": 25.0, "time_code": 0.25, "rest": {"expression": [0.0] * 52, "rotation": np.eye(3).tolist(),
            "translation": [0.0, 0.0, 1.2], "gaze": [[0, 0], [0, 0]]}}
made = add_known_avatar(scene, AvatarInfo("someone", "/a", 1, 0.0, metadata), home)
assert made.semblance.avatar == "someone" and made.semblance.time_code == 0.25
assert made.semblance.kind == "styleavatar"
in_space = add_known_avatar(scene, AvatarInfo("else", "/b", 1, 0.0, {**metadata, "kind": "radiance"}), home)
assert in_space.semblance.kind == "radiance"
assert len(made.data.vertices) == len(model.mean)
try:
    add_known_avatar(scene, AvatarInfo("half", "/a", 1, 0.0, {}, error="The file is cut short; build it again."), home)
    raise AssertionError
except UserError as error:
    assert "cut short" in str(error)
"""
    run_blender(START + script, environment=home)


def test_a_head_in_3d_is_baked_before_its_photo_and_becomes_a_portrait(run_blender, home, engine_python, tmp_path):
    photo, plate = tmp_path / "photo.png", tmp_path / "plate.png"
    for file in (photo, plate):
        Image.new("RGB", (64, 64)).save(file)
    said = {"crop": Crop(0, 0, 64), "source": str(photo), "extra": {"clean_plate": str(plate)}}
    at_rest(2, load_builtin(), **said).save(tmp_path / "performance.npz")
    script = """
from semblance.blender_addon.scene.avatar_scene import add_avatar, give_avatar
from semblance.blender_addon.ui import bake_operators
from semblance.blender_addon.ui.results import finish_build
from semblance.protocol.jobs import JobKind
from semblance.protocol.messages import Job, JobState
head = add_avatar(scene, Path(sys.argv[1]))
assert "head in 3D" in refused(bpy.ops.semblance.bake_to_portrait)
give_avatar(head, "me", {"kind": "styleavatar"})
assert "head in 3D" in refused(bpy.ops.semblance.bake_to_portrait)
give_avatar(head, "me", {"kind": "radiance"})
asked = []


def followed(request, errand=None):
    asked.append(request)
    yield
    return Job("1", request.kind, JobState.DONE, result={"avatar_id": "me_portrait", "kind": "styleavatar"})


def behind():
    return Path(head.semblance.camera.data.background_images[0].image.filepath).name


assert behind() == "photo.png"
finish_build(head, Job("1", JobKind.BUILD, JobState.DONE, result={"avatar_id": "me", "kind": "radiance"}))
assert behind() == "plate.png"

bake_operators.followed = followed
assert bpy.ops.semblance.bake_to_portrait() == {"FINISHED"}
bake, build = asked
assert (bake.kind, bake.avatar, bake.plate, bake.size) == (JobKind.BAKE, "me", sys.argv[2], 256)
assert (build.kind, build.dataset, build.avatar_kind) == (JobKind.BUILD, bake.dataset, "portrait")
assert (head.semblance.avatar, head.semblance.kind) == ("me_portrait", "styleavatar")
assert behind() == "photo.png"
"""
    environment = {**home, "SEMBLANCE_ENGINE_PYTHON": str(engine_python)}
    run_blender(START + script, tmp_path / "performance.npz", plate, environment=environment)


def cut(source, target, frames):
    """Write the first frames of a video."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        shape = given.streams.video[0]
        stream = made.add_stream("libx264", rate=30, width=shape.width, height=shape.height, pix_fmt="yuv420p")
        for index, frame in enumerate(given.decode(video=0)):
            if index == frames:
                break
            made.mux(stream.encode(av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), format="rgb24")))
        made.mux(stream.encode())
