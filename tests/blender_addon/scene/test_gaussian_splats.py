# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats that Blender draws follow the head as `SplatCloud.placed` says; and Blender reads our files of them."""

from __future__ import annotations

from textwrap import indent

import pytest
from semblance.neural.rendering.splat_files.export import WRITERS
from semblance.tests.blender_addon.scene.test_head_in_blender import COMMON
from semblance.tests.makers.splats import random_gaussians

pytestmark = pytest.mark.slow

SPLATS = (
    COMMON
    + '''
from semblance.blender_addon import compat
from semblance.blender_addon.scene import gaussian_splats, splat_points
from semblance.common.errors import UserError
from semblance.protocol.splats import Gaussians
from semblance.tests.makers.splats import random_cloud, random_gaussians

def values(made, name, field, width):
    found = np.zeros(len(made.data.attributes["position"].data) * width, np.float32)
    made.data.attributes[name].data.foreach_get(field, found)
    return found.reshape(-1, width)


def drawn(made):
    """The evaluated splats, in the world."""
    final = made.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert final.data.type == "GAUSSIAN_SPLAT"
    world = np.array(final.matrix_world)
    assert np.allclose(world[:3, :3] @ world[:3, :3].T, np.eye(3), atol=1e-5)
    places = values(final, "position", "vector", 3) @ world[:3, :3].T + world[:3, 3]
    base = values(final, "radiance:base", "vector", 4)
    return world[:3, :3], Gaussians(places, values(final, "rotation", "value", 4), values(final, "scale", "vector", 3),
                                    base[:, 3], base[:, :3])


def matrices(q):
    w, x, y, z = q.astype(np.float64).T
    return np.stack([np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
                     np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
                     np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1)], 1)


def follows(made, cloud, vertices, rotation):
    """Compare with the same computed from vertices and rotation of the head in camera space."""
    expected = cloud.placed(vertices, rotation)
    world, found = drawn(made)
    view = np.array(scene.camera.matrix_world)
    places = axes.world_to_camera(found.positions, view)
    assert np.abs(places - expected.positions).max() < 1e-4, np.abs(places - expected.positions).max()
    assert np.allclose(found.scales, expected.scales, rtol=1e-3), np.abs(found.scales / expected.scales - 1).max()
    to_camera = axes.CAMERA_AXES @ view[:3, :3].T @ world
    apart = to_camera @ matrices(found.rotations) - matrices(expected.rotations)
    assert np.abs(apart).max() < 1e-2 and np.median(np.abs(apart)) < 1e-5, np.abs(apart).max()
    assert np.allclose(found.harmonics, cloud.harmonics) and np.allclose(found.opacities, cloud.opacities)
'''
)


@pytest.fixture
def run_splats(run_blender):
    """Run a script in a Blender that draws splats; skip where it is older."""

    def run(script: str, *arguments: object) -> None:
        guarded = f"if reason := compat.why_no_splats():\n    print('SKIP', reason)\nelse:\n{indent(script, '    ')}"
        said = run_blender(SPLATS + guarded, *arguments)
        if "SKIP" in said:
            pytest.skip(said.partition("SKIP ")[2].strip())

    return run


def test_splats_follow_expression_gaze_and_bones(run_splats):
    script = """
head = small_head()
performance = acted(head, 12)
made = added(head, performance)
neutral = head.neutral(performance.identity).astype(np.float32)
cloud = random_cloud(neutral, head.triangles, 4000)
splats = gaussian_splats.make_splats(made, cloud)
assert splats.type == "POINTCLOUD" and splats.parent == made.parent
for index in (0, 5, 11):
    scene.frame_set(scene.frame_start + index)
    follows(splats, cloud, frame_vertices(head, performance, index), performance.rotation[index])
"""
    run_splats(script)


def test_splats_at_rest_are_right_without_their_modifier(run_splats):
    """What is stored is the head at rest, for programs and links that do not evaluate modifiers."""
    script = """
head = small_head()
made = added(head, at_rest(1, head))
neutral = head.neutral(np.zeros(5)).astype(np.float32)
cloud = random_cloud(neutral, head.triangles, 300)
splats = gaussian_splats.make_splats(made, cloud)
scene.frame_set(scene.frame_start)
_, bound = drawn(splats)
splats.modifiers.clear()
_, stored = drawn(splats)
assert np.allclose(bound.positions, stored.positions, atol=1e-6)
assert np.allclose(matrices(bound.rotations), matrices(stored.rotations), atol=1e-3)
assert np.allclose(bound.scales, stored.scales, rtol=1e-3)
"""
    run_splats(script)


def test_a_saved_scene_needs_no_extension(run_splats, tmp_path):
    """Splats follow the head in a Blender that does not know Semblance."""
    script = """
head = small_head()
made = added(head, at_rest(1, head))
neutral = head.neutral(np.zeros(5)).astype(np.float32)
cloud = random_cloud(neutral, head.triangles, 300)
splats = gaussian_splats.make_splats(made, cloud)
assert made.hide_render and splats.name == made.name + " Splats"
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
semblance.unregister()
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
scene = bpy.context.scene
splats = next(each for each in scene.objects if each.type == "POINTCLOUD")
made = next(each for each in scene.objects if each.type == "MESH" and each.data.shape_keys)
made.data.shape_keys.animation_data_clear()
made.parent.animation_data_clear()
_, rest = drawn(splats)
made.data.shape_keys.key_blocks["jawOpen"].value = 1
made.parent.pose.bones["head"].location = (0, 0, 0.5)
bpy.context.view_layer.update()
_, moved = drawn(splats)
basis = head.expression_basis[ARKIT_NAMES.index("jawOpen")]
expected = cloud.placed(axes.points_to_blender(neutral + basis), axes.TO_BLENDER).positions - [0, 0.5, 0]
assert np.abs(moved.positions - expected).max() < 1e-4
assert np.abs(moved.positions - rest.positions).min() >= 0
"""
    run_splats(script, tmp_path / "saved.blend")


def test_renders_leave_out_what_faces_away_from_the_camera(run_splats):
    """Only renders: the evaluated scene is a viewport's, so that the test tells the nodes otherwise."""
    script = """
from semblance.protocol.splats import FACING_AWAY, triangle_frames
head = small_head()
performance = acted(head, 3)
made = added(head, performance)
neutral = head.neutral(performance.identity).astype(np.float32)
cloud = random_cloud(neutral, head.triangles, 2000)
splats = gaussian_splats.make_splats(made, cloud)
scene.frame_set(scene.frame_start + 2)
assert len(drawn(splats)[1].positions) == 2000
tree = splats.modifiers[0].node_group
link = next(each for each in tree.links if each.from_node.bl_idname == "GeometryNodeIsViewport")
socket = link.to_socket
tree.links.remove(link)
socket.default_value = 0
bpy.context.view_layer.update()
vertices = frame_vertices(head, performance, 2)
moved = vertices + cloud.displacements @ performance.rotation[2].T
places = cloud.placed(vertices, performance.rotation[2]).positions
normals = triangle_frames(*(moved[cloud.corners[:, corner]] for corner in range(3)))[:, :, 2]
cosine = (places * normals).sum(-1) / np.linalg.norm(places, axis=-1)
kept = places[cosine < FACING_AWAY]
assert 500 < len(kept) < 1700
found = axes.world_to_camera(drawn(splats)[1].positions, np.array(scene.camera.matrix_world))
assert np.abs(found - kept).max() < 1e-4
scene.camera = None
bpy.context.view_layer.update()
assert len(drawn(splats)[1].positions) == 2000
"""
    run_splats(script)


def test_another_head_is_refused_and_splats_are_replaced(run_splats):
    script = """
head = small_head()
made = added(head, at_rest(1, head))
neutral = head.neutral(np.zeros(5)).astype(np.float32)
cloud = random_cloud(neutral, head.triangles, 50)
from dataclasses import replace
try:
    gaussian_splats.make_splats(made, replace(cloud, rest=cloud.rest[:-1], displacements=cloud.displacements[:-1]))
    raise AssertionError
except UserError as error:
    assert "another head" in str(error)
from semblance.blender_addon.properties import active_head
other = added(head, at_rest(1, head))
assert scene.semblance.head == other
for _ in range(2):
    gaussian_splats.remove_splats(made)
    splats = gaussian_splats.make_splats(made, cloud)
    assert gaussian_splats.splats_of(made) == [splats] and gaussian_splats.splats_of(other) == []
    bpy.context.view_layer.objects.active = splats
    assert active_head(bpy.context) == made
assert len(bpy.data.pointclouds) == 1 and len(bpy.data.node_groups) == 1
"""
    run_splats(script)


def test_the_button_fetches_splats_or_says_what_it_needs(run_blender):
    """In every Blender: where splats cannot be drawn, the button says so and nothing happens."""
    script = """
from semblance.blender_addon.ui import splat_operators
from semblance.blender_addon.ui.splat_operators import SEMBLANCE_OT_to_gaussian_splats as operator
from semblance.blender_addon.engine import jobs
head = small_head()
made = added(head, at_rest(1, head))
cloud = random_cloud(head.neutral(np.zeros(5)), head.triangles, 50)
splat_operators.why_no_engine = lambda place: ""
asked = []


def fetching(place, avatar):
    asked.append(avatar)
    yield jobs.Bar("Reading")
    return cloud


jobs.fetching_splats = fetching
old = compat.why_no_splats()
print("old:", old)
assert operator.disabled_reason(bpy.context) == (old or "performance has no avatar yet: press Build Avatar.")
made.semblance.avatar, made.semblance.kind = "someone", "styleavatar"
assert operator.disabled_reason(bpy.context) == old or "a head in 3D" in operator.disabled_reason(bpy.context)
made.semblance.kind = "radiance"
assert operator.disabled_reason(bpy.context) == old
if old:
    assert "Blender 5.3" in old
    try:
        bpy.ops.semblance.to_gaussian_splats()
        raise AssertionError
    except RuntimeError as error:
        assert "5.3" in str(error)
    assert not asked
else:
    assert bpy.ops.semblance.to_gaussian_splats() == {"FINISHED"}
    assert bpy.ops.semblance.to_gaussian_splats() == {"FINISHED"}
    assert asked == ["someone"] * 2
    assert len(gaussian_splats.splats_of(made)) == 1
"""
    run_blender(SPLATS + script)


@pytest.mark.parametrize("suffix", [".glb", ".gltf", ".spz"])
def test_blender_reads_our_files(run_splats, tmp_path, suffix):
    """Blender's glTF importer, and its Import SPZ node, show the splats upright and looking along -Y."""
    path = tmp_path / f"splats{suffix}"
    path.write_bytes(WRITERS[suffix](random_gaussians(200)))
    script = """
path = sys.argv[1]
if path.endswith(".spz"):
    tree = bpy.data.node_groups.new("read", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    reader, end = tree.nodes.new("GeometryNodeImportSPZ"), tree.nodes.new("NodeGroupOutput")
    reader.inputs["Path"].default_value = path
    tree.links.new(reader.outputs[0], end.inputs[0])
    made = bpy.data.objects.new("read", bpy.data.pointclouds.new("read"))
    scene.collection.objects.link(made)
    made.modifiers.new("read", "NODES").node_group = tree
else:
    bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    bpy.ops.import_scene.gltf(filepath=path)
    made = next(each for each in scene.objects if each.type == "POINTCLOUD")
_, found = drawn(made)
expected = random_gaussians(200)
assert np.allclose(found.positions, expected.positions @ axes.TO_BLENDER.T, atol=1e-5)


def covariances(splats):
    shape = matrices(splats.rotations) * splats.scales[:, None]
    return shape @ shape.transpose(0, 2, 1)


# An importer may exchange a splat's own axes with each other.
ours, theirs = axes.TO_BLENDER @ covariances(expected) @ axes.TO_BLENDER.T, covariances(found)
size = np.trace(ours, axis1=1, axis2=2)[:, None, None]
assert np.abs((ours - theirs) / size).max() < 0.08
assert np.allclose(found.opacities, expected.opacities, atol=3e-3)
assert np.allclose(found.harmonics, expected.harmonics, atol=2e-2)
"""
    run_splats(script, path)
