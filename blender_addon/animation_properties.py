# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head keeps for animators: how it follows a performance, and the sliders that move both sides of the face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, PointerProperty

from .access import scene_of
from .properties import CHANGEABLE
from .scene.face_regions import SLIDERS, TITLES
from .words import CONTEXT

if TYPE_CHECKING:
    from .scene.face_regions import Slider

FOLLOWING = {**TITLES, "head": "Head"}
"""What follows a performance with a strength of its own."""
PLACE = "semblance_animation"


class SemblanceAnimation(bpy.types.PropertyGroup):
    """What animators choose on a head.

    For each region it has `strength_REGION` and `smoothing_REGION` (seconds); for each mirrored pair of expressions, by
    its name without a side, a slider that moves both. Those sliders are never keyed themselves: the shape keys are.
    """

    if TYPE_CHECKING:
        offset: int
        speed: float
        symmetry: bool
        pin_reach: int
    else:
        offset: IntProperty(
            **CHANGEABLE,
            name="Start Offset",
            description="Frames by which a performance begins later than the current frame",
        )
        speed: FloatProperty(
            **CHANGEABLE,
            name="Speed",
            description="How many times as fast as it was recorded a performance is",
            default=1.0,
            min=0.1,
            max=10.0,
            step=10,
        )
        symmetry: BoolProperty(
            **CHANGEABLE,
            name="Symmetry",
            description="One slider moves the left and the right side of the face",
            default=True,
        )
        pin_reach: IntProperty(
            **CHANGEABLE,
            name="Reach",
            description="Frames before and after a pinned one that change with it, less and less",
            default=5,
            min=0,
            max=250,
            soft_max=50,
        )


def pair_property(pair: Slider) -> Any:
    """The slider of a mirrored pair: it shows the left side's value."""

    def shown(settings: SemblanceAnimation) -> float:
        key = key_of(settings, pair.names[0])
        return key.value if key else 0.0

    def move(settings: SemblanceAnimation, value: float) -> None:
        for key in filter(None, (key_of(settings, name) for name in pair.names)):
            key.value = value
            key_where_wanted(key)

    return FloatProperty(
        name=pair.label,
        translation_context=CONTEXT,
        description="Moves the left and the right side; to key it, press the key beside it",
        min=0.0,
        max=1.0,
        get=shown,
        set=move,
        options=set(),
    )


def key_where_wanted(key: bpy.types.ShapeKey) -> None:
    """Keyframe an expression where Blender does so by itself (*Auto Keying*)."""
    if scene_of(bpy.context).tool_settings.use_keyframe_insert_auto:
        key.keyframe_insert("value", group="Expression")


def key_of(settings: bpy.types.PropertyGroup, name: str) -> bpy.types.ShapeKey | None:
    """The shape key of the head that has these settings."""
    data = getattr(settings.id_data, "data", None)
    keys = data.shape_keys if isinstance(data, bpy.types.Mesh) else None
    return keys.key_blocks.get(name) if keys else None


def strength_property(title: str) -> Any:
    """How strongly a region follows."""
    return FloatProperty(
        **CHANGEABLE,
        name=title,
        description="How far from rest this moves: 0 not at all, 1 as recorded",
        default=1.0,
        min=0.0,
        max=3.0,
        soft_max=2.0,
        step=5,
    )


def smoothing_property(title: str) -> Any:
    """How smoothly a region follows."""
    return FloatProperty(
        **CHANGEABLE,
        name=title,
        description="Seconds over which the motion of this is averaged; short motion, such as blinks, gets weaker",
        default=0.0,
        min=0.0,
        max=2.0,
        soft_max=0.3,
        step=1,
        precision=3,
        unit="TIME_ABSOLUTE",
    )


def more_properties() -> dict[str, Any]:
    """The properties of which there is one for each region or pair."""
    pairs = (each for found in SLIDERS.values() for each in found if each.mirrored)
    return {
        **{f"strength_{region}": strength_property(title) for region, title in FOLLOWING.items()},
        **{f"smoothing_{region}": smoothing_property(title) for region, title in FOLLOWING.items()},
        **{pair.stem: pair_property(pair) for pair in pairs},
    }


SemblanceAnimation.__annotations__.update(more_properties())


def animation_settings(head: bpy.types.Object) -> SemblanceAnimation:
    """What animators chose on a head."""
    settings: SemblanceAnimation = getattr(head, PLACE)
    return settings


def register() -> None:
    """Register the properties."""
    bpy.utils.register_class(SemblanceAnimation)
    setattr(bpy.types.Object, PLACE, PointerProperty(type=SemblanceAnimation, **CHANGEABLE))  # type: ignore[func-returns-value]  # its stub is wrong


def unregister() -> None:
    """Undo `register`."""
    delattr(bpy.types.Object, PLACE)
    bpy.utils.unregister_class(SemblanceAnimation)
