# SPDX-License-Identifier: GPL-3.0-or-later
"""What Semblance keeps in a .blend file: on objects that are heads, and on the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from ..protocol.choices import AVATAR_KINDS, COARSE_SOURCES, MATTINGS, PRESETS, CoarseName, MattingName, PresetName
from ..protocol.look import CONTROLS
from ..tracking.heads.mouth_light import PAIRS
from ..tracking.heads.registry import KINDS
from . import compat
from .access import scene_of

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_KIND = "styleavatar"
"""The kind of all avatars of which nothing else is said: the only one when Semblance was new."""
CHANGEABLE: dict[str, Any] = {"override": {"LIBRARY_OVERRIDABLE"}}
"""What lets a setting be changed in an override of a linked head."""
PATH: dict[str, Any] = {**CHANGEABLE, "options": {"ANIMATABLE", *compat.options_of_paths()}}
"""The same for a path, which may be relative to the .blend."""
AUTOMATIC = "auto"
"""What leaves the kind of avatar to the footage."""


def is_head(_scene: object, candidate: bpy.types.Object) -> bool:
    """Tell whether an object is a head of ours (for the scene's choice of head)."""
    return head_settings(candidate).is_head


def go_to_head(chosen: SemblanceScene, context: bpy.types.Context) -> None:
    """Make the head that was chosen the active object, where it is shown."""
    layer = context.view_layer
    if chosen.head and layer and context.scene == chosen.id_data and chosen.head.name in layer.objects:
        layer.objects.active = chosen.head


def look_property(name: str, **options: Any) -> Any:
    """A Blender property for a control of `Look`: as it says, with these options of Blender's besides."""
    control = CONTROLS[name]
    soft_min, soft_max = control.soft_bounds
    options |= CHANGEABLE | {
        "name": control.label,
        "description": control.help,
        "soft_min": soft_min,
        "soft_max": soft_max,
        "step": round(100 * control.step),
        "precision": control.decimals,
    }
    if control.bounds:
        options["min"], options["max"] = control.bounds
    return (
        FloatProperty(**options)
        if control.numbers == 1
        else FloatVectorProperty(size=control.numbers, subtype="XYZ", **options)
    )


class SemblanceObject(bpy.types.PropertyGroup):
    """What makes a mesh object a head."""

    if TYPE_CHECKING:  # what the properties hold; for Blender, the annotation is the property
        id: str
        is_head: bool
        avatar: str
        kind: str
        head_name: str
        lip_rims: Sequence[int]
        head_path: str
        performance: str
        person: str
        trained: str
        light: str
        warns: bool
        dataset: str
        consent: str
        camera: bpy.types.Object | None
        plate_camera: bpy.types.Object | None
        window: Sequence[int]
        driver: str
        motion: str
        driver_start: int
        driver_time: float
        time_code: float
        foreground_offset: Sequence[float]
        background_offset: Sequence[float]
    else:
        id: StringProperty(
            **CHANGEABLE, name="Id", description="Tells this head from all others; see ids.py", options={"HIDDEN"}
        )
        is_head: BoolProperty(**CHANGEABLE, name="Is Head", description="This mesh is the head of an avatar")
        avatar: StringProperty(
            **CHANGEABLE,
            name="Avatar",
            description="Name of the avatar in the engine that renders this head; empty until it is built",
        )
        kind: StringProperty(
            **CHANGEABLE,
            name="Kind",
            description="What the avatar's file calls its kind; what is sent to the engine follows it",
            default=FIRST_KIND,
        )
        head_name: StringProperty(
            **CHANGEABLE, name="Head Model", description="The morphable head that this mesh was made from"
        )
        lip_rims: IntVectorProperty(
            **CHANGEABLE,
            name="Lip Rims",
            description="Vertices along the inside of the lips, between which light falls in",
            size=2 * PAIRS,
        )
        head_path: StringProperty(
            **PATH, name="Head File", subtype="FILE_PATH", description="The file of that morphable head"
        )
        performance: StringProperty(
            **PATH,
            name="Performance",
            subtype="FILE_PATH",
            description="The performance that fits this head to its footage",
        )
        person: StringProperty(
            **CHANGEABLE,
            name="Person",
            description="The person at rest, so that others can drive the head where its performance file is gone",
        )
        trained: StringProperty(
            **CHANGEABLE,
            name="Training Range",
            description="How far the avatar's training goes, as its file says it; empty until that is asked for",
            options={"HIDDEN"},
        )
        light: StringProperty(
            **CHANGEABLE,
            name="Light",
            description="What the avatar's light does to its clean plate, as its file says it",
            options={"HIDDEN"},
        )
        warns: BoolProperty(
            **CHANGEABLE,
            name="Warn in Views",
            description="Show in 3D views and timelines where this head goes beyond what its avatar was trained on",
            default=True,
        )
        dataset: StringProperty(
            **PATH,
            name="Dataset",
            subtype="DIR_PATH",
            description="The tracked footage that the avatar is built from",
        )
        consent: StringProperty(
            name="Consent",
            description=(
                "What the person shown agreed to: who agreed, to what, for which use. It is stored in the avatar, "
                "and so in every film of it, for whoever asks later"
            ),
        )
        camera: PointerProperty(
            **CHANGEABLE,
            name="Camera",
            type=bpy.types.Object,
            description="The camera that sees this head as the footage does; the avatar is rendered through it",
        )
        plate_camera: PointerProperty(
            **CHANGEABLE,
            name="Plate Camera",
            type=bpy.types.Object,
            description="The camera that sees all of the footage's picture, with this head in its place there",
        )
        window: IntVectorProperty(
            **CHANGEABLE,
            name="Window",
            description="Size in pixels of what that camera sees",
            size=2,
            default=(512, 512),
            min=1,
        )
        driver: StringProperty(
            **PATH,
            name="Driver",
            subtype="FILE_PATH",
            description="The footage whose motion this head has; its sound goes to the sequencer with the frames",
        )
        motion: StringProperty(
            **PATH,
            name="Motion",
            subtype="FILE_PATH",
            description="The performance that was put onto this head last, to do it again with other settings",
        )
        driver_start: IntProperty(
            **CHANGEABLE, name="Driver Start", description="The scene's frame at which that motion begins", default=1
        )
        driver_time: FloatProperty(
            **CHANGEABLE,
            name="Driver Time",
            description="The moment of the driver's footage at which that motion begins",
            unit="TIME",
        )
        time_code: look_property("time_code", default=0.5)
        foreground_offset: look_property("foreground_offset")
        background_offset: look_property("background_offset")


class SemblanceScene(bpy.types.PropertyGroup):
    """The scene's choices, in the order of the panel and of the command line's options."""

    if TYPE_CHECKING:
        id: str
        head: bpy.types.Object | None
        head_model: str
        avatar_kind: str
        preset: PresetName
        matting: MattingName
        head_only: bool
        coarse: CoarseName
    else:
        id: StringProperty(name="Id", description="Tells this scene from all others; see ids.py", options={"HIDDEN"})
        head: PointerProperty(
            name="Head",
            type=bpy.types.Object,
            poll=is_head,
            update=go_to_head,
            description="The head that the panel works on: choosing one makes it the active object",
        )
        head_model: EnumProperty(
            name="Head",
            description="The morphable head that new avatars are tracked with",
            items=(
                ("builtin", "Built-in", "Semblance's own head"),
                *(
                    (name, kind.title, "Your own file; `semblance heads import` finds it")
                    for name, kind in KINDS.items()
                ),
            ),
        )
        avatar_kind: EnumProperty(
            name="Kind",
            description="What Build Avatar makes",
            items=(
                (AUTOMATIC, "Automatic", "A head in 3D of a photo, a portrait of a video"),
                *((name, kind.title, kind.description) for name, kind in AVATAR_KINDS.items()),
            ),
        )
        preset: EnumProperty(
            name="Quality",
            description="Size of the avatar's picture and of the network that draws it",
            items=tuple(
                (name, f"{preset.title} ({preset.size} px)", preset.description) for name, preset in PRESETS.items()
            ),
        )
        matting: EnumProperty(
            name="Matting",
            description="What cuts the person out of the footage or photo of new avatars",
            items=tuple((name, matting.title, matting.description) for name, matting in MATTINGS.items()),
        )
        head_only: BoolProperty(
            name="Head Only", description="Remove the clothes from new avatars: keep head, hair and neck"
        )
        coarse: EnumProperty(
            name="Photos",
            description="What makes a photo move, for its avatar to learn from",
            items=tuple((name, source.title, source.description) for name, source in COARSE_SOURCES.items()),
        )


CLASSES = (SemblanceObject, SemblanceScene)
HOLDERS = ((bpy.types.Object, SemblanceObject), (bpy.types.Scene, SemblanceScene))
PLACE = "semblance"
"""What holds which of our settings, and the name of the property there: `bpy.context.object.semblance`."""


def head_settings(holder: bpy.types.Object) -> SemblanceObject:
    """What Semblance keeps on an object, which need not be a head."""
    settings: SemblanceObject = getattr(holder, PLACE)
    return settings


def scene_settings(scene: bpy.types.Scene) -> SemblanceScene:
    """What Semblance keeps on a scene."""
    settings: SemblanceScene = getattr(scene, PLACE)
    return settings


def choices(scene: bpy.types.Scene) -> dict[str, Any]:
    """The values of the scene's choices, by name; those that are called like a parameter of a job go into the job."""
    return {each.identifier: getattr(scene_settings(scene), each.identifier) for each in choice_properties()}


def choice_properties() -> list[bpy.types.Property]:
    """The scene's choices, without its id and its links to other things."""
    own = set(SemblanceScene.__annotations__)
    found = [each for each in SemblanceScene.bl_rna.properties if each.identifier in own]
    return [each for each in found if each.type != "POINTER" and not each.is_hidden]


def active_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head to work on: the active object if it is a head, its rig or its splats, else the scene's."""
    candidate = context.view_layer.objects.active if context.view_layer else None
    if candidate:
        beside = candidate.parent.children if candidate.parent else ()
        for each in (candidate, *candidate.children, *beside):
            if head_settings(each).is_head:
                return each
    return chosen_head(scene_of(context))


def chosen_head(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The scene's head, when it is still there."""
    head = scene_settings(scene).head
    return head if head and head.name in scene.objects else None


def register() -> None:
    """Register the properties."""
    for each in CLASSES:
        bpy.utils.register_class(each)
    for holder, group in HOLDERS:
        setattr(holder, PLACE, PointerProperty(type=group, **CHANGEABLE))  # type: ignore[func-returns-value]  # its stub is wrong


def unregister() -> None:
    """Undo `register`."""
    for holder, _ in HOLDERS:
        delattr(holder, PLACE)
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
