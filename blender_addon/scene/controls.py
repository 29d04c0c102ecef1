# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig's jaw and look-at target: bones that come on top of what sliders and performances do, never into their way.

The jaw bone adds to the jaw's four expressions by shape keys of its own, which have the same shapes and which nothing
else moves. The target turns the eye bones by constraints, as strongly as it says itself, over whatever keys they have;
lids follow the eyes then, by shape keys of the same kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...tracking.heads.head import ARKIT_NAMES
from ..access import armature_of, mesh_of, pose_of, view_layer
from .rig import EYE_BONES, HEAD_BONE, JAW_BONE, LOOK_BONE

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Doubles, Floats

LOOK_AT = "look_at"
"""The target's own property: how far the eyes follow it, 0 to 1."""
JAW_AXES = {"jawOpen": 2, "jawLeft": 0, "jawRight": 0, "jawForward": 1}
"""Along which of the armature's axes the jaw's expressions move the chin."""
JAW_BONE_AXES = (-1.0, -1.0, 1.0)
"""The jaw bone's axes in the armature: x to the subject's right, y forward, z up."""
BY_BONE = "{name}.bone"
"""What the shape key is called by which a bone changes the expression `name`."""
LEAST_REACH = 0.01
"""Share of the head's height by which an expression moves the chin at least."""
LIDS = 0.6
"""Radians that an eye turns for an `eyeLook...` of 1, as in tracked performances, which avatars learn from."""
GLANCES = {
    f"eyeLook{way}{side}": (bone, axis, sign * (1 if axis == "x" else inward))
    for side, bone, inward in (("Left", EYE_BONES[0], 1), ("Right", EYE_BONES[1], -1))
    for way, axis, sign in (("Up", "x", 1), ("Down", "x", -1), ("In", "z", -1), ("Out", "z", 1))
}
"""By which eye, about which axis of its bone and to which side lids are moved; see `rig.eye_channels`."""
UP, DOWN, ASIDE = np.radians((25.0, 30.0, 35.0)).tolist()
"""How far eyes turn towards the target: as far as lids and sockets of footage still show it well."""


def has_controls(rig: bpy.types.Object) -> bool:
    """Tell whether a rig has jaw and target; those of older files have not."""
    bones = pose_of(rig).bones
    return JAW_BONE in bones and LOOK_BONE in bones


def add_controls(made: bpy.types.Object, rig: bpy.types.Object) -> None:
    """Give a head and its rig, which has the head's and the eyes' bones, the jaw and the look-at target."""
    neutral = points_of(made, "Basis")
    height = float(np.ptp(neutral[:, 2]))
    chin = chin_of(made, neutral)
    add_bones(rig, neutral[chin], height)
    reach = {name: reach_of(made, name, chin, LEAST_REACH * height) for name in JAW_AXES}
    for name in JAW_AXES:
        add_key_by_bone(made, rig, name, reach[name])
    limit_jaw(rig, reach)
    for name in EYE_BONES:
        follow_target(rig, name)
    for name, (bone, axis, sign) in GLANCES.items():
        add_key_by_eye(made, rig, name, bone, f"{sign / LIDS:.6g} * {axis}")
    shape_controls(rig, height)


def points_of(made: bpy.types.Object, name: str) -> Floats:
    """Return `[V, 3]` of a shape key, in the armature's axes."""
    keys = mesh_of(made).shape_keys
    assert keys is not None
    points = keys.key_blocks[name].points
    flat = np.zeros(3 * len(points), np.float32)
    points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def chin_of(made: bpy.types.Object, neutral: Floats) -> int:
    """The vertex that shows how the jaw moves: the foremost of those that it moves much."""
    moved = np.linalg.norm(points_of(made, "jawOpen") - neutral, axis=1)
    return int(np.where(moved > 0.8 * moved.max(), neutral[:, 1], np.inf).argmin())


def reach_of(made: bpy.types.Object, name: str, chin: int, least: float) -> float:
    """How far an expression moves the chin along its axis, with its sign; never less than `least`."""
    axis = JAW_AXES[name]
    moved = float(points_of(made, name)[chin, axis] - points_of(made, "Basis")[chin, axis])
    usual = {"jawOpen": -1.0, "jawLeft": 1.0, "jawRight": -1.0, "jawForward": -1.0}[name]
    return float(np.copysign(max(abs(moved), least), moved if abs(moved) > least else usual))


def add_bones(rig: bpy.types.Object, chin: Floats, height: float) -> None:
    """Add the bones: the jaw at the chin, pointing forward, and the target before the eyes, which stays when the head
    turns.
    """
    bones = armature_of(rig).bones
    eyes = np.mean([np.array(bones[name].head_local) for name in EYE_BONES], 0)
    places = {JAW_BONE: (np.array(chin), 0.15), LOOK_BONE: (eyes + np.array([0, -2 * height, 0]), 0.1)}
    objects = view_layer().objects
    before = objects.active
    objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        editable = armature_of(rig).edit_bones
        for name, (place, length) in places.items():
            bone = editable.new(name)
            bone.head, bone.tail = place.tolist(), (place - np.array([0, length * height, 0])).tolist()
            bone.align_roll((0, 0, 1))
            bone.use_deform = False
        editable[JAW_BONE].parent = editable[HEAD_BONE]
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
        objects.active = before
    pose = pose_of(rig).bones
    for name in places:
        pose[name].lock_rotation = pose[name].lock_scale = (True, True, True)
        pose[name].lock_rotation_w = True
    look: Any = pose[LOOK_BONE]
    look[LOOK_AT] = 0.0
    look.id_properties_ui(LOOK_AT).update(
        min=0.0, max=1.0, description="How far the eyes follow the target: 0 not at all, 1 wholly"
    )
    look.property_overridable_library_set(f'["{LOOK_AT}"]', True)


def add_key_by_bone(made: bpy.types.Object, rig: bpy.types.Object, name: str, reach: float) -> None:
    """Add the shape key by which the jaw bone adds to an expression, up to the whole of it."""
    axis = JAW_AXES[name]
    driver = add_driven_key(made, name, least=0.0)
    read_by(driver, "bone", rig, f'pose.bones["{JAW_BONE}"].location[{axis}]')
    driver.expression = f"min(max(bone * {JAW_BONE_AXES[axis] / reach:.6g}, 0), 1 - slider)"


def add_key_by_eye(made: bpy.types.Object, rig: bpy.types.Object, name: str, bone: str, amount: str) -> None:
    """Add the shape key that puts what lids do for the eye's own turn, `amount` of its angles x and z, in the place of
    what the slider says, as far as the eyes follow the target.
    """
    driver = add_driven_key(made, name, least=-1.0)
    read_by(driver, "look", rig, f'pose.bones["{LOOK_BONE}"]["{LOOK_AT}"]')
    for axis in "xz":
        if axis in amount:
            variable = driver.variables.new()
            variable.name, variable.type = axis, "TRANSFORMS"
            target = variable.targets[0]
            target.id, target.bone_target = rig, bone
            target.transform_type, target.transform_space = ("ROT_X" if axis == "x" else "ROT_Z"), "LOCAL_SPACE"
    driver.expression = f"look * (min(max({amount}, 0), 1) - slider)"


def add_driven_key(made: bpy.types.Object, name: str, *, least: float) -> bpy.types.Driver:
    """Add the shape key by which a bone changes an expression, and return its driver, which knows the slider."""
    key = made.shape_key_add(name=BY_BONE.format(name=name), from_mix=False)
    key.points.foreach_set("co", np.ascontiguousarray(points_of(made, name)).ravel())
    key.slider_min, key.slider_max = least, 1.0
    driver = key.driver_add("value").driver  # type: ignore[union-attr]
    keys = mesh_of(made).shape_keys
    assert driver is not None
    assert keys is not None
    read_by(driver, "slider", keys, f'key_blocks["{name}"].value')
    return driver


def read_by(driver: bpy.types.Driver, name: str, owner: bpy.types.ID, path: str) -> None:
    """Let a driver read a value."""
    variable = driver.variables.new()
    variable.name = name
    if isinstance(owner, bpy.types.Key):
        variable.targets[0].id_type = "KEY"
    variable.targets[0].id = owner
    variable.targets[0].data_path = path


def limit_jaw(rig: bpy.types.Object, reach: dict[str, float]) -> None:
    """Let the jaw bone be dragged as far as its expressions go."""
    limit = pose_of(rig).bones[JAW_BONE].constraints.new("LIMIT_LOCATION")
    assert isinstance(limit, bpy.types.LimitLocationConstraint)
    limit.name, limit.owner_space, limit.use_transform_limit = "Reach of the Jaw", "LOCAL", True
    for axis, letter in enumerate("xyz"):
        ends = [0.0, *(JAW_BONE_AXES[axis] * reach[name] for name, own in JAW_AXES.items() if own == axis)]
        setattr(limit, f"use_min_{letter}", True)
        setattr(limit, f"use_max_{letter}", True)
        setattr(limit, f"min_{letter}", min(ends))
        setattr(limit, f"max_{letter}", max(ends))


def follow_target(rig: bpy.types.Object, name: str) -> None:
    """Let an eye look at the target as far as eyes turn, as strongly as the target says."""
    constraints = pose_of(rig).bones[name].constraints
    track, limit = constraints.new("DAMPED_TRACK"), constraints.new("LIMIT_ROTATION")
    assert isinstance(track, bpy.types.DampedTrackConstraint)
    assert isinstance(limit, bpy.types.LimitRotationConstraint)
    track.name, track.target, track.subtarget, track.track_axis = "Look At", rig, LOOK_BONE, "TRACK_Y"
    limit.name, limit.owner_space = "Reach of the Eye", "LOCAL"
    limit.use_limit_x, limit.min_x, limit.max_x = True, -DOWN, UP
    limit.use_limit_z, limit.min_z, limit.max_z = True, -ASIDE, ASIDE
    for each in (track, limit):
        driver = each.driver_add("influence").driver  # type: ignore[union-attr]
        assert driver is not None
        driver.type = "AVERAGE"
        read_by(driver, "look", rig, f'pose.bones["{LOOK_BONE}"]["{LOOK_AT}"]')


def expression_of(head: bpy.types.Object) -> Floats:
    """Return `[52]`: how far an evaluated head's expressions go, by shape keys and bones together; 0 for those that
    it has lost or that are muted.
    """
    keys = mesh_of(head).shape_keys
    if keys is None:
        return np.zeros(len(ARKIT_NAMES), np.float32)
    shown = {key.name: key.value for key in keys.key_blocks if not key.mute}
    both = [shown.get(name, 0.0) + shown.get(BY_BONE.format(name=name), 0.0) for name in ARKIT_NAMES]
    return np.array(both, np.float32)


def shape_controls(rig: bpy.types.Object, height: float) -> None:
    """Draw the jaw as a bow under the chin, the target as a cross in a ring."""
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    ring = np.stack([np.cos(turn), np.zeros(32), np.sin(turn)], -1)
    cross = np.array([[-1, 0, 0], [1, 0, 0], [0, 0, -1], [0, 0, 1]], float)
    around = [(each, (each + 1) % 32) for each in range(32)]
    target = outline("Semblance Target", np.concatenate([ring, cross]), [*around, (32, 33), (34, 35)])
    bow = outline("Semblance Jaw", ring[17:32], [(each, each + 1) for each in range(14)])
    for name, shape, radius, forward in ((JAW_BONE, bow, 0.12, 0.1), (LOOK_BONE, target, 0.08, 0.0)):
        bone = pose_of(rig).bones[name]
        bone.custom_shape, bone.use_custom_shape_bone_size = shape, False
        bone.custom_shape_scale_xyz = (radius * height,) * 3
        bone.custom_shape_translation = (0, forward * height, 0)
        drawn = armature_of(rig).bones[name]
        drawn.show_wire = True
        assert drawn.color is not None
        drawn.color.palette = "THEME09"


def outline(name: str, corners: Doubles, edges: list[tuple[int, int]]) -> bpy.types.Object:
    """Return an object, in no collection, of lines between corners `[N, 3]`."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners.tolist(), edges, [])
    return bpy.data.objects.new(name, mesh)
