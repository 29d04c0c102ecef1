# SPDX-License-Identifier: GPL-3.0-or-later
"""Interlaced pictures, whose lines are of two moments in turn, made into pictures of one moment.

The filters are FFmpeg's: idet looks for combs, bwdif (Weston's three-field filter with edge-directed interpolation)
takes them out.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import av
from av.filter import Graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    from av.filter.context import FilterContext

Fields = Literal["", "flagged", "tff", "bff"]
"""Which pictures are woven of fields: none; those that say so; or all of them, the upper or the lower line first."""

COMBED = 5
"""So many of them must be combed, and twice as many as are not."""


def woven(frames: Iterable[av.VideoFrame]) -> Fields:
    """Tell by some frames of a take which of its pictures are interlaced: some files do not say that theirs are."""
    flags: list[bool] = []
    counts = {"tff": 0.0, "bff": 0.0, "progressive": 0.0}
    for frame in filtered(flagged_in(frames, flags), [("idet", "")]):
        if any(flags):
            return "flagged"
        counts = {name: float(frame.metadata[f"lavfi.idet.multiple.{name}"]) for name in counts}
    combed = counts["tff"] + counts["bff"]
    if combed < COMBED or combed < 2 * counts["progressive"]:
        return ""
    return "tff" if counts["tff"] >= counts["bff"] else "bff"


def flagged_in(frames: Iterable[av.VideoFrame], flags: list[bool]) -> Iterator[av.VideoFrame]:
    """Yield the frames, and note which of them say that they are interlaced; idet writes its own opinion over it."""
    for frame in frames:
        flags.append(frame.interlaced_frame)
        yield frame


def deinterlaced(frames: Iterable[av.VideoFrame], fields: Fields) -> Iterator[av.VideoFrame]:
    """Yield as many frames, whole ones in place of those that are woven of fields or say so."""
    unsaid = fields in ("tff", "bff")
    which = f"deint=all:parity={fields}" if unsaid else "deint=interlaced"
    waiting = iter(frames)
    for frame in waiting:
        if frame.interlaced_frame or unsaid:
            yield from filtered(joined(frame, waiting), [("bwdif", f"mode=send_frame:{which}")])
            return
        yield frame


def joined(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Yield the first frame and the rest."""
    yield first
    yield from rest


def filtered(frames: Iterable[av.VideoFrame], filters: list[tuple[str, str]]) -> Iterator[av.VideoFrame]:
    """Yield frames through FFmpeg's filters (name, options); through new ones where their size or format changes."""
    graph, kind = None, None
    for frame in frames:
        if graph is None or kind != kind_of(frame):
            if graph is not None:
                graph.vpush(None)
                yield from pulled(graph)
            graph, kind = chain(frame, filters), kind_of(frame)
        graph.vpush(frame)
        yield from pulled(graph)
    if graph is not None:
        graph.vpush(None)
        yield from pulled(graph)


def kind_of(frame: av.VideoFrame) -> tuple[int, int, str, Fraction | None]:
    """What a chain of filters is made for."""
    return frame.width, frame.height, frame.format.name, frame.time_base


def chain(frame: av.VideoFrame, filters: list[tuple[str, str]]) -> Graph:
    """A chain of filters for frames like this one."""
    graph = Graph()
    nodes: list[FilterContext] = [
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, name="in", time_base=frame.time_base
        ),
        *(graph.add(name, options) for name, options in filters),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def pulled(graph: Graph) -> Iterator[av.VideoFrame]:
    """Yield the frames that a chain has ready."""
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            yield graph.vpull()
