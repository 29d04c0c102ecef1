# SPDX-License-Identifier: GPL-3.0-or-later
"""Self-reenactment compares in one window: a video's motion, on a photo's person, ends on the video's pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from semblance.benchmarks.driven_photo import acted, in_window
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.registry import open_head
from semblance.tracking.heads.rotations import from_angles
from semblance.tracking.performances.maps import frame_vertices
from semblance.tracking.performances.performance import Crop

FRAMES = 5
CROP = Crop(100, 40, 400)


def tracked(**others):
    along = np.linspace(0, 1, FRAMES)
    return at_rest(
        FRAMES,
        open_head("builtin"),
        rotation=from_angles(np.stack([0.1 * along, 0.4 * along, 0 * along], 1)),
        translation=np.stack([0.02 + 0.1 * along, -0.03 + 0 * along, 0.8 + 0.2 * along], 1),
        expression=np.tile(0.6 * along[:, None], (1, 52)),
        camera=PinholeCamera(700, 700, 260, 250, 512, 512),
        crop=CROP,
        **others,
    )


def in_footage(performance, index):
    """Pixels `[V, 2]` of the footage that a frame's vertices lie on."""
    pixels = performance.camera.project(frame_vertices(open_head("builtin"), performance, index))
    return pixels * performance.crop.side / performance.camera.width + [performance.crop.x, performance.crop.y]


def test_another_window_of_the_footage_shows_the_same_pixels():
    moved = in_window(tracked(), Crop(160, 20, 300), 256)
    assert (moved.camera.width, moved.crop.side) == (256, 300)
    assert np.abs(in_footage(moved, 4) - in_footage(tracked(), 4)).max() < 1e-2


def test_a_photo_solved_with_another_lens_follows_the_video_on_the_picture():
    seen = in_window(tracked(), Crop(160, 20, 300), 256)
    lens = replace(seen.camera, fx=seen.camera.fx * 1.5, fy=seen.camera.fy * 1.5)
    first = replace(seen.at(slice(0, 1)), camera=lens)
    still = replace(first, translation=first.translation * np.array([1, 1, 1.5], np.float32))
    done = acted(seen, still)
    assert len(done) == FRAMES
    marks = open_head("builtin").landmarks
    for index in range(FRAMES):
        off = in_footage(done, index)[marks] - in_footage(seen, index)[marks]
        assert np.linalg.norm(off, axis=1).max() < 6  # of 300 pixels: the lens itself changes the perspective


def test_the_pose_begins_with_the_photos_and_the_expression_is_the_videos():
    seen = in_window(tracked(), Crop(160, 20, 300), 256)
    still = replace(seen.at(slice(0, 1)), rotation=from_angles(np.array([[0.2, 0, 0.1]])), expression=np.ones((1, 52)))
    done = acted(seen, still)
    assert np.abs(done.rotation[0] - still.rotation[0]).max() < 1e-6
    assert np.abs(done.rotation[4] - still.rotation[0]).max() > 0.1
    assert (done.expression == seen.expression).all()
