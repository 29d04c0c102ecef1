# SPDX-License-Identifier: GPL-3.0-or-later
"""F12 at the plate's own size and framing: the frame lies in its place in the plate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from semblance.tests.makers.footage import plain, write_video
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.performances.performance import Crop

if TYPE_CHECKING:
    from pathlib import Path

CROP = Crop(30, 12, 60)
WIDTH, HEIGHT, GREY = 128, 96, 90

RENDER = """
import bpy
import numpy as np
from pathlib import Path
import semblance
from semblance.blender_addon.engine import frame_service
from semblance.blender_addon.render import registration
from semblance.blender_addon.scene import avatar_scene
from semblance.protocol.pictures import Pictures

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
scene, folder = bpy.context.scene, Path(sys.argv[1])
asked = []
def stand_in(place, avatar, maps, look, broken_off):
    asked.append(maps.uv[0, ..., 2].copy())
    rows, columns = np.mgrid[0:120, 0:120]
    rgb = np.stack([2 * columns, 2 * rows, np.full_like(rows, 60)], -1)
    alpha = 255 * (np.hypot(rows - 50, columns - 70) < 40)
    return Pictures(np.concatenate([rgb, alpha[..., None]], -1).astype(np.uint8)[None])
frame_service.avatar_pictures = stand_in
head = avatar_scene.add_avatar(scene, folder / "performance.npz", avatar="me", name="me")
registration.use_renderer(scene)
scene.frame_end = scene.frame_start
own = scene.camera
def still(name):
    scene.render.filepath = str(folder / name)
    bpy.ops.render.render(write_still=True)
still("window.png")
bpy.ops.semblance.frame_the_plate()
bpy.ops.semblance.frame_the_plate()
plate = scene.camera
print("plate:", plate.name, plate.parent == own, scene.render.resolution_x, scene.render.resolution_y)
print("cameras:", len(bpy.data.cameras))
still("whole.png")
print("same maps:", np.abs(asked[0] - asked[1]).max() < 1e-3)
behind = plate.data.background_images[0]
print("behind:", [round(value, 3) for value in (behind.scale, *behind.offset)])
plate.data.shift_x += 0.1
still("panned.png")
"""
SEQUENCE = """
from semblance.blender_addon import compat
from semblance.blender_addon.sequence import frame_check, sequence_scene
plate.data.shift_x -= 0.1
for name, camera, size in (("window", own, head.semblance.window), ("plate", plate, (128, 96))):
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = size
    sequence_scene.render_frames(scene, folder / name)
    for each in [each for each in bpy.data.scenes if each != scene]:
        bpy.data.scenes.remove(each)
    sequence = sequence_scene.send_to_sequencer(scene, head, frame_check.rendered_frames(scene, head))
    compat.make_pictures(sequence.render.image_settings)
    sequence.render.filepath = str(folder / f"laid_{name}.png")
    sequence.frame_set(1)
    bpy.ops.render.render(write_still=True, scene=sequence.name)
semblance.unregister()
"""
REMOVE = """
bpy.ops.semblance.remove_avatar()
print("left:", len(bpy.data.cameras), len(bpy.data.objects))
semblance.unregister()
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    write_video(folder / "footage.mp4", [plain(GREY, HEIGHT, WIDTH)] * 5, 25)
    at_rest(
        1,
        open_head("builtin"),
        translation=(0, 0, 1),
        camera=PinholeCamera(250.0, 250.0, 66.0, 58.0, 120, 120),
        crop=CROP,
        source=str(folder / "footage.mp4"),
    ).save(folder / "performance.npz")
    return folder


def expected_alpha(pan: float = 0.0) -> np.ndarray:
    """Where the stand-in's disk lies in the plate."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    return np.hypot(rows - CROP.y - 50.5 / 2, columns + pan - CROP.x - 70.5 / 2) < 20


def test_a_frame_of_the_plate_s_size_has_the_avatar_in_its_place(run_blender, folder):
    said = run_blender(RENDER + REMOVE, folder)
    assert f"plate: me Plate True {WIDTH} {HEIGHT}" in said
    assert "cameras: 2" in said
    assert "same maps: True" in said, "the network is asked for what it has learned"
    assert "behind: [1.0, 0.0, 0.0]" in said
    assert "left: 0 0" in said
    whole = np.asarray(Image.open(folder / "whole.png"))
    assert whole.shape == (HEIGHT, WIDTH, 4)
    assert ((whole[..., 3] > 127) != expected_alpha()).mean() < 0.005
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[CROP.y : CROP.y + CROP.side, CROP.x : CROP.x + CROP.side] = False
    assert (whole[outside] == 0).all()
    panned = np.asarray(Image.open(folder / "panned.png"))
    assert ((panned[..., 3] > 127) != expected_alpha(0.1 * WIDTH)).mean() < 0.01


def test_the_sequence_shows_it_at_the_same_place(run_blender, folder):
    """Rendered in the window of the plate, or in all of it: laid over the plate it is the same picture."""
    run_blender(RENDER + SEQUENCE, folder)
    whole = Image.open(folder / "whole.png")
    by_hand = Image.alpha_composite(Image.new("RGBA", whole.size, (GREY, GREY, GREY, 255)), whole)
    over = np.asarray(by_hand)[..., :3].astype(int)
    rim = np.asarray(whole)[..., 3] - np.uint8(1) < 254  # half transparent: the sequencer and the lens resample apart
    for name in ("plate", "window"):
        laid = np.asarray(Image.open(folder / f"laid_{name}.png").convert("RGB")).astype(int)
        assert laid.shape == over.shape
        apart = np.abs(laid - over).max(-1)
        near = ~widened(rim)
        assert apart[near].max() <= 6, name
        assert apart[~near].mean() < (6 if name == "plate" else 40), name


def widened(mask: np.ndarray) -> np.ndarray:
    """A mask with its neighbours."""
    return np.stack([np.roll(mask, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]).any(0)
