# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn into viewports leaves Blender no hole to fill."""

from __future__ import annotations

SCRIPT = """
import numpy as np
import semblance
semblance.register()
from semblance.blender_addon.render import gpu_views
gpu_views.uploaded = lambda values, kind: values  # needs no GPU
picture = np.ones((2, 3, 4), np.float32)
picture[0, :, 3] = 0.5
sent = gpu_views.texture_of(picture)
assert sent[1, :, 3].max() < 1, "the camera's background picture is laid over opaque hair"
assert sent[1, :, 3].min() > 0.99 and (sent[0, :, 3] == 0.5).all() and (sent[..., :3] == 1).all()
assert (picture[1] == 1).all(), "the picture itself was changed"
semblance.unregister()
"""


def test_opaque_hair_is_not_covered_by_the_plate(run_blender):
    run_blender(SCRIPT)
