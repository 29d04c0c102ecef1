# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of jobs land where they were asked for, whatever the artist has done meanwhile, or they are offered."""

from __future__ import annotations

import pytest
from PIL import Image
from semblance.blender_addon.engine import errands
from semblance.blender_addon.engine.errands import Errand, Purpose
from semblance.tests.makers.performances import at_rest, moving
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.performances.performance import Crop

pytestmark = pytest.mark.slow

START = """
import bpy
from pathlib import Path
import semblance
bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
from semblance.blender_addon import ids, preferences
from semblance.blender_addon.engine import errands, jobs
from semblance.blender_addon.scene.avatar_scene import add_avatar
from semblance.blender_addon.ui import activity, job_panel, job_watch, long_task, results
from semblance.protocol.jobs import JobKind
from semblance.protocol.messages import Job, JobState
dataset = Path(sys.argv[1])
clip = dataset / "clip.mp4"
home = preferences.home_folder()
scene = bpy.context.scene
asked = []


def followed(request, errand=None):
    '''The engine, which is done when `finish` steps the last time.'''
    job = Job(f"job{len(asked)}", request.kind, JobState.QUEUED, request.given())
    long_task.note(job, errand)
    result = {"dataset": str(dataset), "avatar_id": "me", "kind": "styleavatar"}
    asked.append(Job(job.id, job.kind, JobState.DONE, job.parameters, result=result))
    mine = asked[-1]
    yield jobs.Bar("Working")
    yield jobs.Bar("Working")
    return mine


def window():
    return bpy.context.window_manager.windows[0]


long_task.followed = followed
long_task.windows = activity.windows = lambda: [window()]
activity.tell = lambda said: None


def begin(operator, **given):
    assert operator(**given) == {"FINISHED"}
    activity.step()


def finish():
    '''Let the engine be done; return what the artist is told.'''
    job_watch.known.jobs = tuple(asked)
    job_watch.look_for_errands()
    while activity.step() is not None:
        pass
    return activity.message()


def heads():
    return [each for each in bpy.data.objects if each.semblance.is_head]


def add_result(job):
    '''What the button does once the engine has answered.'''
    here = ids.id_of(bpy.context.scene)
    activity.use("Add Result", lambda: results.place_here(ids.find_scene(here), job, []), job.id, undo="Add Result")
    return activity.message()
"""


@pytest.fixture
def dataset(tmp_path):
    """A tracked dataset, of a few frames of the built-in head before a picture."""
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")
    (tmp_path / "clip.mp4").touch()
    (tmp_path / "dataset.json").write_text('{"size": 256}')
    said = {"crop": Crop(0, 0, 64), "source": str(tmp_path / "photo.png")}
    at_rest(3, load_builtin(), **said).save(tmp_path / "performance.npz")
    return tmp_path


@pytest.fixture
def home(tmp_path, engine_python):
    return {"SEMBLANCE_HOME": str(tmp_path / "home"), "SEMBLANCE_ENGINE_PYTHON": str(engine_python)}


def test_a_head_arrives_in_its_scene_though_another_is_shown_and_it_was_renamed(run_blender, home, dataset):
    script = """
begin(bpy.ops.semblance.new_avatar, filepath=str(clip))
scene.name = "Shot 10"
other = bpy.data.scenes.new("Other")
window().scene = other
looked = []
results.look_through_camera = looked.append
job_watch.known.jobs = tuple(asked)
job_watch.look_for_errands()
assert not job_watch.waiting(), "what is about to arrive is not waiting"
said = finish()
assert not said.problem, said
head, = heads()
assert head.name in scene.objects and not other.objects and head.parent.data.bones.get("head")
assert window().scene == other and not looked, "the window of another scene was turned to the head"
assert not job_watch.waiting() and errands.read(home, "job0") is None
"""
    run_blender(START + script, dataset, environment=home)


def test_a_second_head_stands_beside_the_first_and_offers_its_camera(run_blender, home, dataset):
    script = """
from semblance.blender_addon.ui.remedies import remedies_for
places = []
for _ in range(2):
    begin(bpy.ops.semblance.new_avatar, filepath=str(clip))
    said = finish()
    assert not said.problem, said
    places.append(scene.semblance.head.parent.location.x)
assert places[1] > places[0] + 0.1, places
assert scene.camera != scene.semblance.head.semblance.camera, "the shot of the first was taken over"
assert "semblance.use_its_camera" in [each.operator for each in remedies_for(said.text)], said
"""
    run_blender(START + script, dataset, environment=home)


def test_a_head_whose_file_is_no_longer_open_is_offered(run_blender, home, dataset):
    script = """
begin(bpy.ops.semblance.new_avatar, filepath=str(clip))
bpy.ops.wm.read_homefile(use_empty=True)
said = finish()
assert not heads(), "it landed in another file"
assert said.problem and said.job == "job0" and "Add Result" in said.text, said
assert job_watch.waiting() == asked
bpy.context.scene.name = "Shot 20"
said = add_result(asked[0])
assert not said.problem, said
head, = heads()
assert head.name in bpy.context.scene.objects
assert not job_watch.waiting()
"""
    run_blender(START + script, dataset, environment=home)


def test_a_result_is_offered_after_a_restart(run_blender, home, dataset, tmp_path):
    errands.keep(tmp_path / "home", "job0", Errand(Purpose.NEW_AVATAR, scene="gone"))
    script = """
job = Job("job0", JobKind.TRACK, JobState.DONE, {"source": str(clip)}, result={"dataset": str(dataset)})
given = iter([(), (job,)])


def step():
    job_watch.known.jobs = next(given)
    return []


job_watch.known.step = step
job_watch.look()
assert activity.message() is None
job_watch.look()
assert activity.message().job == "job0" and "Add Result" in activity.message().text
assert job_watch.waiting() == [job]
many = [Job(str(number), JobKind.TRACK, JobState.DONE) for number in range(20)]
assert job in job_panel.shown_jobs((*many, job), [job]), "a waiting result must not leave the list"
"""
    run_blender(START + script, dataset, environment=home)


def test_what_is_to_be_said_of_footage_is_told_with_its_head(run_blender, home, dataset):
    script = """
told = []
for notes in ({}, {"notes": "The face is only 60 pixels wide."}):
    job = Job("job0", JobKind.TRACK, JobState.DONE, {"source": str(clip)}, result={"dataset": str(dataset), **notes})
    told.append(results.add_head(scene, job))
assert told[0].endswith("photo-real."), told
assert told[1].endswith("photo-real. The face is only 60 pixels wide."), told
"""
    run_blender(START + script, dataset, environment=home)


def test_an_avatar_reaches_its_head_by_id(run_blender, home, dataset):
    """Neither what has the head's old name, nor a copy of it, nor anything when it is gone."""
    script = """
head = add_avatar(scene, dataset / "performance.npz", dataset=dataset, name="Me")
bpy.context.view_layer.objects.active = head
begin(bpy.ops.semblance.build_avatar)
copy = head.copy()
scene.collection.objects.link(copy)
head.name = "Renamed"
impostor = bpy.data.objects.new("Me", None)
scene.collection.objects.link(impostor)
said = finish()
assert (head.semblance.avatar, copy.semblance.avatar, impostor.semblance.avatar) == ("me", "", ""), said
assert "Renamed" in said.text and not said.problem
assert ids.id_of(copy) != ids.id_of(head)

head.semblance.avatar = ""
bpy.context.view_layer.objects.active = head
begin(bpy.ops.semblance.build_avatar)
again = head.copy()
scene.collection.objects.link(again)
bpy.data.objects.remove(head)
said = finish()
assert again.semblance.avatar == "" and copy.semblance.avatar == ""
assert said.problem and said.job == "job1" and "Renamed" in said.text and job_watch.waiting() == [asked[1]]
"""
    run_blender(START + script, dataset, environment=home)


def test_ids_survive_saving_and_copies_get_their_own(run_blender, home, dataset):
    script = """
head = add_avatar(scene, dataset / "performance.npz", dataset=dataset, name="Me")
own, shot = ids.id_of(head), ids.id_of(scene)
copy = head.copy()
copy.name = "A copy that comes first"
scene.collection.objects.link(copy)
twin = scene.copy()
twin.use_fake_user = True
twin.name = "A twin"
assert ids.find_head(own) == head and ids.find_scene(shot) == scene
file = str(dataset / "saved.blend")
bpy.ops.wm.save_as_mainfile(filepath=file)
bpy.ops.wm.read_homefile(use_empty=True)
assert ids.find_head(own) is None and ids.find_scene(shot) is None
bpy.ops.wm.open_mainfile(filepath=file)
assert ids.find_head(own).name == "Me" and ids.find_scene(shot).name == "Scene"
every = [ids.id_of(each) for each in heads()] + [ids.id_of(each) for each in bpy.data.scenes]
assert len(set(every)) == len(every) == 4, (every, heads(), bpy.data.scenes[:])
"""
    run_blender(START + script, dataset, environment=home)


def test_a_video_drives_the_head_that_it_was_chosen_for(run_blender, home, dataset):
    script = """
head = add_avatar(scene, dataset / "performance.npz", dataset=dataset, name="Me")
moving = Path(sys.argv[2])
bpy.context.view_layer.objects.active = head
scene.frame_set(11)
begin(bpy.ops.semblance.drive_from_video, filepath=str(clip))
asked[0].result["dataset"] = str(moving)
head.name = "Renamed"
window().scene = bpy.data.scenes.new("Other")
said = finish()
assert not said.problem and "Renamed performs from frame 11" in said.text, said
bpy.context.window.scene = scene
bpy.context.view_layer.objects.active = head
begin(bpy.ops.semblance.drive_from_video, filepath=str(clip))
asked[1].result["dataset"] = str(moving)
bpy.data.objects.remove(head)
assert finish().job == "job1"
bpy.context.view_layer.objects.active = None
said = add_result(asked[1])
assert said.problem and "Select the head" in said.text and said.job == "job1"
other = add_avatar(scene, dataset / "performance.npz", dataset=dataset, name="Other")
bpy.context.view_layer.objects.active = other
said = add_result(asked[1])
assert not said.problem and "Other performs" in said.text, said
"""
    folder = dataset / "driver"
    moving(5, head="builtin", identity=at_rest(1, load_builtin()).identity, texture=at_rest(1, load_builtin()).texture,
           source="driver").save(folder / "performance.npz")  # fmt: skip
    run_blender(START + script, dataset, folder, environment=home)


def test_whatever_goes_wrong_is_told_undone_and_offered_again(run_blender, home, dataset):
    """A fault of ours after the scene was changed: a sentence, one undo step of its own, nothing half-made."""
    script = """
bpy.context.preferences.edit.use_global_undo = True
bpy.ops.ed.undo_push(message="before")
scene["artist"] = 1
bpy.ops.ed.undo_push(message="the artist's")
from semblance.blender_addon.scene import avatar_scene
apply = avatar_scene.apply_performance


def broken(*_, **__):
    raise ZeroDivisionError


avatar_scene.apply_performance = broken
begin(bpy.ops.semblance.new_avatar, filepath=str(clip))
said = finish()
assert said.problem and said.job == "job0" and "system console" in said.text and "Add Result" in said.text, said
bpy.context.window_manager.print_undo_steps()
assert not scene.objects and not bpy.data.collections and not bpy.data.armatures and not bpy.data.meshes
bpy.ops.ed.undo()
assert bpy.context.scene.get("artist") == 1, "one undo took more than the failed result"
avatar_scene.apply_performance = apply
said = add_result(asked[0])
assert not said.problem and len(heads()) == 1, said
bpy.ops.ed.undo()
assert not heads() and bpy.context.scene.get("artist") == 1
bpy.context.window_manager.print_undo_steps()
"""
    out = run_blender(START + script, dataset, environment=home)
    assert "name='New Avatar'" in out, "undo steps are called after what was done"
    assert "name='Add Result'" in out
    assert "'Semblance'" not in out


def test_a_picture_that_cannot_be_shown_leaves_the_head(run_blender, home, dataset):
    (dataset / "photo.png").write_bytes(b"no picture")
    script = """
begin(bpy.ops.semblance.new_avatar, filepath=str(clip))
said = finish()
assert "without the plate" in said.text and len(heads()) == 1
assert not job_watch.waiting()
"""
    run_blender(START + script, dataset, environment=home)
