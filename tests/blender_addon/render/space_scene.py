# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene with heads in 3D, painted by a stand-in for the engine process: what scripts of several tests begin with."""

from __future__ import annotations

SCENE = """
import bpy, os
import numpy as np
from dataclasses import astuple
from mathutils import Matrix, Vector
from pathlib import Path
import semblance
from semblance.blender_addon.engine import frame_service
from semblance.blender_addon.render import registration, render_engine
from semblance.blender_addon.render.layers import Layer
from semblance.blender_addon.scene import avatar_scene, axes
from semblance.common.errors import UserError
from semblance.protocol.pictures import Pictures

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
scene = bpy.context.scene
folder = Path(sys.argv[1])
COLOURS = {"red": [200, 40, 40], "blue": [40, 40, 200]}
sent, written = [], []

def stand_in(place, avatar, inputs, look, broken_off):
    '''A disc of a constant angle about the middle of the head.'''
    sent.append(inputs)
    fx, fy, cx, cy, width, height = inputs.camera[0]
    middle = inputs.vertices[0].mean(0)
    x, y = np.arange(int(width)) + 0.5, np.arange(int(height))[:, None] + 0.5
    inside = np.hypot((x - cx) / fx - middle[0] / middle[2], (y - cy) / fy - middle[1] / middle[2]) < 0.06
    rgba = np.zeros((1, int(height), int(width), 4), np.uint8)
    rgba[0, inside] = [*COLOURS[avatar], 255]
    return Pictures(rgba, np.where(inside, middle[2], 0).astype(np.float32)[None])
frame_service.avatar_pictures = stand_in

write = render_engine.SemblanceRenderEngine.write
def seen(self, passes, depsgraph, view, **given):
    written.append(Layer(passes["Combined"], passes["Depth"]))
    write(self, passes, depsgraph, view, **given)
render_engine.SemblanceRenderEngine.write = seen

def add(avatar):
    made = avatar_scene.add_avatar(scene, folder / "performance.npz", name=avatar)
    avatar_scene.give_avatar(made, avatar, {"kind": "radiance"})
    return made

def still(name, width=64, height=64):
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.filepath = str(folder / name)
    bpy.ops.render.render(write_still=True)
    return written[-1]

def ball(place, radius, name="Ball", colour=(0.0, 1.0, 0.0, 1.0)):
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=place)
    made = bpy.context.object
    made.name = name
    made.data.materials.append(bpy.data.materials.new(name))
    made.data.materials[0].diffuse_color = colour
    return made

registration.use_renderer(scene)
"""
