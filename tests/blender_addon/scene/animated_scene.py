# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene with a head that performs: what scripts of several tests begin with."""

from __future__ import annotations

SCENE = """
import bpy
import numpy as np
from pathlib import Path
import semblance
from semblance.blender_addon.animation_properties import animation_settings
from semblance.blender_addon.scene import avatar_scene, driving, takes
from semblance.common.errors import UserError
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.rotations import from_vectors

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
scene = bpy.context.scene
JAW, BLINK, SMILE = (ARKIT_NAMES.index(name) for name in ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft"))

def acted(frames, strength=1.0, **given):
    '''Smooth motion of jaw, lid, smile, head and eyes about a rest.'''
    time = np.arange(frames) / 25.0
    expression = np.zeros((frames, 52), np.float32)
    expression[:, JAW] = strength * np.maximum(np.sin(4 * time), 0) * 0.6
    expression[:, BLINK] = strength * np.maximum(np.sin(7 * time), 0) ** 4
    expression[:, SMILE] = strength * np.maximum(np.sin(3 * time + 1), 0) * 0.5
    return at_rest(frames, load_builtin(), expression=expression,
                   rotation=from_vectors(0.2 * np.sin(2 * time)[:, None] * [0, 1, 0.3]).astype(np.float32),
                   translation=[0, 0, 0.9] + 0.02 * np.sin(time)[:, None],
                   gaze=np.tile(0.2 * np.sin(3 * time)[:, None, None], (1, 2, 2)), **given)

def added(performance, name="me", **given):
    performance.save(f"{name}.npz")
    return avatar_scene.add_avatar(scene, Path(f"{name}.npz").resolve(), name=name, **given)

def drive(head, performance, name, start=1):
    performance.save(f"{name}.npz")
    return driving.drive(scene, head, Path(f"{name}.npz").resolve(), start)

def keys_of(head):
    return head.data.shape_keys.key_blocks

def curve_of(head, path, index=0):
    return next(each for each in takes.curves_of(head) if (each.data_path, each.array_index) == (path, index))

def jaw_curve(head):
    return curve_of(head, 'key_blocks["jawOpen"].value')

def refused(call):
    try:
        call()
    except (RuntimeError, UserError) as error:
        return str(error)
    raise AssertionError("it was not refused")
"""
