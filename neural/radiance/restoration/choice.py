# SPDX-License-Identifier: GPL-3.0-or-later
"""Which restorer an avatar of a photo gets: by the user's word and by what this machine has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...device import device_facts
from ...pretrained.weights import find, missing
from .detail_transfer import DetailTransfer
from .restorer import FaceRestorer, GfpganNetwork, NoRestorer

if TYPE_CHECKING:
    from pathlib import Path

    from .posed_photo import PosedPhoto
    from .restorer import Restorer

RestorerName = Literal["auto", "gfpgan", "transfer", "none"]
SENTENCES: dict[RestorerName, str] = {
    "gfpgan": "GFPGAN v1.4 restored the rendered views.",
    "transfer": "The photo's own detail was carried over to the rendered views.",
    "none": "The rendered views were not restored.",
}


@dataclass(frozen=True)
class ChosenRestorer:
    """Makes the restorer of one photo's avatar.

    Attributes:
        name: what it is; never "auto".
        sentence: which one was used, in words that are kept with the avatar.
        weights: GFPGAN's file, where it is used.
    """

    name: RestorerName
    sentence: str
    weights: Path | None = None

    def opened(self, photo: PosedPhoto) -> Restorer:
        """Return the restorer for the avatar of a photo.

        Raises:
            UserError: the file of weights is damaged or holds another network, or OpenGL is missing.
        """
        if self.weights:
            return FaceRestorer(GfpganNetwork(self.weights, device_facts().device), photo.head.landmarks)
        return DetailTransfer(photo) if self.name == "transfer" else NoRestorer()


def choose_restorer(name: RestorerName) -> ChosenRestorer:
    """Choose what restores rendered views: "auto" is GFPGAN where its file is, else detail of the photo.

    Raises:
        UserError: GFPGAN is asked for and is not on this machine.
    """
    weights = find("gfpgan") if name in ("auto", "gfpgan") else None
    if name == "gfpgan" and weights is None:
        raise missing("gfpgan", "restore with the photo's own detail (transfer)")
    used: RestorerName = name if name != "auto" else "gfpgan" if weights else "transfer"
    return ChosenRestorer(used, SENTENCES[used], weights)
