# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames a training may use, and what an avatar file says of how it went: the same for every kind of avatar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...common.errors import UserError
from ...tracking.datasets.consent import read_consent
from ...tracking.datasets.origin import FOOTAGE_SHA256
from ...tracking.datasets.split import split
from ..avatar_file import Provenance
from ..versions import own_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ...tracking.datasets.dataset import Dataset
    from ...tracking.performances.performance import Performance
    from .checkpoints import TrainingState

LEAST_FRAMES = 2


def trainable(performance: Performance, train_share: float) -> NDArray[np.intp]:
    """The frames to train on, `[N]`: of the first `train_share`, those that can be trusted.

    Raises:
        UserError: they are too few.
    """
    first, _ = split(len(performance), train_share)
    kept = np.flatnonzero(performance.trusted[: len(first)])
    if len(kept) < LEAST_FRAMES:
        raise UserError("The dataset shows a face in too few frames to train on; track other footage.")
    return kept


def provenance_of(
    dataset: Dataset, performance: Performance, train_share: float, state: TrainingState, fallbacks: Iterable[str]
) -> Provenance:
    """What an avatar file says of how it was made, by a training on `train_share` of the frames of a dataset.

    `performance` is the dataset's; `fallbacks` are sentences on what was done without; those of frames left out and of
    setbacks are added.

    Raises:
        UserError: the dataset's record of consent is damaged.
    """
    consent = read_consent(dataset.folder)
    return Provenance(
        source=Path(performance.source).name,
        footage_sha256=str(performance.extra.get(FOOTAGE_SHA256, "")),
        consent=consent.words,
        consent_by=consent.by,
        consent_for=consent.purpose,
        consent_date=consent.date,
        matting=str(performance.extra.get("matting", "")),
        head_only=str(performance.extra.get("head_only", "")),
        steps=state.step,
        train_share=train_share,
        versions=versions(),
        fallbacks=(*fallbacks, *setback_sentences(state), *left_out_sentences(performance, train_share)),
    )


def left_out_sentences(performance: Performance, train_share: float) -> tuple[str, ...]:
    """A sentence where frames were not trained on because the face is hidden or away."""
    first, _ = split(len(performance), train_share)
    hidden = len(first) - len(trainable(performance, train_share))
    return (f"{hidden} of {len(first)} frames were left out: something hides the face in them.",) if hidden else ()


def setback_sentences(state: TrainingState) -> tuple[str, ...]:
    """A sentence where training was lost and went on."""
    if not state.setbacks:
        return ()
    often = f"{state.setbacks} times" if state.setbacks > 1 else "once"
    return (f"Training was lost {often} and went on from its last good checkpoint, more slowly.",)


def versions() -> dict[str, str]:
    """Of what the avatar was made with."""
    return {"semblance": own_version(), "torch": torch.__version__}
