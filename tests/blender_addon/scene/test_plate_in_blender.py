# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate behind the head: each picture at its own time, in the shape in which it was tracked."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.tests.makers.footage import plain, tone, write_video
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.plate import write_plate
from semblance.tracking.performances.performance import Crop, Performance

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PAUSE = [*range(0, 400, 40), *range(1200, 2000, 40)]
"""Milliseconds of 30 pictures in 2 s: 15 a second on average, 25 when there is no pause."""

ADD = """
import bpy
from pathlib import Path
import semblance
from semblance.blender_addon.scene import avatar_scene

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
scene = bpy.context.scene
head = avatar_scene.add_avatar(scene, Path(sys.argv[1]))
background = scene.camera.data.background_images[0]
user, image = background.image_user, background.image
print("file:", Path(image.filepath).name)
print("sound:", Path(head.semblance.driver).name)
print("size:", *image.size)
print("place:", background.scale, *background.offset)
for frame in range(scene.frame_start, scene.frame_end + 1):
    scene.frame_set(frame)
    print("shown:", (frame - scene.frame_start) / (scene.render.fps / scene.render.fps_base),
          frame - user.frame_start + user.frame_offset)
semblance.unregister()
"""


def said(printed: str, name: str) -> list[list[str]]:
    """What the script printed under a name."""
    return [line.split()[1:] for line in printed.splitlines() if line.startswith(f"{name}:")]


def acted(source: Path, times: list[float], fps: float, crop: Crop, plate: Path | None = None) -> Performance:
    return at_rest(
        len(times),
        open_head("builtin"),
        translation=(0, 0, 1),
        times=np.array(times),
        camera=PinholeCamera.default(64),
        crop=crop,
        fps=fps,
        source=str(source),
        extra={"plate": str(plate)} if plate else {},
    )


@pytest.mark.parametrize("plated", [False, True], ids=["footage", "plate"])
def test_uneven_pictures_are_shown_at_their_time(run_blender, tmp_path: Path, plated: bool) -> None:
    film = write_video(tmp_path / "film.mp4", [plain(90)] * 30, times=PAUSE, sound=tone(2))
    seconds = [stamp / 1000 for stamp in PAUSE]
    plate = tmp_path / "plate.mp4" if plated else None
    if plate:
        write_plate(Footage.open(film), np.array(seconds), plate)
    acted(film, seconds, 15.0, Crop(0, 0, 64), plate).save(tmp_path / "performance.npz")
    printed = run_blender(ADD, tmp_path / "performance.npz")
    assert said(printed, "file") == said(printed, "sound") == [["plate.mp4" if plated else "film.mp4"]]
    shown = said(printed, "shown")
    assert len(shown) >= 29
    for time, number in shown:
        assert float(number) / 25 == pytest.approx(float(time), abs=0.5 / 25 + 1e-6)


def test_wide_pixels_have_the_place_and_shape_of_square_ones(run_blender, tmp_path: Path) -> None:
    crop, seconds = Crop(30, 4, 56), [number / 25 for number in range(10)]
    wide = write_video(tmp_path / "wide.mp4", [plain(90, 64, 96)] * 10, pixel_aspect=Fraction(4, 3))
    write_plate(Footage.open(wide), np.array(seconds), tmp_path / "plate.mp4")
    square = write_video(tmp_path / "square.mp4", [plain(90, 64, 128)] * 10)
    places = []
    for film, plate in ((wide, tmp_path / "plate.mp4"), (square, None)):
        acted(film, seconds, 25.0, crop, plate).save(tmp_path / "performance.npz")
        printed = run_blender(ADD, tmp_path / "performance.npz")
        places.append((said(printed, "size"), said(printed, "place")))
    assert places[0] == places[1]
    assert places[0][0] == [["128", "64"]]


def test_a_plate_that_is_gone_gives_way_to_the_footage(run_blender, tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", [plain(90)] * 10)
    seconds = [number / 25 for number in range(10)]
    acted(film, seconds, 25.0, Crop(0, 0, 64), tmp_path / "gone.mp4").save(tmp_path / "performance.npz")
    assert said(run_blender(ADD, tmp_path / "performance.npz"), "file") == [["film.mp4"]]
