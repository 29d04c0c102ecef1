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
noted = noting(pixels.scene_linear, lambda picture: picture[..., 0].size)
viewport_pictures.pixels = type("Noted", (), {"scene_linear": staticmethod(noted)})
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
    straight = person_alone(alike) if transparent else alike
    expected = pixels.scene_linear(straight, linear, transparent=transparent)
    assert made[..., 3].max() < 1, "the camera's background picture is laid over opaque hair"
    expected[..., 3] = np.minimum(expected[..., 3], made[..., 3].max())
    np.testing.assert_allclose(made, expected, rtol=1e-6, atol=1e-7)  # BLAS sums other blocks in another order
"""


def test_pictures_are_made_in_small_steps(run_blender):
    run_blender(SCRIPT)


HEADS_IN_SPACE = """
from types import SimpleNamespace
import numpy as np
from semblance.blender_addon.render import viewport_pictures
from semblance.blender_addon.render.layers import Layer

picture = np.ones((2, 3, 4), np.float32)
picture[0, :, 3] = 0.5
head = SimpleNamespace(layer=lambda *_: Layer(picture, np.ones((2, 3), np.float32)))
moment = SimpleNamespace(portrait=None, sight=True, heads=[head])
making = viewport_pictures.shown_of(SimpleNamespace(pictures=(None,), moment=moment))
while not (shown := viewport_pictures.advanced(making)):
    pass
colour = shown.layer.colour
assert colour[1, :, 3].max() < 1, "the camera's background picture is laid over opaque hair"
assert colour[1, :, 3].min() > 0.99 and (colour[0, :, 3] == 0.5).all() and (colour[..., :3] == 1).all()
"""


def test_opaque_hair_is_not_covered_by_the_plate(run_blender):
    run_blender(HEADS_IN_SPACE)


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
view.feed.wanting = False
wishes = []
view._wish = lambda *_: wishes.append(1)
view._notice_view = view._draw_portrait = view._draw_heads = lambda *_: None
made = 0
for _ in range(60):
    view.step()
    made += view._made is not None
    view._made = None
    view.changed = True
    view.draw(None, None)
assert 5 <= made < 60, made
assert made - 1 <= len(wishes) <= made + 1, (len(wishes), made)
"""


def test_an_engine_that_is_quicker_than_the_viewport_does_not_starve_it(run_blender):
    """And it is not asked for pictures that nobody would see."""
    run_blender(QUICK_ENGINE)
