# SPDX-License-Identifier: GPL-3.0-or-later
"""The movie of a sequence gets Content Credentials when Blender has rendered it: the engine signs it.

Only in a window: without one, who renders it signs it (`semblance mark`), as scripts decide when the movie is ready.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import bpy

from ...common.progress import Cancelled
from ...protocol.jobs import Mark
from .. import preferences
from ..access import windows
from ..engine import jobs
from ..engine.process import why_no_engine
from ..sequence.sequence_scene import AVATAR, DRIVER, FILMED
from ..words import translated
from . import activity


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]  # its stub is bare
def movie_is_rendered(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    """Have the movie that a scene was rendered into signed, where it is of a sequence of ours.

    Blender calls this in its render's thread; what follows belongs into its own.
    """
    request = mark_job(scene)
    if request is not None and windows():
        bpy.app.timers.register(partial(sign_movie, request), persistent=True)


def sign_movie(request: Mark) -> None:
    """Ask the engine to sign a movie; the artist hears of it when it cannot."""
    if reason := why_no_mark():
        text = translated("{movie} is not signed: {reason}", movie=Path(request.file).name, reason=translated(reason))
        activity.say(activity.Message(text, problem=True))
    else:
        activity.run_errand(signing(request))


def signing(request: Mark) -> jobs.Task[None]:
    """Follow the job that signs a movie to its end; it may be cancelled in the list of jobs."""
    with suppress(Cancelled):
        yield from jobs.follow(preferences.engine_place(), request, lambda job: activity.note_job(job.id))


def why_no_mark() -> str:
    """Why no movie can be signed now; empty when one can."""
    place = preferences.engine_place()
    return "a remote engine cannot read it; use `semblance mark`." if place.remote else why_no_engine(place)


def mark_job(scene: bpy.types.Scene) -> Mark | None:
    """Return the job that signs what a scene was rendered into; None where it is no movie, or shows no avatar."""
    avatar = scene.get(AVATAR)
    if not avatar or not scene.render.is_movie_format:
        return None
    movie = Path(scene.render.frame_path(frame=scene.frame_start))
    if movie.suffix.lower() != ".mp4" or not movie.is_file():
        return None
    driver = str(scene.get(DRIVER, ""))
    known = driver if driver and Path(driver).is_file() else None  # it may have been moved since
    return Mark(file=str(movie.absolute()), avatar=str(avatar), driver=known, filmed=bool(scene.get(FILMED, True)))


def register() -> None:
    """Have finished movies signed."""
    bpy.app.handlers.render_complete.append(movie_is_rendered)


def unregister() -> None:
    """Undo `register`."""
    bpy.app.handlers.render_complete.remove(movie_is_rendered)
