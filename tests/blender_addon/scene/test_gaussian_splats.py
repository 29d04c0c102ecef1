# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats that Blender draws follow the head as `SplatCloud.placed` says; and Blender reads our files of them."""

from __future__ import annotations

import pytest
from semblance.neural.rendering.splat_files.export import WRITERS
from semblance.tests.blender_addon.scene.test_head_in_blender import COMMON
from semblance.tests.makers.splats import random_gaussians

SPLATS = (
    COMMON
    + '''
from semblance.blender_addon import compat
from semblance.blender_addon.scene import gaussian_splats, splat_points
from semblance.common.errors import UserError
from semblance.protocol.splats import Gaussians
from semblance.tests.makers.splats import random_cloud, random_gaussians

WIDTHS = {"vector": 3, "value": 4}


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
    view = np.array(made.parent.children[0].semblance.camera.matrix_world) if False else np.array(scene.camera.matrix_world)
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
        start = "if reason := compat.why_no_splats():\n    print('SKIP', reason)\n    raise SystemExit(0)\n"
        # An exit from the script would leave Blender's registered classes behind, which may hang it.
        guarded = "if reason := compat.why_no_splats():\n    print('SKIP', reason)\nelse:\n" + "".join(
            f"    {line}\n" if line else "\n" for line in script.splitlines()
        )
        del start
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
