# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver's performance becomes frames of the avatar: at a constant rate, with sound, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.progress import Cancelled
from semblance.neural import avatar as avatar_module
from semblance.neural.avatar import Avatar
from semblance.neural.kinds import KINDS
from semblance.neural.rendering.frames import RenderedFrame, frames_of
from semblance.neural.rendering.reenact import driven, panel_picture, reenact
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.protocol.inputs import PosedMesh
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.footage import plain, tone, write_video
from semblance.tests.makers.networks import Mirror
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES, Eyeball, MorphableHead
from semblance.tracking.performances.performance import Crop, Performance

if TYPE_CHECKING:
    from pathlib import Path

FPS = 25.0


def ball() -> MorphableHead:
    """A grey ball of 10 cm; jawOpen stretches it downward."""
    rows, columns = np.meshgrid(np.linspace(0, np.pi, 12), np.linspace(0, 2 * np.pi, 24), indexing="ij")
    points = np.stack([np.sin(rows) * np.sin(columns), -np.cos(rows), -np.sin(rows) * np.cos(columns)], -1)
    grid = np.arange(rows.size).reshape(rows.shape)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    mean = 0.1 * points.reshape(-1, 3).astype(np.float32)
    expression = np.zeros((len(ARKIT_NAMES), len(mean), 3), np.float32)
    expression[ARKIT_NAMES.index("jawOpen"), :, 1] = np.maximum(0, mean[:, 1])
    return MorphableHead(
        name="builtin",
        mean=mean,
        identity_basis=np.zeros((2, len(mean), 3), np.float32),
        expression_basis=expression,
        texture_mean=np.full_like(mean, 0.6),
        texture_basis=np.zeros((1, len(mean), 3), np.float32),
        triangles=triangles.astype(np.int32),
        uvs=np.stack([columns, rows], -1).reshape(-1, 2).astype(np.float32) / (2 * np.pi),
        uv_mask=np.ones(len(mean), np.float32),
        landmarks=np.zeros(478, np.int32),
        eyeballs=(Eyeball(0, 1), Eyeball(1, 2)),
    )


def performance(frames: int = 10, identity: float = 0.5) -> Performance:
    expression = np.zeros((frames, len(ARKIT_NAMES)), np.float32)
    expression[:, ARKIT_NAMES.index("jawOpen")] = np.linspace(0, 1, frames) ** 4
    return at_rest(
        frames,
        identity=np.array([identity, 0], np.float32),
        expression=expression,
        translation=(0, 0, 1),
        camera=PinholeCamera.default(256),
        crop=Crop(0, 0, 64),
        fps=FPS,
    )


@pytest.fixture(autouse=True)
def simple_parts(monkeypatch):
    monkeypatch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda config: Mirror()))
    monkeypatch.setattr(avatar_module, "open_head", lambda name, path=None: ball())


@pytest.fixture
def avatar(tmp_path) -> Path:
    path = tmp_path / "avatar.safetensors"
    avatar_of(Mirror(), {}, performance()).save(path)
    return path


@pytest.fixture
def footage(tmp_path) -> Path:
    """A video of ten frames, each brighter than the last, with a tone."""
    pictures = (plain(20 * index + 20) for index in range(10))
    return write_video(tmp_path / "footage.mp4", pictures, sound=tone(0.5))


def saved(performance: Performance, folder: Path) -> Path:
    performance.save(folder / "driver.npz")
    return folder / "driver.npz"


def decoded(path: Path) -> tuple[np.ndarray, list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), [frame.time for frame in frames]


def test_a_driver_becomes_a_video_with_its_sound_and_panels(avatar, footage, tmp_path):
    driver = saved(replace(performance(identity=-1), source=str(footage)), tmp_path)
    heard = []
    reenact(avatar, driver, tmp_path / "out.mp4", panels=tmp_path / "panels.mp4", listener=heard.append)
    frames, times = decoded(tmp_path / "out.mp4")
    np.testing.assert_allclose(times, np.arange(10) / FPS, atol=1e-3)
    lowest = [np.flatnonzero(frame.max((1, 2)) > 60).max() for frame in frames]
    assert lowest[-1] > lowest[0] + 20, "the mouth opens"
    panels, _ = decoded(tmp_path / "panels.mp4")
    assert panels.shape[1:] == (256, 4 * 256, 3)
    np.testing.assert_allclose(panels[:, 100, 100, 0], 20 * np.arange(10) + 20, atol=3)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio
    assert heard[-1].fraction == 1
    assert heard[-1].stage == "Rendering"
    assert heard[3].seconds_left > 0


def test_what_goes_beyond_the_training_is_said_in_one_sentence(tmp_path):
    calm = replace(performance(40), expression=0.1 * performance(40).expression)
    avatar_of(Mirror(), {}, calm).save(tmp_path / "calm.safetensors")
    driver = saved(performance(identity=-1), tmp_path)
    said = reenact(tmp_path / "calm.safetensors", driver, tmp_path / "out.mp4")
    assert said == "Frames 8-9 go beyond what the avatar was trained on (farthest: jaw open 1.00, trained to 0.10)."
    assert not reenact(tmp_path / "calm.safetensors", saved(calm, tmp_path), tmp_path / "out.mp4")


def test_footage_whose_sound_nothing_decodes_is_reenacted_without_and_says_so(avatar, footage, tmp_path):
    data = footage.read_bytes()
    footage.write_bytes(data.replace(b"mp4a", b"apac").replace(b"esds", b"free"))
    heard = []
    driver = saved(replace(performance(identity=-1), source=str(footage)), tmp_path)
    reenact(avatar, driver, tmp_path / "out.mp4", listener=heard.append)
    assert "The sound of footage.mp4 cannot be decoded and is left out." in heard[0].message
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio
        assert container.streams.video[0].frames == 10


def test_a_capture_drives_without_footage(avatar, tmp_path):
    capture = tmp_path / "capture.json"
    capture.write_text(json.dumps([{"time": frame / 25, "jawOpen": frame / 10} for frame in (0, 1, 2, 5, 6)]))
    heard = []
    reenact(avatar, capture, tmp_path / "out.mp4", panels=tmp_path / "panels.mp4", listener=heard.append)
    frames, _ = decoded(tmp_path / "out.mp4")
    assert len(frames) == 7, "dropped frames are filled"
    assert "2 dropped frames are interpolated." in heard[0].message
    panels, _ = decoded(tmp_path / "panels.mp4")
    assert panels.shape[1:] == (256, 3 * 256, 3), "maps and avatar, and no driver's picture"


@pytest.mark.parametrize(("background", "channels"), [(True, 3), (False, 4)])
def test_pictures_have_the_own_background_or_alpha(avatar, tmp_path, background, channels):
    reenact(avatar, saved(performance(2), tmp_path), tmp_path / "frames", background=background)
    picture = np.asarray(Image.open(tmp_path / "frames" / "000002.png"))
    assert picture.shape == (256, 256, channels)
    if not background:
        assert picture[128, 128, 3] == 255
        assert picture[2, 2, 3] == 0


def test_a_frame_is_the_same_alone_and_in_company(avatar):
    subject = Avatar.load(avatar)
    motion = driven(subject, performance())
    together = list(frames_of(subject, motion, range(len(motion))))
    assert [frame.index for frame in together] == list(range(10))
    [alone] = frames_of(subject, motion, [7])
    np.testing.assert_array_equal(alone.rgba, together[7].rgba)
    np.testing.assert_array_equal(alone.inputs.uv, together[7].inputs.uv)


def test_the_same_person_is_not_retargeted(avatar):
    own = performance()
    own.expression[:, 0] = 0.4
    moved = driven(Avatar.load(avatar), own)
    np.testing.assert_array_equal(moved.expression, own.expression)
    np.testing.assert_array_equal(moved.times, own.times)


def test_another_person_is_retargeted_unless_told_otherwise(avatar):
    other = performance(identity=-1)
    other.expression[:, 0] = 0.4
    other.translation[:, 2] = 3
    subject = Avatar.load(avatar)
    relative, absolute = driven(subject, other), driven(subject, other, absolute=True)
    assert relative.expression[:, 0].max() < 0.01
    np.testing.assert_allclose(relative.translation[:, 2], 1, atol=1e-5)
    np.testing.assert_array_equal(absolute.expression, other.expression)
    np.testing.assert_array_equal(absolute.translation, other.translation)
    for moved in (relative, absolute):
        np.testing.assert_array_equal(moved.identity, np.float32([0.5, 0]))


def test_uneven_times_become_a_constant_rate(avatar):
    uneven = replace(performance(), times=np.array([0, 1, 2, 5, 6, 7, 8, 9, 10, 11]) / FPS + 0.5)
    moved = driven(Avatar.load(avatar), uneven)
    np.testing.assert_allclose(moved.times, np.arange(12) / FPS)
    jaw = ARKIT_NAMES.index("jawOpen")
    np.testing.assert_allclose(moved.expression[[0, 2, 5, 11], jaw], uneven.expression[[0, 2, 3, 9], jaw], atol=1e-5)
    between = uneven.expression[2, jaw] + (uneven.expression[3, jaw] - uneven.expression[2, jaw]) / 3
    assert moved.expression[3, jaw] == pytest.approx(between, abs=1e-5)


@pytest.mark.parametrize("name", ["out.mp4", "frames"])
def test_a_cancelled_reenactment_leaves_nothing(avatar, tmp_path, name):
    def cancel(progress):
        if progress.done >= 4:
            raise Cancelled

    driver = saved(performance(), tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        reenact(avatar, driver, tmp_path / name, listener=cancel)
    assert sorted(tmp_path.iterdir()) == before


def test_a_performance_of_another_head_is_refused(avatar):
    foreign = replace(performance(), head="faceverse-v3")
    with pytest.raises(UserError, match="faceverse-v3"):
        list(frames_of(Avatar.load(avatar), foreign, [0]))


@pytest.mark.parametrize("driver", ["missing.npz", "missing.mp4", "."])
def test_a_driver_that_is_none_is_refused(avatar, tmp_path, driver):
    with pytest.raises(UserError):
        reenact(avatar, tmp_path / driver, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_the_avatar_is_laid_over_the_clean_plate_that_it_brings(footage, tmp_path):
    path, plate = tmp_path / "avatar.safetensors", plain((10, 120, 240), 256, 256)
    avatar_of(Mirror(), {}, performance(), plate=plate).save(path)
    assert np.array_equal(Avatar.load(path).plate, plate)
    driver = saved(performance(3), tmp_path)
    shown = {}
    for name, options in {"plate": {}, "own": {"plate": False}, "nothing": {"background": False}}.items():
        reenact(path, driver, tmp_path / name, **options)
        shown[name] = np.asarray(Image.open(sorted((tmp_path / name).glob("*.png"))[0])).astype(int)
    alpha = shown["nothing"][..., 3]
    assert (shown["plate"][alpha == 0] == (10, 120, 240)).all()
    assert np.array_equal(shown["plate"][alpha == 255], shown["own"][..., :3][alpha == 255])
    assert (alpha == 255).mean() > 0.02
    assert (shown["own"][alpha == 0] != (10, 120, 240)).any()


def test_a_heads_panel_has_its_soft_edge_over_black():
    """Straight alpha: beyond the outline, colours go on where nothing is."""
    nothing = np.zeros((1, 3), np.float32)
    posed = PosedMesh(nothing[None], nothing, nothing, nothing, nothing)
    rgba = np.full((64, 64, 4), 200, np.uint8)
    rgba[..., 3] = np.linspace(0, 255, 64)
    shown = panel_picture(RenderedFrame(0, posed, rgba), at_rest(1, ball()), None)
    assert shown.shape == (64, 64, 3)
    assert shown[10, 0].max() == 0
    assert 90 < shown[10, 32].max() < 110
    assert shown[10, 63].min() == 200
