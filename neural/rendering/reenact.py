# SPDX-License-Identifier: GPL-3.0-or-later
"""Reenactment: another person's performance drives an avatar (Sec. 3.4); frames and sound out."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.progress import Listener, silent
from ...protocol.foreground import over, person_alone
from ...protocol.inputs import Maps
from ...protocol.look import USUAL_LOOK, Look
from ...tracking.datasets.dataset import Dataset
from ...tracking.datasets.writer import as_bytes
from ...tracking.media.read_ahead import read_ahead
from ...tracking.media.sound import Sound
from ...tracking.media.streams import sound_note
from ...tracking.media.video import frames_to, scaled, side_by_side
from ...tracking.performances.captures.registry import is_performance_name, read_performance
from ...tracking.performances.performance import OVER_TIME, Performance
from ...tracking.performances.resampling import at_rate
from ...tracking.performances.retarget import retarget
from ...tracking.performances.trained_range import summary
from .driver_pictures import Pictures, pictures_of
from .frames import RenderedFrame, frames_of
from .label import labelling
from .runtime_choice import avatar_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocol.choices import RuntimeName
    from ...tracking.heads.arrays import Image
    from ...tracking.heads.head import MorphableHead
    from ..avatar import Avatar
    from .label import Label

PAINTED_AHEAD = 2
"""Frames that are painted while another is written."""


def reenact(
    avatar: Path,
    driver: Path,
    out: Path,
    *,
    background: bool = True,
    plate: bool = True,
    absolute: bool = False,
    head_path: Path | None = None,
    panels: Path | None = None,
    look: Look = USUAL_LOOK,
    label: Label | None = None,
    runtime: RuntimeName = "torch",
    engines: Path | None = None,
    listener: Listener = silent,
) -> str:
    """Write what the avatar does when `driver` drives it, at the driver's nominal frame rate and with its sound.

    Returns a sentence about the frames that go beyond what the avatar was trained on; empty where none does.

    Args:
        avatar: the avatar file.
        driver: a video, a performance file (`captures.registry`) or a dataset folder.
        out: a video (.mp4) or a folder for PNG files.
        background: show what is behind the avatar; else it is transparent (PNG) or black (mp4).
        plate: that is the clean plate of its footage where its file brings one and the backdrop is not moved; else it
            is its own background, where it has one.
        absolute: take the driver's expression and pose as they are; else they are relative to the driver's and the
            avatar's rest, unless the driver is the person of the avatar.
        head_path: file of the avatar's head, where it is not where it was.
        panels: another video (.mp4) to write: driver, maps and avatar side by side.
        look: time code, and how far person and backdrop are moved.
        label: words to write onto the avatar's pictures.
        runtime: what executes the network; engines: the folder where TensorRT's are kept.

    Raises:
        UserError: a file is missing or damaged, no face is seen, the disk is full, or the runtime is not installed.
    """
    subject = avatar_on(runtime, avatar, engines, listener)
    head = subject.open_head(head_path)
    driving = open_driver(driver, head, listener)
    performance = driven(subject, driving, absolute)
    beyond, sound = beyond_training(subject, performance), sound_of(driver, driving)
    pictures = pictures_of(driver, driving) if panels else None
    laid_out = laying(subject, background=background, plate=plate and not any(look.background_offset))
    labelled = labelling(label)
    with ExitStack() as stack:
        write = stack.enter_context(frames_to(out, performance.fps, sound))
        write_panels = stack.enter_context(frames_to(panels, performance.fps, sound)) if panels else None
        clock = Clock("Rendering", len(performance), listener)
        heard = sound_note(sound.path) if sound else ""
        said = [warning(subject), *driving.extra.get("notes", ()), heard]
        clock.tell(0, " ".join(filter(None, dict.fromkeys(said))))
        frames = frames_of(subject, performance, range(len(performance)), head=head, look=look)
        for frame in stack.enter_context(closing(read_ahead(frames, PAINTED_AHEAD))):
            write(labelled(laid_out(frame.rgba)))
            if write_panels:
                write_panels(labelled(panel_picture(frame, performance, pictures)))
            clock.tell_finished(frame.index + 1)
    return beyond


def laying(avatar: Avatar, *, background: bool, plate: bool) -> Callable[[Image], Image]:
    """Return what lays the avatar's pictures `[H, W, 4]` over what is behind them; arguments as in `reenact`.

    What it returns is `[H, W, 3]`, or `[H, W, 4]`, straight alpha, where nothing is behind.
    """
    behind = avatar.plate if background and plate else None
    if behind is None:
        own = background and avatar.kind.has_backdrop
        return lambda rgba: rgba[..., :3] if own else alone(avatar, rgba)
    return lambda rgba: over(alone(avatar, rgba), scaled(behind, len(rgba)))


def alone(avatar: Avatar, rgba: Image) -> Image:
    """Return a picture `[H, W, 4]` of an avatar, straight alpha, without any background in its colours."""
    return person_alone(rgba) if avatar.kind.has_backdrop else rgba


def driven(avatar: Avatar, driver: Performance, absolute: bool = False) -> Performance:
    """Return the driver's motion for the avatar's person and camera, at a constant frame rate from 0 s on.

    `absolute` as in `reenact`.
    """
    own = avatar.metadata.rest_performance()
    if absolute or is_same_person(driver, own):
        moved = replace(
            own, **{name: getattr(driver, name) for name in OVER_TIME}, fps=driver.fps, source=driver.source
        )
    else:
        moved = retarget(driver, own)
    return at_rate(moved, moved.fps)


def beyond_training(avatar: Avatar, performance: Performance) -> str:
    """Say which frames of its own performance go beyond what an avatar was trained on; empty for none.

    Heads in 3D stand anywhere, so that their place does not count.
    """
    trained = avatar.metadata.trained_range()
    if trained is None:
        return ""
    return summary(trained if avatar.kind.has_backdrop else trained.without("translation"), performance)


def is_same_person(driver: Performance, avatar: Performance) -> bool:
    """Tell whether both have the same identity on the same head, seen by the same camera."""
    same_head = driver.head == avatar.head and driver.identity.shape == avatar.identity.shape
    return same_head and np.allclose(driver.identity, avatar.identity, atol=1e-5) and driver.crop == avatar.crop


def open_driver(driver: Path, head: MorphableHead, listener: Listener = silent) -> Performance:
    """Read the performance of a dataset or of a file of any kind; track a video with the avatar's head.

    Raises:
        UserError: there is nothing usable at `driver`.
    """
    if driver.is_dir():
        dataset = Dataset.open(driver)
        if dataset.is_foreign:
            raise UserError(f"{driver} holds pictures but no motion; choose the video that it was made of.")
        performance = dataset.performance()
    elif is_performance_name(driver):
        performance = read_performance(driver, head)
    else:
        from ...tracking.track import track_performance  # MediaPipe takes seconds to import

        performance = track_performance(driver, head, listener)
    if not len(performance):
        raise UserError(f"{driver} has no frames; choose another driver.")
    return performance


def sound_of(driver: Path, performance: Performance) -> Sound | None:
    """The sound that goes with a driver's performance, from its first frame on."""
    path = Dataset.open(driver).sound if driver.is_dir() else performance.source
    return Sound(Path(path), float(performance.times[0])) if path else None


def panel_picture(frame: RenderedFrame, performance: Performance, pictures: Pictures | None) -> Image:
    """Driver (where it has pictures), maps (where there are any) and avatar side by side: RGB uint8 `[H, W, 3]`."""
    driver = pictures.at(performance.times[frame.index]) if pictures else None
    shown = {"driver": driver} if driver is not None else {}
    picture = frame.rgba[..., :3]
    if isinstance(frame.inputs, Maps):
        shown |= {"UV map": as_bytes(frame.inputs.uv[0]), "texture map": as_bytes(frame.inputs.texture[0])}
    else:  # a head in 3D has no background of its own
        picture = over(frame.rgba, np.zeros_like(picture))
    return side_by_side(shown | {"avatar": picture}, frame.rgba.shape[0])


def warning(avatar: Avatar) -> str:
    """What a user should know before it starts; empty where rendering is fast."""
    if avatar.device.type == "cuda" or avatar.metadata.resolution <= 256:
        return ""
    return f"There is no CUDA GPU: an avatar of {avatar.metadata.resolution} pixels renders slowly on the processor."
