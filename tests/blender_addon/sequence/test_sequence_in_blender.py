# SPDX-License-Identifier: GPL-3.0-or-later
"""Send to Sequencer in Blender: the movie that comes out shows the frames on the plate, at their time, with sound."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image
from semblance.tests.makers.footage import beeps, beginnings, plain, tone, write_video
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.media.footage import Footage
from semblance.tracking.media.plate import write_plate
from semblance.tracking.media.sound import Sound, sound_samples
from semblance.tracking.performances.performance import Crop, Performance
from semblance.tracking.performances.plates import CLEAN, HEADLESS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

COUNT, FPS = 30, 30
FIRST = 6
"""The footage's frame at which the performance begins."""
CROP = Crop(20, 10, 64)

SEND = """
import bpy
import numpy as np
from pathlib import Path
import semblance
from semblance.blender_addon.engine import frame_service
from semblance.blender_addon.render import registration
from semblance.blender_addon.scene import avatar_scene
from semblance.blender_addon.sequence import sequence_scene
from semblance.protocol.pictures import Pictures

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
folder, scene = Path(sys.argv[1]), bpy.context.scene
def stand_in(place, avatar, maps, look, broken_off):
    picture = np.zeros((1, 32, 32, 4), np.uint8)
    picture[:, 8:24, 8:24] = 20 * (scene.frame_current - 1), 200, 60, 255
    return Pictures(picture)
frame_service.avatar_pictures = stand_in
scene.render.fps, scene.frame_end = 15, 10
head = avatar_scene.add_avatar(scene, folder / "performance.npz", avatar="me", name="me")
scene.render.fps, scene.render.fps_base, scene.frame_end = 15, 1, 10
scene.render.filepath = str(folder / "frames" / "f_")
registration.use_renderer(scene)
def sent():
    try:
        bpy.ops.semblance.send_to_sequencer()
    except RuntimeError as error:
        return str(error).strip().removeprefix("Error: ")
    return "sent"
print("nothing rendered:", sent())
bpy.ops.render.render(animation=True)
sent()
print("sent:", sent())
sequence = bpy.data.scenes["Scene Sequence"]
print("strips:", sorted(strip.type for strip in sequence.sequence_editor.strips))
sequence_scene.render_sequence(sequence, folder / "out.mp4")
semblance.unregister()
"""

VIEWPORT = """
from semblance.blender_addon.ui.results import lay_plate
view = head.semblance.camera.data
before = Path(view.background_images[0].image.filepath).name
lay_plate(head)
print("behind:", before, Path(view.background_images[0].image.filepath).name)
semblance.unregister()
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "files"
    (folder / "frames").mkdir(parents=True)
    footage(folder / "footage.mp4")
    performance(folder / "footage.mp4").save(folder / "performance.npz")
    return folder


def footage(path: Path) -> None:
    """A grey video that grows brighter, with a tone."""
    write_video(path, [plain(50 + 5 * number, 96, 128) for number in range(COUNT)], FPS, sound=tone(1))


def performance(source: Path) -> Performance:
    frames = 20
    return at_rest(
        frames,
        open_head("builtin"),
        translation=(0, 0, 1),
        times=(FIRST + np.arange(frames)) / FPS,
        camera=PinholeCamera.default(64),
        crop=CROP,
        fps=FPS,
        source=str(source),
    )


def test_the_movie_shows_the_frames_on_the_plate_at_their_time_with_sound(run_blender, folder):
    said = run_blender(SEND, folder)
    assert "render the animation first" in said
    assert "strips: ['IMAGE', 'MOVIE', 'SOUND']" in said
    with av.open(str(folder / "out.mp4")) as container:
        assert float(container.streams.video[0].average_rate) == FPS
        loud = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    with av.open(str(folder / "out.mp4")) as container:
        shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(shown) == 20  # ten frames at 15 a second are twenty at the plate's 30
    assert np.abs(loud).max() > 0.1
    for number, picture in enumerate(shown):
        assert picture.shape == (96, 128, 3)
        plate = picture[80:94, 100:126]
        assert np.abs(plate - (50 + 5 * (FIRST + number))).max() < 8
        middle, colour = picture[34:50, 44:60], [20 * min(9, round(number / 2 + 1e-6)), 200, 60]
        assert np.abs(np.median(middle, (0, 1)) - colour).max() < 24
        assert np.abs(picture[12:22, 22:34] - (50 + 5 * (FIRST + number))).max() < 12, "the window's rim is transparent"
    edge = shown[4][42, :, 1] > 150
    assert abs(np.flatnonzero(edge)[0] - (20 + 16)) <= 1
    assert abs(np.flatnonzero(edge)[-1] - (20 + 47)) <= 1


UNEVEN = """
import bpy
from pathlib import Path
import semblance
from semblance.blender_addon.scene import avatar_scene
from semblance.blender_addon.sequence import sequence_scene
from semblance.blender_addon.sequence.sequencer import Frames

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
folder, scene = Path(sys.argv[1]), bpy.context.scene
head = avatar_scene.add_avatar(scene, folder / "performance.npz", avatar="me", name="me")
frames = Frames(tuple(sorted((folder / "frames").iterdir())), (32, 32), 15.0)
sequence = sequence_scene.send_to_sequencer(scene, head, frames)
sequence_scene.render_sequence(sequence, folder / "out.mp4")
semblance.unregister()
"""
PAUSE = [*range(0, 400, 40), *range(1200, 2000, 40)]
"""Milliseconds of 30 pictures."""


def test_uneven_footage_of_wide_pixels_has_every_picture_and_beep_at_its_time(run_blender, folder):
    """The plate that tracking writes of it is what the sequence shows and sounds."""
    film = write_video(
        folder / "uneven.mp4",
        [plain(40 + 6 * number, 96, 96) for number in range(30)],
        times=PAUSE,
        sound=beeps([1.2], 2),
        pixel_aspect=Fraction(4, 3),
    )
    seconds = np.array(PAUSE) / 1000
    write_plate(Footage.open(film), seconds, folder / "plate.mp4")
    acted = performance(film).at(np.zeros(30, int))
    replace(acted, times=seconds, fps=15.0, extra={"plate": str(folder / "plate.mp4")}).save(folder / "performance.npz")
    for number in range(30):
        Image.new("RGBA", (32, 32)).save(folder / "frames" / f"f_{number + 1:04d}.png")
    run_blender(UNEVEN, folder)
    with av.open(str(folder / "out.mp4")) as container:
        shown = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert len(shown) == 50
    for time, picture in shown:
        assert picture.shape == (96, 128, 3)
        number = max(n for n, stamp in enumerate(PAUSE) if stamp <= 1000 * time + 5)
        assert picture.mean() == pytest.approx(40 + 6 * number, abs=5)
    heard = np.concatenate(list(sound_samples(Sound(folder / "out.mp4"))), 1)[0]
    assert beginnings(heard) == pytest.approx([1.2], abs=0.05)


def test_a_clean_plate_takes_the_place_of_the_footage(run_blender, folder):
    """Behind the portrait stands what nobody stands in, in the sequence and behind what the camera sees."""
    clean = folder / "clean_plate.png"
    Image.fromarray(plain((30, 90, 160), 96, 128)).save(clean)
    own = performance(folder / "footage.mp4")
    replace(own, extra={CLEAN: str(clean), HEADLESS: str(clean)}).save(folder / "performance.npz")
    said = run_blender(SEND.replace("semblance.unregister()", VIEWPORT), folder)
    assert "strips: ['IMAGE', 'IMAGE', 'SOUND']" in said
    assert "behind: footage.mp4 clean_plate.png" in said
    with av.open(str(folder / "out.mp4")) as container:
        shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(shown) == 10
    for picture in shown:
        assert np.abs(picture[80:94, 100:126] - (30, 90, 160)).max() < 8


LIT = """
import os
import numpy as np
from semblance.tracking.performances.plate_light import gains_over
from semblance.blender_addon.scene import avatar_scene
from semblance.blender_addon.ui.results import lay_plate

light = np.linspace(0.8, 1.2, 12)[:, None, None] * [1.0, 0.9, 0.75] * np.ones((12, 12, 3))
own = avatar_scene.Performance.load(folder / "performance.npz")
clean, view = folder / "clean_plate.png", head.semblance.camera.data


def shown(light):
    avatar_scene.give_avatar(head, "me", {"light": light.reshape(-1, 3).tolist()})
    lay_plate(head)
    image = view.background_images[0].image
    assert sequence_scene.plate_of(head).file == Path(image.filepath), "the viewport and the sequence differ"
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return Path(image.filepath).name, 255 * pixels.reshape(height, width, 4)[::-1, :, :3]


name, plain = shown(np.ones((12, 12, 3)))
assert name == clean.name, name
name, lit = shown(light)
assert name != clean.name
assert np.abs(lit - plain * gains_over(light, own.crop, 128, 96)).max() <= 1, "not in the avatar's light"
assert np.abs(shown(light ** 2)[1] - lit).max() > 5, "another light, as of an avatar that was built again"
blank = bpy.data.images.new("retouched", 128, 96)
blank.filepath_raw, blank.file_format = str(clean), "PNG"
blank.save()
os.utime(clean, (2e9, 2e9))  # retouched later
assert shown(light)[1].max() == 0, "the retouched plate is not shown"
assert not [each for each in folder.iterdir() if ".partial" in each.name]
semblance.unregister()
"""


def test_the_plate_is_in_the_avatar_s_light(run_blender, folder):
    """In the viewport and in the sequence, as `reenact` has it."""
    clean = folder / "clean_plate.png"
    Image.fromarray(plain((30, 90, 160), 96, 128)).save(clean)
    own = performance(folder / "footage.mp4")
    replace(own, extra={CLEAN: str(clean), HEADLESS: str(clean)}).save(folder / "performance.npz")
    start, _, _ = SEND.partition("def sent")
    run_blender(start + LIT, folder)


SIGNED = """
import bpy
from pathlib import Path
from types import SimpleNamespace
import semblance
from semblance.blender_addon.scene import avatar_scene
from semblance.blender_addon.sequence import sequence_scene
from semblance.blender_addon.sequence.sequencer import Frames
from semblance.blender_addon.ui import activity, movie_credentials
from semblance.common.progress import Cancelled
from semblance.protocol.jobs import Mark

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
folder, scene = Path(sys.argv[1]), bpy.context.scene
head = avatar_scene.add_avatar(scene, folder / "performance.npz", avatar="me", name="me")
frames = Frames(tuple(sorted((folder / "frames").iterdir()))[:2], (32, 32), 15.0)
sequence = sequence_scene.send_to_sequencer(scene, head, frames)
assert movie_credentials.mark_job(sequence) is None  # not rendered yet
timers = []
bpy.app.handlers.render_complete[:] = [movie_credentials.movie_is_rendered]
kept = SimpleNamespace(register=lambda call, persistent: timers.append(call))
movie_credentials.bpy = SimpleNamespace(app=SimpleNamespace(timers=kept))
sequence_scene.render_sequence(sequence, folder / "quiet.mp4")
assert timers == []  # without a window
movie_credentials.windows = lambda: [None]
sequence_scene.render_sequence(sequence, folder / "out.mp4")
(call,) = timers
driver = str(folder / "footage.mp4")
wanted = Mark(file=str(folder / "out.mp4"), avatar="me", driver=driver, filmed=True)
assert call.args == (wanted,)
asked = []
def follow(place, request, started):
    asked.append(request)
    yield
    raise Cancelled
movie_credentials.jobs.follow = follow
movie_credentials.why_no_mark = lambda: "there is no engine."
call()
assert activity.message().problem and "out.mp4 is not signed: there is no engine." in activity.message().text
assert asked == []
movie_credentials.why_no_mark = lambda: ""
call()
while activity._memory.errands:
    activity.step()
assert asked == [wanted]
movie_credentials.bpy = bpy
bpy.app.handlers.render_complete.clear()
bpy.app.handlers.render_complete.append(movie_credentials.movie_is_rendered)
scene.render.filepath = str(folder / "other.png")
assert movie_credentials.mark_job(scene) is None
(folder / "footage.mp4").unlink()
(folder / "quiet.mp4").rename(folder / "alone.mp4")
alone = sequence_scene.send_to_sequencer(scene, head, frames)
alone.render.filepath = str(folder / "alone.mp4")
assert movie_credentials.mark_job(alone) == Mark(file=str(folder / "alone.mp4"), avatar="me")  # nothing filmed is left
semblance.unregister()
assert not bpy.app.handlers.render_complete
"""


def test_a_rendered_movie_is_given_to_the_engine_to_sign(run_blender, folder):
    for number in range(2):
        Image.new("RGBA", (32, 32)).save(folder / "frames" / f"f_{number + 1:04d}.png")
    run_blender(SIGNED, folder)
