# SPDX-License-Identifier: GPL-3.0-or-later
"""`live`: a face in front of a camera, a video, a phone or a performance moves an avatar now."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from ...common.errors import UserError
from ...protocol.choices import RuntimeName
from ...protocol.jobs import Render
from .job_options import options_of
from .shared import HeadPathOption, HomeOption, avatar_file, home_of
from .terminal import shown, stop_request

if TYPE_CHECKING:
    from ...neural.rendering.label import Label
    from ...protocol.choices import CornerName
    from ...tracking.live.motion import MotionSource
    from ...tracking.media.hearing import Hearing
    from ...tracking.performances.performance import Performance
    from ..live.session import Actor
    from ..live.sinks import Sink

SECONDS_BETWEEN_WORDS = 1.0


@options_of(Render, only=("label", "label_corner", "label_size"))
def live(
    avatar: Annotated[str, typer.Argument(help="Avatar file, or its name in the home.")],
    camera: Annotated[
        int | None, typer.Option(min=0, help="A camera drives it, by its number.", show_default="0")
    ] = None,
    stream: Annotated[
        Path | None,
        typer.Option(help="A video, or a performance, drives it at its own pace.", show_default=False),
    ] = None,
    live_link: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            show_default=False,
            help="A phone drives it: Live Link Face sends to this machine's address and this port (11111).",
        ),
    ] = None,
    to: Annotated[
        str, typer.Option(metavar="[window|virtual-camera|FILE]", help="Where it is seen; FILE is an .mp4 or a folder.")
    ] = "window",
    background: Annotated[
        str,
        typer.Option(
            metavar="[avatar|own|transparent|#RRGGBB|FILE]",
            help="What is behind it: its footage's clean plate (where it has none, its own background), its own, "
            "nothing, a colour, a picture, a video (which plays again and again).",
        ),
    ] = "avatar",
    show_driver: Annotated[bool, typer.Option("--show-driver", help="Show what the camera sees in a corner.")] = False,
    microphone: Annotated[
        bool, typer.Option("--microphone", help="A FILE has the sound of this machine's microphone, not the stream's.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            help="Performance (.npz, .csv, .json) to write at the end: what the avatar did.", show_default=False
        ),
    ] = None,
    runtime: Annotated[RuntimeName, typer.Option(help="What executes its network.")] = "torch",
    no_credentials: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Why a FILE is not to carry Content Credentials; the reason is kept in the home.",
            show_default="it carries them",
        ),
    ] = None,
    head_path: HeadPathOption = None,
    home: HomeOption = None,
    **said: Any,
) -> None:
    """Let a face move an avatar now, until Ctrl-C, the window is closed or the stream ends.

    Look at the camera with a calm face for the first seconds: that is what counts as neutral.
    """
    from ...neural.rendering.runtime_choice import avatar_on
    from ..credentials.marking import marked
    from ..credentials.statement import statement_of
    from ..live.backgrounds import AVATAR, TRANSPARENT, with_driver, with_label
    from ..live.backgrounds import background as background_named
    from ..live.drivers import driver_of
    from ..live.session import actor_of
    from ..live.sinks import VIRTUAL_CAMERA, WINDOW, opened

    refuse_two_sources(camera, stream, live_link)
    with shown() as listener:
        path = avatar_file(avatar, home_of(home))
        subject = avatar_on(runtime, path, home_of(home).engines, listener)
    head = subject.open_head(head_path)
    laid = background_named(subject, background)
    laid = with_label(with_driver(laid) if show_driver else laid, label_named(**said))
    with ExitStack() as stack:
        driver = stack.enter_context(driver_of(head, camera, stream, live_link))
        actor = actor_of(subject, driver.whole, head=head, laid=laid)
        if to not in (WINDOW, VIRTUAL_CAMERA):
            filmed = show_driver or Path(background).is_file() or (background == AVATAR and subject.plate is not None)
            stated = statement_of(path, stream)
            stack.enter_context(marked({Path(to): filmed}, stated, home_of(home), no_credentials))
        title = f"Semblance: {Path(avatar).stem}"
        heard = stack.enter_context(heard_now(to)) if microphone else None
        sound = heard or driver.sound
        sink = stack.enter_context(opened(to, title, driver.source.fps, sound, background == TRANSPARENT))
        begun = heard.align if heard else lambda _moment: None
        taken, failure = drive(driver.source, actor, sink, is_recorded=record is not None, begun=begun)
    if record is not None:
        keep(taken, driver.source, record)
    if failure is not None:
        raise failure


def label_named(label: str | None, label_corner: CornerName, label_size: float) -> Label | None:
    """The label that is asked for.

    Raises:
        UserError: it has no words.
    """
    from ...neural.rendering.label import Label

    if label is not None and not label.strip():
        raise UserError("The label has no words; say some, such as --label synthetic.")
    return None if label is None else Label(label, label_corner, label_size)


@contextmanager
def heard_now(to: str) -> Iterator[Hearing]:
    """Open the microphone, for the sound of the film `to`.

    Raises:
        UserError: it cannot be used, or `to` is no film.
    """
    from ...tracking.media.hearing import Hearing
    from ...tracking.media.microphone import Microphone

    if Path(to).suffix.lower() != ".mp4":
        raise UserError("Only a film has sound; give --to a name that ends in .mp4, or leave --microphone out.")
    with closing(Hearing(Microphone())) as hearing:
        yield hearing


def refuse_two_sources(*sources: object) -> None:
    """Raise `UserError` when more than one source is given."""
    if sum(source is not None for source in sources) > 1:
        raise UserError("Say one source: --camera with its number, --stream with a file, or --live-link with a port.")


def drive(
    source: MotionSource,
    actor: Actor,
    sink: Sink,
    *,
    is_recorded: bool,
    begun: Callable[[float], None] = lambda _moment: None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[list[Performance], UserError | None]:
    """Run a session until it is stopped, the sink has had enough or the source ends.

    `begun` is told, before each picture is shown, the clock's moment of the source's second 0.

    Returns what the avatar did, frame by frame, if `is_recorded`; and why the source broke off, if it did: what there
    is until then is worth keeping.
    """
    from ..live.figures import WORDS, SessionMeter
    from ..live.session import live_pictures
    from .live_tracking import status

    meter, said = SessionMeter(), -float("inf")
    taken: list[Performance] = []
    with (
        stop_request() as stopped,
        status() as say,
        closing(live_pictures(source, actor, dropped=meter.drop, clock=clock)) as pictures,
    ):
        try:
            for each in pictures:
                begun(each.motion.captured - each.motion.time)
                before = clock()
                is_wanted = sink.show(each.picture, each.motion.time)
                now = clock()
                meter.finish(each.motion.captured, now, {**each.spent, "show": now - before})
                if is_recorded:
                    taken.append(each.performance)
                if now - said >= SECONDS_BETWEEN_WORDS:
                    said, words = now, f"{WORDS[each.motion.state]}: {meter.read().in_words()}"
                    say(words)
                    sink.tell(words)
                if stopped() or not is_wanted:
                    break
        except UserError as error:
            return taken, error
    return taken, None


def keep(taken: list[Performance], source: MotionSource, out: Path) -> None:
    """Write what the avatar did, at the source's rate and with its times, so that the source's sound still fits.

    Raises:
        UserError: no face was followed, or the disk is full.
    """
    from ...tracking.live.live_frames import joined
    from ...tracking.performances.captures.registry import write_performance

    if not any(frame.confidence[0] > 0 for frame in taken):
        raise UserError(
            f"No face was followed in {source.name}, so {out} was not written; keep a face in view for longer."
        )
    times = np.concatenate([frame.times for frame in taken])
    write_performance(replace(joined(taken), times=times, fps=source.fps), out)
    print(f"performance: {out}", file=sys.stderr)
