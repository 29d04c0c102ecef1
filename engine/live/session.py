# SPDX-License-Identifier: GPL-3.0-or-later
"""A live session: motions to pictures, each stage in a thread of its own, and never a queue.

Source, landmarks and solver (`tracking.live`), then drawing (retargeting, maps or mesh) and painting (network,
background) follow each other; between two of them one frame may wait, and a newer one takes its place. Whoever reads
the pictures, a sink, is the last stage.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...neural.processor import give_way
from ...neural.rendering.frames import POSING
from ...protocol.inputs import PosedMesh
from ...protocol.look import USUAL_LOOK, Look
from ...tracking.live.live_frames import WAITING
from ...tracking.media.read_ahead import newest
from .backgrounds import Laid, plain_picture
from .drivers import retarget_to
from .views import FRONT, View, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from ...neural.avatar import Avatar
    from ...protocol.inputs import Inputs
    from ...tracking.heads.arrays import Image
    from ...tracking.heads.head import MorphableHead
    from ...tracking.live.live_retarget import LiveRetarget
    from ...tracking.live.motion import Motion, MotionSource
    from ...tracking.live.source import Clock
    from ...tracking.performances.performance import Performance

BESIDE = 1
"""Cores that source, tracking and drawing keep busy: two painting threads on two cores would wait for each other."""


@dataclass
class Actor:
    """Who is driven; the attributes from `laid` on may be set while a session runs, and count from its next picture.

    Attributes:
        avatar: of any kind, on any runtime. head: the avatar's.
        retarget: makes the driver's motions the avatar's.
        laid: lays its pictures over a background (`backgrounds`).
        look: how it is painted.
        view: from where it is seen, if it is a head in 3D.
        side: the longer side of its pictures in pixels, if it is a head in 3D; the footage's when not given.
    """

    avatar: Avatar
    head: MorphableHead
    retarget: LiveRetarget
    laid: Laid = plain_picture
    look: Look = USUAL_LOOK
    view: View = FRONT
    side: int | None = None


@dataclass(frozen=True)
class LivePicture:
    """One picture of a session.

    Attributes:
        picture: `[H, W, 3]` RGB, or `[H, W, 4]` with straight alpha, uint8.
        motion: of the driver, that it shows.
        performance: of the avatar, one frame.
        spent: seconds that each stage took for it, in their order.
    """

    picture: Image
    motion: Motion
    performance: Performance
    spent: Mapping[str, float]


@dataclass(frozen=True)
class DrawnMotion:
    """A motion and what its picture is painted from; fields as in `LivePicture`."""

    motion: Motion
    performance: Performance
    inputs: Inputs
    spent: Mapping[str, float]


def actor_of(
    avatar: Avatar, driver: Performance | None = None, *, head: MorphableHead | None = None, laid: Laid = plain_picture
) -> Actor:
    """Return an avatar that is ready to be driven.

    Args:
        driver: the driver's whole performance where it is known beforehand: its rest counts then, and the avatar's own
            performance is taken as it is.
        head: `avatar.open_head()` when not given.

    Raises:
        UserError: the avatar's head is not on this machine.
    """
    own = avatar.metadata.rest_performance()
    return Actor(avatar, head or avatar.open_head(), retarget_to(own, driver), laid)


def live_pictures(
    source: MotionSource,
    actor: Actor,
    *,
    dropped: Callable[[], None] = lambda: None,
    clock: Clock = time.monotonic,
) -> Generator[LivePicture, None, None]:
    """Yield the pictures of a session for as long as its source has motions; close the generator to stop.

    Before the source starts, a first picture is painted, which may take seconds, and thrown away.

    Args:
        source: what drives the avatar.
        actor: the avatar.
        dropped: called, by any thread, for each frame that is dropped.
        clock: the source's.

    Raises:
        UserError: the source is damaged or stops, the face is too small, or there is no OpenGL.
    """
    drawn = newest(with_inputs(source, actor, dropped, clock), WAITING, dropped)
    with closing(newest(with_pictures(drawn, actor, clock), WAITING, dropped)) as pictures:
        yield from pictures


def with_inputs(
    source: MotionSource, actor: Actor, dropped: Callable[[], None], clock: Clock
) -> Generator[DrawnMotion, None, None]:
    """Retarget each motion, and draw what its picture is painted from; first of all the avatar at rest."""
    own = actor.avatar.metadata.rest_performance()
    with POSING[actor.avatar.kind.inputs](actor.head, own) as pose:
        at_rest = pose(own, 0)
        middle = at_rest.vertices[0].mean(0) if isinstance(at_rest, PosedMesh) else np.zeros(3, np.float32)
        actor.avatar.render(seen(at_rest, middle, actor.view, actor.side), actor.look)
        with closing(newest(source.motions(dropped), WAITING, dropped)) as motions:
            for motion in motions:
                begun = clock()
                performance = actor.retarget.follow(motion)
                inputs = seen(pose(performance, 0), middle, actor.view, actor.side)
                yield DrawnMotion(motion, performance, inputs, {**motion.spent, "draw": clock() - begun})


def with_pictures(drawn: Generator[DrawnMotion, None, None], actor: Actor, clock: Clock) -> Iterator[LivePicture]:
    """Paint each motion's picture, and lay it over its background."""
    with closing(drawn):
        for each in drawn:
            begun = clock()
            give_way(BESIDE)
            rgba = actor.avatar.render(each.inputs, actor.look).rgba[0]
            painted = clock()
            picture = actor.laid(rgba, each.motion.image)
            spent = {**each.spent, "paint": painted - begun, "background": clock() - painted}
            yield LivePicture(picture, each.motion, each.performance, spent)
