# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the coarse video of a photo: by the user's word and by what this machine has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...tracking.photos.coarse_source import CoarseMaker, MeshWarp
from ..device import device_facts
from .registry import REGISTRY
from .weights import find, find_parts, missing

if TYPE_CHECKING:
    from ...protocol.choices import CoarseName
    from ...tracking.photos.coarse_source import SolvedPhoto
    from ...tracking.photos.driver import Driver
    from .oneshot_source import Animator, OneshotSource

INSTEAD = "use `--coarse warp`, which needs none"
KEY_POSES = 100
"""Frames that a processor may make: each takes it some 15 seconds, and so many show all that a face does."""


@dataclass(frozen=True)
class ByNetwork:
    """Makes coarse video by a one-shot network, which follows the performance as far as it can.

    Attributes:
        animator: the network.
        most_frames: how many frames it may make; None for as many as are wanted.
    """

    animator: Animator
    most_frames: int | None
    exact = False

    def __call__(self, photo: SolvedPhoto, driver: Driver | None, /) -> OneshotSource:
        """Make the coarse video of a photo.

        Raises:
            UserError: the driver's file is damaged.
        """
        from .oneshot_source import OneshotSource

        return OneshotSource(photo, self.animator, driver)


@dataclass(frozen=True)
class ChosenCoarse:
    """What was chosen.

    Attributes:
        maker: makes the coarse video.
        facts: what is used, in words that are kept with the performance: `coarse` and, where there is one, `driver`.
    """

    maker: CoarseMaker
    facts: dict[str, str]


def choose_coarse(name: CoarseName, driver: str | Path | None = None) -> ChosenCoarse:
    """Choose what makes the coarse video, and load it.

    Raises:
        UserError: the network's weights are not on this machine, or are damaged or another network's.
    """
    driven = {"driver": Path(driver).name} if driver else {}
    if name == "warp":
        return ChosenCoarse(MeshWarp(), {"coarse": "mesh warp", **driven})
    device = device_facts().device
    most = None if device == "cuda" else KEY_POSES
    return ChosenCoarse(ByNetwork(load_animator(name, device), most), {"coarse": REGISTRY[name].title, **driven})


def load_animator(name: CoarseName, device: str) -> Animator:
    """Load a network; PyTorch is imported only now.

    Raises:
        UserError: its weights are not on this machine, or are damaged or another network's.
    """
    if name == "liveportrait":
        parts = find_parts(name)
        if parts is None:
            raise missing(name, INSTEAD)
        from .liveportrait.animator import LivePortrait

        return LivePortrait(parts, device)
    file = find(name)
    if file is None:
        raise missing(name, INSTEAD)
    from .face_vid2vid.animator import FaceVid2Vid

    return FaceVid2Vid(file, device)
