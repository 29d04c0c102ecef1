# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame that Blender renders is the frame that the engine makes by itself of the same performance frame.

Nothing is replaced: a real engine process, a real network (untrained), Blender's gpu module against moderngl.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from semblance.neural.avatar import Avatar
from semblance.neural.avatar_file import Provenance, describe
from semblance.neural.radiance.networks import network_config
from semblance.neural.radiance.splats.network import SplatNetwork
from semblance.neural.radiance.splats.placement import place_splats
from semblance.neural.radiance.surfaces import surface_of
from semblance.neural.rendering.frames import frames_of
from semblance.neural.styleavatar.kind import portrait_network
from semblance.neural.styleavatar.training.presets import PREVIEW
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.heads.rotations import from_vectors

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.tracking.heads.head import MorphableHead
    from semblance.tracking.performances.performance import Performance

FRAMES = 4
MEAN, MOST = 1 / 255, 8.5 / 255
"""How far apart the two frames may be."""
ON_AN_EDGE = 2
"""Pixels of a map that may fall to the other side of an edge: Blender's vertices are float32 of another frame of
reference, so that edges lie up to 5e-5 pixels elsewhere."""
RENDER = """
import bpy, os
import numpy as np
from pathlib import Path
import semblance
from semblance.blender_addon.render import gpu_maps, registration
from semblance.blender_addon.scene import avatar_scene
from semblance.blender_addon.sequence import sequence_scene

performance, head_path, folder, kind = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
drawn, draw = [], gpu_maps.MapPainter.draw
def seen(painter, *what):
    drawn.append(draw(painter, *what))
    return drawn[-1]
gpu_maps.MapPainter.draw = seen

bpy.ops.wm.read_factory_settings(use_empty=True)
semblance.register()
scene = bpy.context.scene
head = avatar_scene.add_avatar(scene, Path(performance), head_path=Path(head_path) if head_path else None)
avatar_scene.give_avatar(head, "me", {"kind": kind})
registration.use_renderer(scene)
scene.render.film_transparent = kind == "radiance"
sequence_scene.render_frames(scene, folder)
np.savez(folder / "maps.npz", uv=[maps.uv[0] for maps in drawn], texture=[maps.texture[0] for maps in drawn])
semblance.unregister()
"""


def lively(head: MorphableHead) -> Performance:
    """A person who moves everything a head can."""
    random = np.random.default_rng(3)
    turn = random.normal(0, 0.25, (FRAMES, 3))
    return at_rest(
        FRAMES,
        head,
        identity=random.normal(0, 0.5, len(head.identity_basis)).astype(np.float32),
        texture=random.normal(0, 0.3, len(head.texture_basis)).astype(np.float32),
        expression=random.uniform(0, 0.6, (FRAMES, 52)),
        rotation=from_vectors(turn),
        translation=np.array([0, 0, 0.9]) + random.normal(0, 0.02, (FRAMES, 3)),
        gaze=random.normal(0, 0.2, (FRAMES, 2, 2)),
        camera=PinholeCamera(640.0, 640.0, 131.0, 124.5, 256, 256),
    )


def untrained(performance: Performance, head_path: Path | None) -> Avatar:
    """An avatar whose network nobody trained: it turns maps into noise, the same noise every time."""
    torch.manual_seed(5)
    sizes = PREVIEW.network
    network = portrait_network(sizes.to_json()).eval().requires_grad_(False)
    return avatar_of(network, sizes.to_json(), performance, resolution=sizes.resolution, head_path=head_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["builtin", "faceverse-v3"])
def test_blender_renders_the_engines_frame(name, run_blender, engine_python, request, tmp_path):
    head_path = request.getfixturevalue("faceverse_like_file") if name == "faceverse-v3" else None
    head = open_head(name, head_path)
    performance = lively(head)
    performance.save(tmp_path / "performance.npz")
    avatar = untrained(performance, head_path)
    avatar.save(tmp_path / "home" / "avatars" / "me.safetensors")

    home = {"SEMBLANCE_HOME": str(tmp_path / "home"), "SEMBLANCE_ENGINE_PYTHON": str(engine_python)}
    frames = tmp_path / "frames"
    run_blender(RENDER, tmp_path / "performance.npz", head_path or "", frames, "styleavatar", environment=home)

    drawn = np.load(frames / "maps.npz")
    files = sorted(frames.glob("*.png"))
    assert len(files) == FRAMES
    for frame in frames_of(avatar, performance, range(FRAMES), head=head):
        assert frame.inputs.uv[..., 2].mean() > 0.02, "the head is out of the picture"
        assert pixels_apart(drawn["uv"][frame.index], frame.inputs.uv[0], 1e-4) <= ON_AN_EDGE
        assert pixels_apart(drawn["texture"][frame.index], frame.inputs.texture[0], 1e-3) <= ON_AN_EDGE
        rendered = np.asarray(Image.open(files[frame.index]), np.float32) / 255
        difference = np.abs(rendered[..., :3] - frame.rgba[..., :3] / 255)
        assert frame.rgba[..., :3].std() > 5, "the frame shows nothing"
        assert difference.mean() < MEAN
        assert difference.max() <= MOST


def speckled(performance: Performance) -> Avatar:
    """A head in 3D of splats in random colours that answer to expression, pose and light."""
    torch.manual_seed(5)
    surface = surface_of(open_head("builtin"), performance.identity)
    network = SplatNetwork.placed(place_splats(surface, 25_000), surface.rest, 52, turned=False)
    with torch.no_grad():
        for each, spread in ((network.colour_logits, 1.5), (network.colour_bases, 0.5), (network.light, 0.2)):
            each.normal_(0, spread)
        network.opacity_logits.add_(2)
    said = describe(
        performance,
        kind="radiance",
        network=network_config(network),
        resolution=256,
        preset="preview",
        picture=np.zeros((8, 8, 3), np.uint8),
        provenance=Provenance(),
    )
    return Avatar(network.eval().requires_grad_(False), said)


@pytest.mark.slow
def test_blender_renders_the_engines_head_in_3d(run_blender, engine_python, tmp_path):
    performance = lively(open_head("builtin"))
    performance.save(tmp_path / "performance.npz")
    avatar = speckled(performance)
    avatar.save(tmp_path / "home" / "avatars" / "me.safetensors")

    home = {"SEMBLANCE_HOME": str(tmp_path / "home"), "SEMBLANCE_ENGINE_PYTHON": str(engine_python)}
    frames = tmp_path / "frames"
    run_blender(RENDER, tmp_path / "performance.npz", "", frames, "radiance", environment=home)

    files = sorted(frames.glob("*.png"))
    assert len(files) == FRAMES
    for frame in frames_of(avatar, performance, range(FRAMES)):
        rendered, expected = (over_grey(each) for each in (np.asarray(Image.open(files[frame.index])), frame.rgba))
        assert (frame.rgba[..., 3] > 128).mean() > 0.05, "the head is out of the picture"
        assert expected.std() > 0.05, "the frame shows nothing"
        difference = np.abs(rendered - expected)
        assert difference.mean() < MEAN / 4
        assert np.quantile(difference, 0.999) <= MOST


def over_grey(rgba: np.ndarray) -> np.ndarray:
    """A picture over grey, 0 to 1: where it is transparent, its colour does not count."""
    colour, alpha = rgba[..., :3] / 255, rgba[..., 3:] / 255
    return colour * alpha + 0.5 * (1 - alpha)


def pixels_apart(one: np.ndarray, other: np.ndarray, tolerance: float) -> int:
    """How many pixels of two maps differ by more than the tolerance."""
    return int((np.abs(one - other) > tolerance).any(-1).sum())
