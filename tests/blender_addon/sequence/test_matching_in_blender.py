# SPDX-License-Identifier: GPL-3.0-or-later
"""Match Edge and Color: the avatar's strip gets a modifier that draws its outline in, where Blender has one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

MATCH = """
import bpy
from pathlib import Path
import semblance
from semblance.blender_addon import compat
from semblance.blender_addon.sequence.matching import match_plate
from semblance.blender_addon.sequence.sequencer import Frames, plan_sequence
from semblance.blender_addon.sequence.strips import make_strips
from semblance.common.errors import UserError

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
folder, sequence = Path(sys.argv[1]), bpy.data.scenes.new("Sequence")
make_strips(sequence, plan_sequence(Frames((folder / "disk.png",), (64, 64), 25.0)))
render = sequence.render
render.resolution_x = render.resolution_y = 64
render.film_transparent, render.dither_intensity = True, 0
compat.make_pictures(render.image_settings)
sequence.view_settings.view_transform = "Standard"
def still(name):
    render.filepath = str(folder / name)
    bpy.ops.render.render(write_still=True, scene=sequence.name)
still("plain.png")
try:
    match_plate(sequence)
    match_plate(sequence)
    still("matched.png")
    print("modifiers:", [each.name for each in sequence.sequence_editor.strips[0].modifiers])
except UserError as error:
    print("refused:", error)
print("version:", *bpy.app.version)
bare = bpy.data.scenes.new("Bare")
try:
    match_plate(bare)
except UserError as error:
    print("bare:", error)
semblance.unregister()
"""


def test_the_outline_is_drawn_in(run_blender, tmp_path):
    rows, columns = np.mgrid[0:64, 0:64]
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[np.hypot(rows - 32, columns - 32) < 20] = 200, 120, 60, 255
    Image.fromarray(picture).save(tmp_path / "disk.png")
    said = run_blender(MATCH, tmp_path)
    if "refused:" in said:
        assert "use Blender 5.2 or later" in said
        version = said.partition("version: ")[2].split()[:2]
        assert tuple(map(int, version)) < (5, 2), "a Blender that has it may not refuse"
        pytest.skip("this Blender has no compositor modifier with inputs")
    assert "modifiers: ['Match Plate']" in said
    assert "bare: The scene Bare has no frames of an avatar" in said
    plain, matched = (np.asarray(Image.open(tmp_path / f"{name}.png").convert("RGBA")) for name in ("plain", "matched"))
    covered = [(each[..., 3] > 127).sum() for each in (plain, matched)]
    assert 0.8 < covered[1] / covered[0] < 0.95, "about a pixel of the radius of 20"
    assert np.abs(matched[26:38, 26:38].astype(int) - plain[26:38, 26:38]).max() <= 1
    assert (matched[:8, :8] == 0).all()
