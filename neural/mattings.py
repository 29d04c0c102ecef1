# SPDX-License-Identifier: GPL-3.0-or-later
"""Which matting a take gets, and what it leaves: by the user's word and by what this machine has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..common.errors import UserError
from ..tracking.head_only import HeadOnly, Parser
from ..tracking.heads.head import MorphableHead
from ..tracking.heads.performance import Performance
from ..tracking.matting import Matting
from ..tracking.selfie_matting import builtin_matting
from ..tracking.within_footage import WithinFootage
from .device import device_facts
from .weights import FACE_PARSING, ROBUST_VIDEO_MATTING, find, folders

MattingName = Literal["auto", "builtin", "rvm"]


@dataclass(frozen=True)
class ChosenMatting:
    """Makes the matting of a take.

    Attributes:
        rvm: the file of Robust Video Matting; None for the built-in matting.
        head_only: whether clothes are removed too.
        parsing: the file of the network that tells hair from clothes; None: the tracked head alone says what is kept.
    """

    rvm: Path | None
    head_only: bool
    parsing: Path | None

    def __call__(self, head: MorphableHead, performance: Performance) -> Matting:
        """Make it for the frames of a performance.

        Raises:
            UserError: a file of weights is damaged or holds another network.
        """
        whole = robust_video_matting(self.rvm) if self.rvm else builtin_matting(head, performance)
        if not self.head_only:
            return whole
        return HeadOnly(whole, head, performance, face_parsing(self.parsing) if self.parsing else None)

    @property
    def facts(self) -> dict[str, str]:
        """What was used, in words that are kept with the performance."""
        facts = {"matting": "Robust Video Matting" if self.rvm else "built-in"}
        if self.head_only:
            facts["head_only"] = "by face parsing" if self.parsing else "by the tracked head"
        return facts


def choose_matting(name: MattingName, head_only: bool) -> ChosenMatting:
    """Choose what makes the mattes.

    `auto` takes Robust Video Matting where its weights and a CUDA GPU are, for it is slow on a processor.

    Raises:
        UserError: Robust Video Matting is asked for and is not on this machine.
    """
    rvm = find(ROBUST_VIDEO_MATTING) if name != "builtin" else None
    if name == "rvm" and rvm is None:
        raise UserError(
            f"Robust Video Matting is not on this machine: put its authors' {ROBUST_VIDEO_MATTING[0]} (GPL-3.0) into "
            f"{folders()[0]}, or use the built-in matting."
        )
    if name == "auto" and rvm is not None and device_facts().device != "cuda":
        rvm = None
    return ChosenMatting(rvm, head_only, find(FACE_PARSING) if head_only else None)


def robust_video_matting(weights: Path) -> Matting:
    """Load the network; PyTorch is imported only now."""
    from .robust_video_matting import RobustVideoMatting

    return WithinFootage(RobustVideoMatting(weights, device_facts().device))


def face_parsing(weights: Path) -> Parser:
    """Load the network; PyTorch is imported only now."""
    from .face_parsing import FaceParsing

    return FaceParsing(weights, device_facts().device)
