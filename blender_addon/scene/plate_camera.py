# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate's camera: where a head's own camera is, with the lens that sees all of the footage's picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from mathutils import Matrix

from ...common.errors import UserError
from ...tracking.heads.camera import PinholeCamera
from .. import compat
from ..access import camera_of
from ..properties import head_settings
from ..words import translated
from .camera import Lens, frame_scene, lens_of, set_lens, window_camera
from .driving import own_performance

if TYPE_CHECKING:
    from ...tracking.performances.performance import Crop

BACKGROUNDS = "background_images"
"""Where a camera's plate is, and how the paths of its keyframes begin."""


def shoot_plate(scene: bpy.types.Scene, head: bpy.types.Object) -> bpy.types.Object:
    """Make the scene render all of the plate's picture, at its size, with the head in its place; return the camera.

    Raises:
        UserError: the head has lost its camera, or its footage is gone.
    """
    crop, (width, height) = crop_of(head), plate_size(head)
    own = head_settings(head).camera
    assert own is not None  # else the plate has no size
    view = head_settings(head).plate_camera or make_plate_camera(own, f"{head.name} Plate", scene)
    head_settings(head).plate_camera = view
    data = camera_of(view)
    data.type = "PERSP"
    set_lens(data, plate_lens(camera_of(own), crop, width, height))
    frame_scene(scene, view, width, height)
    return view


def plate_lens(own: bpy.types.Camera, crop: Crop, width: int, height: int) -> Lens:
    """Return the lens that sees a plate of `width` x `height` pixels, of whose window `crop` the camera `own` sees."""
    window = window_camera(own, width)
    scale = crop.side / width
    whole = PinholeCamera(
        fx=window.fx * scale,
        fy=window.fy * scale,
        cx=window.cx * scale + crop.x,
        cy=window.cy * scale + crop.y,
        width=width,
        height=height,
    )
    return lens_of(whole)


def crop_of(head: bpy.types.Object) -> Crop:
    """The window of its footage that a head was tracked in. Raises UserError when nothing says so any more."""
    own = own_performance(head)
    if own is None or own.crop is None:
        raise UserError(
            translated("{head} does not say where in its footage it is; make it again with New Avatar.", head=head.name)
        )
    return own.crop


def plate_size(head: bpy.types.Object) -> tuple[int, int]:
    """Width and height of the picture behind a head's own camera. Raises UserError when there is none."""
    if reason := why_no_plate(head):
        raise UserError(reason)
    camera = head_settings(head).camera
    assert camera is not None
    image = next(each.image for each in camera_of(camera).background_images if each.image)
    width, height = image.size
    if not width or not height:
        raise UserError(
            translated(
                "The footage {filepath} is gone; put it back, or make the head again with New Avatar.",
                filepath=image.filepath,
            )
        )
    return width, height


def why_no_plate(head: bpy.types.Object) -> str:
    """Why a head cannot be shot in its plate, as a sentence; empty when it can. Opens no file."""
    camera = head_settings(head).camera
    if camera is None or camera.type != "CAMERA":
        return translated(
            "The camera of {head} is gone; make the head again with New Avatar or Add Avatar.", head=head.name
        )
    if not any(each.image for each in camera_of(camera).background_images):
        return translated("{camera} has no footage behind it, so that there is no plate to be in.", camera=camera.name)
    return ""


def make_plate_camera(own: bpy.types.Object, name: str, scene: bpy.types.Scene) -> bpy.types.Object:
    """Return a new camera that follows the camera `own` and has its background, over all of its frame."""
    data = camera_of(own).copy()
    data.name = name
    for background in data.background_images:
        background.frame_method, background.scale, background.offset = "FIT", 1.0, (0.0, 0.0)
    keep_only_footage_keys(data)
    view = bpy.data.objects.new(name, data)
    view.parent, view.matrix_parent_inverse = own, Matrix.Identity(4)
    homes = [each for each in own.users_collection if each.library is None]
    (homes[0] if homes else scene.collection).objects.link(view)
    return view


def keep_only_footage_keys(data: bpy.types.Camera) -> None:
    """Let a copied camera keep the keyframes that time its footage, in an action of its own, and no others."""
    animation = data.animation_data
    if animation is None or animation.action is None:
        return
    animation.action = animation.action.copy()
    curves = compat.channels(data)
    for curve in [each for each in curves if not each.data_path.startswith(BACKGROUNDS)]:
        curves.remove(curve)
