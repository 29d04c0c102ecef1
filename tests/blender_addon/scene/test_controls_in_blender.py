# SPDX-License-Identifier: GPL-3.0-or-later
"""Jaw bone and look-at target: they come on top of sliders and performances, and go as far as a face does."""

from __future__ import annotations

import pytest
from semblance.tests.blender_addon.scene.animated_scene import SCENE

pytestmark = pytest.mark.slow

COMMON = """
from mathutils import Vector
from semblance.blender_addon.render.heads_in_space import expression_of

def graph():
    bpy.context.view_layer.update()
    return bpy.context.evaluated_depsgraph_get()

def shown(head):
    points = np.zeros(3 * len(head.data.vertices), np.float32)
    head.evaluated_get(graph()).data.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)

def looks(head):
    '''Where the eyes look, in the world: two unit vectors.'''
    rig = head.parent.evaluated_get(graph())
    return [(rig.matrix_world @ rig.pose.bones[name].matrix).col[1].xyz.normalized() for name in ("eye.L", "eye.R")]

def expressed(head):
    return dict(zip(ARKIT_NAMES, expression_of(head.evaluated_get(graph()))))
"""


def test_the_jaw_bone_adds_to_the_sliders(run_blender):
    """Dragged as far as it goes it is the slider at 1; with a slider half open it adds the other half and no more."""
    script = """
head = added(acted(1))
jaw = head.parent.pose.bones["jaw"]
limit = jaw.constraints[0]
keys = keys_of(head)
for name, axis, far in (("jawOpen", 2, limit.min_z), ("jawLeft", 0, limit.min_x), ("jawRight", 0, limit.max_x),
                        ("jawForward", 1, limit.max_y)):
    jaw.location = (0, 0, 0)
    keys[name].value = 1.0
    wanted = shown(head)
    keys[name].value = 0.0
    jaw.location[axis] = far
    got = shown(head)
    assert np.abs(got - wanted).max() < 1e-5, (name, np.abs(got - wanted).max())
    assert abs(expressed(head)[name] - 1) < 1e-4
    assert np.ptp(wanted, 0).min() > 0 and far != 0
    keys[name].value = 0.75
    assert abs(expressed(head)[name] - 1) < 1e-4
    keys[name].value = 0.0
jaw.location = (0, 0, limit.min_z / 2)
keys["jawOpen"].value = 0.25
assert abs(expressed(head)["jawOpen"] - 0.75) < 1e-4
assert all(each.driver.is_valid and each.driver.is_simple_expression
           for each in head.data.shape_keys.animation_data.drivers)
"""
    run_blender(SCENE + COMMON + script)


def test_the_chin_follows_the_bone(run_blender):
    script = """
head = added(acted(1))
for key in keys_of(head):
    key.value = 0
head.parent.pose.bones["head"].matrix_basis.identity()
jaw, rest = head.parent.pose.bones["jaw"], shown(head)
place = np.array(jaw.bone.head_local)
chin = np.linalg.norm(rest - place, axis=1).argmin()
assert np.linalg.norm(rest[chin] - place) < 1e-5
assert place[1] < 0.5 * rest[:, 1].min() and place[2] < rest[:, 2].mean()
jaw.location.z = jaw.constraints[0].min_z / 2
assert abs((shown(head) - rest)[chin, 2] - jaw.location.z) < 1e-4
"""
    run_blender(SCENE + COMMON + script)


def test_the_target_turns_both_eyes_as_strongly_as_it_says(run_blender):
    script = """
head = added(acted(40))
rig = head.parent
look = rig.pose.bones["look"]
scene.frame_set(20)
performed = looks(head)
target = rig.matrix_world @ look.matrix.translation
pivots = [(rig.matrix_world @ rig.pose.bones[name].matrix).translation for name in ("eye.L", "eye.R")]
wanted = [(target - each).normalized() for each in pivots]
look["look_at"] = 1.0
rig.update_tag()
assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(looks(head), wanted)), (looks(head), wanted)
assert all(a.angle(b) > 0.05 for a, b in zip(performed, wanted))
look["look_at"] = 0.5
rig.update_tag()
for half, a, b in zip(looks(head), performed, wanted):
    assert 0.2 < half.angle(a) / b.angle(a) < 0.8
look["look_at"] = 0.0
rig.update_tag()
assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(looks(head), performed))
"""
    run_blender(SCENE + COMMON + script)


def test_eyes_turn_no_farther_than_eyes_do(run_blender):
    script = """
from semblance.blender_addon.scene import controls
head = added(acted(1))
look = head.parent.pose.bones["look"]
look["look_at"] = 1.0
ahead = looks(head)[0]
for move, most in (((5, 0, 0), controls.ASIDE), ((-5, 0, 0), controls.ASIDE), ((0, 0, 5), controls.UP),
                   ((0, 0, -5), controls.DOWN)):
    look.location = move
    for each in looks(head):
        assert abs(each.angle(Vector((0, -1, 0))) - most) < 0.02, (move, each)
    side = looks(head)[0]
    assert (side.x * -move[0] if move[0] else side.z * move[2]) > 1, (move, side)
"""
    run_blender(SCENE + COMMON + script)


def test_lids_follow_the_eyes_to_the_target(run_blender):
    """As in tracked performances; what the sliders say of glances counts as far as the target does not."""
    script = """
from semblance.tracking.performances.captures.capture import LOOK, gaze_of
head = added(acted(1))
look, keys = head.parent.pose.bones["look"], keys_of(head)
keys["eyeLookUpLeft"].value = 0.3

def glances():
    return {name: value for name, value in expressed(head).items() if name.startswith("eyeLook")}

assert abs(glances()["eyeLookUpLeft"] - 0.3) < 1e-6 and sum(glances().values()) < 0.31
look["look_at"] = 1.0
for place in ((0.1, 0, -0.05), (-0.06, 0, 0.08)):
    look.location = place
    head.parent.update_tag()
    ahead = looks(head)
    gaze = np.array([[[-np.arcsin(each.z), np.arctan2(-each.x, -each.y)] for each in ahead]])
    told = gaze_of(np.array([list(expressed(head).values())])) * 0.6 / LOOK
    assert np.abs(told - gaze).max() < 0.01, (place, told, gaze)
    assert sum(value > 1e-3 for value in glances().values()) == 4 and min(glances().values()) > -1e-6
    assert sum(glances().values()) > 0.2
look["look_at"] = 0.5
head.parent.update_tag()
assert 0.15 < glances()["eyeLookUpLeft"] < 0.5
assert all(each.driver.is_valid and each.driver.is_simple_expression
           for each in head.data.shape_keys.animation_data.drivers)
"""
    run_blender(SCENE + COMMON + script)


def test_controls_survive_saving_and_linking(run_blender):
    """A library override of the head, with its rig, is moved by its own bones."""
    script = """
head = added(acted(1))
collection = head.users_collection[0].name
file = str(Path("avatar.blend").resolve())
bpy.ops.wm.save_as_mainfile(filepath=file)
bpy.ops.wm.open_mainfile(filepath=file)
head = bpy.data.objects["me"]
head.parent.pose.bones["jaw"].location.z = -1
assert abs(expressed(head)["jawOpen"] - 1) < 1e-4
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
with bpy.data.libraries.load(file, link=True) as (there, here):
    here.collections = [collection]
scene.collection.children.link(here.collections[0])
made = here.collections[0].override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
head = next(each for each in made.all_objects if each.name == "me")
bone = head.parent.pose.bones["jaw"]
bone.location.z = -1
head.parent.pose.bones["look"]["look_at"] = 0.5
assert abs(expressed(head)["jawOpen"] - 1) < 1e-4
"""
    run_blender(SCENE + COMMON + script)
