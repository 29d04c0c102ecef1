# SPDX-License-Identifier: GPL-3.0-or-later
"""How Blender shows each kind of avatar. Nothing else asks which kind one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...common.errors import UserError
from ..properties import head_settings
from ..words import translated
from .evaluated_heads import EvaluatedHead, visible_heads
from .heads_in_space import HeadInSpace
from .portraits import PortraitHead

if TYPE_CHECKING:
    import bpy

KINDS: dict[str, type[EvaluatedHead]] = {
    "styleavatar": PortraitHead,
    "styleunet": PortraitHead,
    "radiance": HeadInSpace,
}
"""By what avatar files call their kind."""


def kind_of(head: bpy.types.Object) -> type[EvaluatedHead]:
    """Return how a head is shown. Raises UserError when its avatar is of a kind that is not known here."""
    kind = head_settings(head).kind
    if kind not in KINDS:
        raise UserError(
            translated(
                "The avatar of {head} is of the kind {kind!r}, which needs a newer Semblance; update it.",
                head=head.name,
                kind=kind,
            )
        )
    return KINDS[kind]


def evaluated_heads(depsgraph: bpy.types.Depsgraph) -> list[EvaluatedHead]:
    """Return the visible heads of an evaluated scene.

    Raises:
        UserError: a head has lost what its frames are made from.
    """
    return [kind_of(shown).read(each) for each in visible_heads(depsgraph) if (shown := each.object)]
