# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes reach the compositor: UV and texture of the head's mesh, matte of the person, for both kinds of avatar."""

from __future__ import annotations

import numpy as np
import pytest
from semblance.tests.blender_addon.render.space_scene import SCENE
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head

COMPOSITED = """
from semblance.blender_addon.properties import head_settings
scene.view_settings.view_transform = "Raw"
layer = scene.view_layers[0]

def tree():
    if hasattr(scene, "compositing_node_group"):
        made = bpy.data.node_groups.new("Passes", "CompositorNodeTree")
        made.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = made
        return made, made.nodes.new("NodeGroupOutput")
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    return scene.node_tree, scene.node_tree.nodes.new("CompositorNodeComposite")

def shown(output):
    nodes, end = shown.tree
    nodes.links.new(source.outputs[output], end.inputs["Image"])
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"
    scene.render.filepath = str(folder / f"{output}.exr")
    bpy.ops.render.render(write_still=True)
    made = bpy.data.images.load(scene.render.filepath)
    made.colorspace_settings.name = "Non-Color"
    return np.array(made.pixels, np.float32).reshape(96, 128, 4)[::-1]

def painted(place, avatar, inputs, look, broken_off):
    if hasattr(inputs, "camera"):
        return stand_in(place, avatar, inputs, look, broken_off)
    rgba = np.full((1, 64, 64, 4), 90, np.uint8)
    rgba[..., 3] = 255 * (np.hypot(*np.mgrid[-31.5:32, -31.5:32]) < 12)
    return Pictures(rgba)
frame_service.avatar_pictures = painted

shown.tree = tree()
source = shown.tree[0].nodes.new("CompositorNodeRLayers")
assert "Matte" not in [each.name for each in source.outputs if each.enabled]
layer.use_pass_uv = True
layer.semblance.texture = layer.semblance.matte = True
layer.update_render_passes()
print("passes:", [each.name for each in source.outputs if each.enabled])
head = add("red")
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 128, 96, 100
for kind in ("styleavatar", "radiance"):
    head_settings(head).kind = kind
    if kind == "radiance":
        ball((0.03, -0.3, 0.03), 0.02)
    taken = {name: shown(name) for name in ("Image", "UV", "Texture", "Matte")}
    np.savez(folder / f"{kind}.npz", **taken)
"""


@pytest.fixture
def folder(tmp_path):
    performance = at_rest(1, open_head("builtin"), translation=(0, 0, 0.9), camera=PinholeCamera.default(256))
    performance.save(tmp_path / "files" / "performance.npz")
    return tmp_path / "files"


def test_passes_are_there_for_the_compositor(run_blender, folder):
    said = run_blender(SCENE + COMPOSITED, folder)
    assert all(f"'{name}'" in said.split("passes:")[1] for name in ("UV", "Texture", "Matte"))
    for kind in ("styleavatar", "radiance"):
        taken = np.load(folder / f"{kind}.npz")
        uv, texture, matte = taken["UV"], taken["Texture"], taken["Matte"][..., 0]
        on_face = uv[..., 2] > 0.5
        assert 200 < on_face.sum() < 128 * 96 / 2
        assert (uv[on_face][:, :2] >= 0).all()
        assert (uv[on_face][:, :2] <= 1).all()
        rows, columns = np.nonzero(on_face)
        assert np.corrcoef(columns, uv[on_face][:, 0])[0, 1] > 0.9, "u goes from left to right"
        assert np.corrcoef(rows, uv[on_face][:, 1])[0, 1] < -0.9, "v goes up, as in the UV layer"
        covered = texture[..., 3] > 0.5
        assert covered[on_face].all()
        assert texture[covered][:, :3].min() >= 0
        assert 0.02 < texture[covered][:, :3].mean() < 0.9
        assert not texture[~covered].any()
        np.testing.assert_allclose(matte, taken["Image"][..., 3] if kind == "styleavatar" else matte, atol=1e-3)
        assert 0 <= matte.min() < 0.01
        assert 0.99 < matte.max() <= 1.001
    hidden = (matte < 0.01) & (taken["Image"][..., 3] > 0.99)
    assert hidden.sum() > 20, "what stands before the head is no part of its matte"
