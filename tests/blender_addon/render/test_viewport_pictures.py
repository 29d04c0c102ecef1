# SPDX-License-Identifier: GPL-3.0-or-later
"""A viewport's pictures are the render's, and are made in steps of bounded work."""

from __future__ import annotations

SCRIPT = """
import numpy as np
from semblance.blender_addon.render import pixels, viewport_pictures
from semblance.protocol import foreground
from semblance.protocol.foreground import person_alone

random = np.random.default_rng(0)
alike = random.integers(0, 255, (1024, 1024, 4), np.uint8)
linear = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9]], np.float32)
sizes = []
def noting(function, pixels_of):
    def call(values, *others, **named):
        sizes.append(pixels_of(values))
        return function(values, *others, **named)
    return call
viewport_pictures.pixels = type("Noted", (), {"scene_linear": staticmethod(noting(pixels.scene_linear, lambda values: values[..., 0].size))})
foreground.freed = noting(foreground.freed, lambda planes: planes[0].size)
foreground.smooth = noting(foreground.smooth, np.size)
for transparent in (True, False):
    making, most = viewport_pictures.portrait_in_steps(alike, transparent, linear), 0
    while True:
        sizes.clear()
        try:
            next(making)
        except StopIteration as end:
            made = end.value
            break
        most = max(most, sum(sizes))
    assert most <= 1024 * 160, f"{most} pixels in one step of 1024 x 1024"
    straight = (person_alone(alike) if transparent else alike).astype(np.float32) / 255
    np.testing.assert_array_equal(made, pixels.scene_linear(straight, linear, transparent))
"""


def test_pictures_are_made_in_small_steps(run_blender):
    run_blender(SCRIPT)


QUICK_ENGINE = """
from types import SimpleNamespace
import bpy
import numpy as np
import semblance
from semblance.blender_addon.render import viewport, viewport_pictures
from semblance.protocol.pictures import Pictures

semblance.register()
viewport_pictures.SECONDS_A_STEP = 0.0
view = viewport.Viewport(None)
moment = SimpleNamespace(portrait=True, sight=None, transparent=True)

class Feed:
    '''Has another answer whenever it is looked at.'''
    idle, text, steps = False, "", 0
    def step(self):
        self.steps += 1
        picture = np.full((1, 256, 256, 4), min(self.steps, 255), np.uint8)
        self.answer = SimpleNamespace(pictures=(Pictures(picture),), moment=moment)
        return True
    def close(self):
        pass

view.feed = Feed()
made = 0
for _ in range(60):
    view.step()
    made += view._made is not None
    view._made = None
assert 5 <= made < 60, made
"""


def test_an_engine_that_is_quicker_than_the_viewport_does_not_starve_it(run_blender):
    run_blender(QUICK_ENGINE)
