# SPDX-License-Identifier: GPL-3.0-or-later
"""The avatars in the engine's home, and the few of them that are loaded."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...common.errors import UserError
from ...common.home import Home, is_name
from ...neural.avatar_file import read_metadata
from ...neural.processor import give_way
from ...protocol.messages import AvatarInfo
from ...protocol.pictures import Pictures
from .frames import FramesRequest

if TYPE_CHECKING:
    from ...neural.avatar import Avatar
    from ...protocol.splats import SplatCloud

MOST_LOADED = 2
Made = TypeVar("Made")


@dataclass
class Loaded:
    """An avatar in memory, the state of the file it came from, and the lock of who uses it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    stamp: tuple[int, int] = (0, 0)
    avatar: Avatar | None = None


class AvatarCache:
    """Renders with avatars on a thread of its own, so that the event loop is never blocked."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._threads = ThreadPoolExecutor(MOST_LOADED, thread_name_prefix="avatar")

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def find(self, name: str) -> Path | None:
        """The file of the avatar with this id; None when there is none."""
        path = self._home.avatar(name)
        with suppress(OSError):  # the name may be too long for this disk
            return path if is_name(name) and path.is_file() else None
        return None

    def infos(self) -> list[AvatarInfo]:
        """Every avatar in the home, newest first."""
        found = [avatar_info(path) for path in self._home.avatars.glob("*.safetensors") if is_name(path.stem)]
        return sorted(found, key=lambda info: -info.modified)

    async def render(self, path: Path, request: FramesRequest) -> Pictures:
        """Return N frames of the avatar at `path`; errors as in `using`, or the avatar does not take this request."""
        return await self.using(path, lambda avatar: avatar.render(request.inputs, request.looks))

    async def using(self, path: Path, do: Callable[[Avatar], Made]) -> Made:
        """Return what `do` makes of the avatar at `path`, which is loaded when it is new or has changed.

        Raises:
            UserError: the file is damaged or from a newer Semblance, or `do` raises it.
        """
        entry = self._entry(str(path))
        async with entry.lock:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: do(brought_up_to_date(entry, path))
            )

    async def splats(self, path: Path) -> SplatCloud:
        """Return the splats of the avatar at `path`.

        Raises:
            UserError: the file is damaged or from a newer Semblance, its head is missing, or it has no splats.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, splats, path)

    def _entry(self, key: str) -> Loaded:
        entry = self._loaded.setdefault(key, Loaded())
        self._loaded.move_to_end(key)
        while len(self._loaded) > MOST_LOADED:
            self._loaded.popitem(last=False)
        return entry


def brought_up_to_date(entry: Loaded, path: Path) -> Avatar:
    """The avatar of `entry`, loaded anew where its file has changed."""
    from ...neural.avatar import Avatar

    give_way()
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    if entry.avatar is None or entry.stamp != stamp:
        entry.avatar, entry.stamp = Avatar.load(path), stamp
    return entry.avatar


def splats(path: Path) -> SplatCloud:
    """Return the splats of the avatar at `path`; it is asked for once a head, so that nothing is kept."""
    from ...neural.rendering.splat_files.export import splats_of

    return splats_of(path)


def avatar_info(path: Path) -> AvatarInfo:
    """Describe an avatar file without loading its network."""
    status = path.stat()
    try:
        metadata, error = read_metadata(path).to_json(), ""
    except UserError as failure:
        metadata, error = {}, str(failure)
    return AvatarInfo(path.stem, str(path), status.st_size, status.st_mtime, metadata, error)
