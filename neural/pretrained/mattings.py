# SPDX-License-Identifier: GPL-3.0-or-later
"""Which matting a take gets, and what it leaves: by the user's word and by what this machine has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...tracking.mattes.head_only import HeadOnly, Parser
from ...tracking.mattes.selfie_matting import builtin_matting
from ...tracking.mattes.within_footage import WithinFootage
from ..device import device_facts
from .weights import find, missing

if TYPE_CHECKING:
    from pathlib import Path

    from ...protocol.choices import MattingName
    from ...tracking.heads.head import MorphableHead
    from ...tracking.mattes.matting import Matting
    from ...tracking.performances.performance import Performance


@dataclass(frozen=True)
class ChosenMatting:
    """Makes the matting of one take.

    Attributes:
        network: Robust Video Matting, None for the built-in matting.
        head_only: whether clothes are removed too.
        parser: the network that tells hair from clothes; None: the tracked head alone says what is kept.
    """

    network: Matting | None
    head_only: bool
    parser: Parser | None

    def __call__(self, head: MorphableHead, performance: Performance) -> Matting:
        """Make it for the frames of a performance of this head."""
        whole = WithinFootage(self.network) if self.network else builtin_matting(head, performance)
        return HeadOnly(whole, head, performance, self.parser) if self.head_only else whole

    @property
    def facts(self) -> dict[str, str]:
        """What is used, in words that are kept with the performance; `matting` and, where it applies, `head_only`."""
        facts = {"matting": "Robust Video Matting" if self.network else "built-in"}
        if self.head_only:
            facts["head_only"] = "by face parsing" if self.parser else "by the tracked head"
        return facts


def choose_matting(name: MattingName, head_only: bool) -> ChosenMatting:
    """Choose what makes the mattes, and load it.

    `auto` takes Robust Video Matting where its weights and a CUDA GPU are, for it is slow on a processor.

    Raises:
        UserError: Robust Video Matting is asked for and is not on this machine; or a file of weights is damaged or
            holds another network.
    """
    rvm = find("rvm") if name != "builtin" else None
    if name == "rvm" and rvm is None:
        raise missing("rvm", "use the built-in matting")
    if name == "auto" and rvm is not None and device_facts().device != "cuda":
        rvm = None
    parsing = find("face-parsing") if head_only else None
    return ChosenMatting(
        robust_video_matting(rvm) if rvm else None, head_only, face_parsing(parsing) if parsing else None
    )


def robust_video_matting(weights: Path) -> Matting:
    """Load the network; PyTorch is imported only now.

    Raises:
        UserError: the file is damaged or holds another network.
    """
    from .robust_video_matting import RobustVideoMatting

    return RobustVideoMatting(weights, device_facts().device)


def face_parsing(weights: Path) -> Parser:
    """Load the network; PyTorch is imported only now.

    Raises:
        UserError: the file is damaged or holds another network.
    """
    from .face_parsing import FaceParsing

    return FaceParsing(weights, device_facts().device)
