# SPDX-License-Identifier: GPL-3.0-or-later
"""Which vertex is the mirror image of which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .skin import MILLIMETRE, RINGS
from .topology import INNER_LIP_LOWER, mirror_of

if TYPE_CHECKING:
    from .anatomy import Anatomy


def mirror_vertices(anatomy: Anatomy, control: np.ndarray) -> np.ndarray:
    """Return `[V]`: the partner of each vertex. `control [468, 3]` are the symmetric landmarks of the skin.

    Where vertices lie in one place (lips that touch, the pole of a shell) positions cannot tell them apart, so the
    parts are paired by their order where they have one.
    """
    partner = np.arange(len(anatomy.vertices))
    skin, spans = anatomy.skin, anatomy.spans
    parted = control.copy()
    parted[list(INNER_LIP_LOWER[1:-1])] += [0, 4 * MILLIMETRE, 0]
    partner[: skin.face] = mirror_of(skin.weights @ parted, 1e-6)

    rings = np.arange(skin.face, len(skin.vertices)).reshape(RINGS, -1)
    partner[rings] = np.roll(rings[:, ::-1], 1, axis=1)

    place = {int(v): k for k, v in enumerate(anatomy.lip_loop)}
    across = np.array([place[int(partner[v])] for v in anatomy.lip_loop])
    bag = np.arange(spans["bag"].start, spans["bag"].stop - 1).reshape(-1, len(across))
    partner[bag] = bag[:, across]
    for name, row in zip(("teeth.upper", "teeth.lower"), anatomy.teeth, strict=True):
        sheet = np.arange(spans[name].start, spans[name].stop).reshape(row.rows, row.columns)
        partner[sheet] = sheet[:, ::-1]
    partner[spans["ear.L"]] = np.arange(spans["ear.R"].start, spans["ear.R"].stop)
    partner[spans["ear.R"]] = np.arange(spans["ear.L"].start, spans["ear.L"].stop)
    for one, other in (("pocket.L", "pocket.R"), ("eye.L", "eye.R"), ("tongue", "tongue")):
        both = sorted({one, other})
        index = np.concatenate([np.arange(spans[name].start, spans[name].stop) for name in both])
        partner[index] = index[mirror_of(anatomy.vertices[index], 1e-6)]
    return partner
