# SPDX-License-Identifier: GPL-3.0-or-later
"""The colour management under which a saved picture is the network's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Color

from ..access import view_settings_of

if TYPE_CHECKING:
    from ...tracking.heads.arrays import Floats

NEUTRAL = (("view_transform", "Standard"), ("look", "None"), ("exposure", 0.0), ("gamma", 1.0))
"""View settings that change no colour; Blender's own default is AgX, which dulls photographs."""


def changes_colours(scene: bpy.types.Scene) -> bool:
    """Tell whether the scene's view settings would change the avatar's colours."""
    view = view_settings_of(scene)
    return view.use_curve_mapping or any(getattr(view, name) != value for name, value in NEUTRAL)


def keep_colours(scene: bpy.types.Scene) -> None:
    """Set the scene's view so that saved pictures have the avatar's colours, without the grain of dithering."""
    view = view_settings_of(scene)
    for name, value in NEUTRAL:
        setattr(view, name, value)
    view.use_curve_mapping = False
    scene.render.dither_intensity = 0.0


def linear_from_rec709() -> Floats:
    """Return `[3, 3]`: linear Rec. 709 to the linear colours that Blender's scenes are in."""
    columns = [Color(primary).from_rec709_linear_to_scene_linear() for primary in np.eye(3).tolist()]
    matrix = np.array(columns, np.float32).T
    return np.eye(3, dtype=np.float32) if np.allclose(matrix, np.eye(3), atol=1e-5) else matrix
