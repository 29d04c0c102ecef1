# SPDX-License-Identifier: GPL-3.0-or-later
"""A build as Blender shows it: picture, losses, what can be done while it runs; and the list of jobs put in order."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.blender_addon.engine.build_view import watched_loss
from semblance.blender_addon.engine.curve_picture import GROUND, LINE, picture_of
from semblance.blender_addon.engine.job_list import place_in_line
from semblance.blender_addon.engine.jobs import bar_of, connecting, run_to_end
from semblance.protocol.jobs import Build, JobKind, Track
from semblance.protocol.messages import Curve, Job, JobState
from semblance.tests.blender_addon.ui.test_jobs_in_blender import START, environment, place

__all__ = ["place"]  # the fixture: an engine with stand-in tasks

CURVE = Curve([10, 20, 30], [1.0, 2.0, 3.0], {"l1": [0.4, 0.2, 0.1], "judge": [None, None, 0.7]}, "l1")


def test_the_curve_falls_from_the_upper_left_to_the_lower_right():
    pixels = picture_of(CURVE, 64, 32)
    assert (pixels.shape, pixels.dtype) == ((32, 64, 4), np.float32)
    rows, columns = np.nonzero((pixels == np.float32(LINE)).all(-1))
    assert set(columns) == set(range(7, 58))
    assert rows[columns == 7].min() > 20
    assert rows[columns == 57].max() < 10
    empty = picture_of(Curve(), 64, 32)
    assert not (empty == np.float32(LINE)).all(-1).any()
    assert (empty[0, 0] == np.float32(GROUND)).all()


def test_a_build_says_its_loss_and_that_it_is_written():
    assert watched_loss(CURVE) == "Loss 0.100 after 30 steps"
    assert watched_loss(Curve()) == ""
    assert bar_of(Job("1", JobKind.BUILD, JobState.RUNNING, fraction=0.3, finishing=True)).text == "Writing the avatar"


def test_who_waits_knows_behind_how_many():
    first, second, running = (
        Job(name, JobKind.BUILD, state, created=created, turn=turn)
        for name, state, created, turn in (
            ("1", JobState.QUEUED, 1.0, 3.0),
            ("2", JobState.QUEUED, 2.0, 2.0),
            ("3", JobState.RUNNING, 0.0, 0.0),
        )
    )
    jobs = (running, second, first)
    assert (place_in_line(first, jobs), place_in_line(second, jobs)) == (1, 0)


@pytest.mark.slow
def test_a_build_is_watched_and_ended_as_good_enough(run_blender, place, tmp_path):
    client = run_to_end(connecting(place), pause=0.01)
    build = client.submit(Build(dataset="/long", avatar="me"))
    script = """
from semblance.blender_addon.ui import build_panel, build_pictures
build, folder = sys.argv[1:3]
assert not build_panel.SEMBLANCE_PT_build.poll(bpy.context)
assert "No avatar is being built" in build_panel.SEMBLANCE_OT_finish_build.disabled_reason(bpy.context)
assert build_panel.SEMBLANCE_OT_show_build.disabled_reason(bpy.context) == build_panel.NO_PICTURE
view = job_watch.known.build
look_until(lambda: view.curve.steps and view.picture)
assert build_panel.SEMBLANCE_PT_build.poll(bpy.context)
assert len(view.curve.steps) == 200 and view.curve.watched == "l1"
assert bpy.ops.semblance.show_build() == {"FINISHED"}
image = bpy.data.images[build_pictures.IMAGE]
assert tuple(image.size) == (1, 1)
image.use_fake_user = True
file = str(Path(folder) / "saved.blend")
bpy.ops.wm.save_as_mainfile(filepath=file, copy=True)
with bpy.data.libraries.load(file) as (found, _):
    assert build_pictures.IMAGE not in found.images
assert bpy.ops.semblance.finish_build(job=build) == {"FINISHED"}
look_until(lambda: known(build).state is JobState.DONE)
assert view.job.state is JobState.DONE
assert bpy.ops.semblance.clear_jobs() == {"FINISHED"}
look_until(lambda: not known(build))
assert not build_panel.SEMBLANCE_PT_build.poll(bpy.context)
semblance.unregister()
"""
    run_blender(START + script, build.id, tmp_path, environment=environment(place))
    client.close()


@pytest.mark.slow
def test_jobs_that_wait_are_put_into_another_order(run_blender, place):
    client = run_to_end(connecting(place), pause=0.01)
    held, first, second = (client.submit(Track(source=f"/{name}", dataset=name)) for name in ("long", "short", "short"))
    script = """
held, first, second = sys.argv[1:4]
look_until(lambda: known(second))
assert [job_panel.line_about(known(job)) for job in (first, second)] == [
    "Waiting for its turn", "Waiting for its turn, behind 1 more"
]
assert bpy.ops.semblance.move_job(job=second, later=False) == {"FINISHED"}
look_until(lambda: job_panel.line_about(known(second)) == "Waiting for its turn")
assert job_panel.line_about(known(first)).endswith("behind 1 more")
assert "No job has ended" in job_panel.SEMBLANCE_OT_clear_jobs.disabled_reason(bpy.context)
assert bpy.ops.semblance.cancel_job(job=held) == {"FINISHED"}
look_until(lambda: known(first).state is JobState.DONE)
semblance.unregister()
"""
    run_blender(START + script, held.id, first.id, second.id, environment=environment(place))
    client.close()
