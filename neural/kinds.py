# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of avatar. Nothing else asks which kind one is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .radiance.kind import RADIANCE
from .styleavatar.kind import STYLEAVATAR, STYLEUNET

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..protocol.choices import AvatarKindName
    from ..tracking.datasets.dataset import Dataset
    from .kind import Kind
    from .trained_avatar import TrainedAvatar

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        STYLEAVATAR,
        STYLEUNET,
        RADIANCE,
    )
}
BUILDS: dict[AvatarKindName, Callable[..., TrainedAvatar]] = {
    "portrait": STYLEAVATAR.build,
    "splats": partial(RADIANCE.build, field="splats"),
    "field": partial(RADIANCE.build, field="field"),
}
"""What an artist can choose to build, and what builds it (`Kind.build`)."""


def usual_choice(dataset: Dataset) -> AvatarKindName:
    """What is built of a dataset unless told: a head in 3D of a photo's, a portrait of a video's."""
    return "splats" if dataset.performance().extra.get("photo") else "portrait"
