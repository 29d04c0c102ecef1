# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the ablation study (Sec. 4.2, Tab. 3), each a preset with parts of its network off, and their table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..neural.evaluation.figures import COLUMNS, Figures, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..neural.styleavatar.training.presets import Preset

FULL, NEAREST, NO_PRETRAIN = "full", "nearest", "no-pretrain"
NEVER = 2**62
"""Of a step that does not come."""

ROWS = {
    "dvp": "a plain U-Net of the texture map (after Deep Video Portraits)",
    "single-styleunet": "one StyleUNet of the texture map: no decomposition, no sliding window",
    "dnr": "a plain U-Net of the face's neural texture (after Deferred Neural Rendering)",
    NEAREST: "the training frame whose parameters are nearest: no network",
    "no-neural-texture": "the full network without the face's neural texture",
    NO_PRETRAIN: "the full network, trained from nothing",
    FULL: "the full network",
}
"""Each row, in the table's order, and what it is."""

LAYERS = {
    "dvp": ("texture",),
    "single-styleunet": ("texture",),
    "dnr": ("face",),
    "no-neural-texture": ("foreground", "background"),
}
"""What StyleUNet 2 is given in the rows that switch something off."""
PLAIN = ("dvp", "dnr")
"""Rows whose decoders have neither style nor noise. As weights, theirs are still scaled to unit variance."""


def ablated(preset: Preset, row: str) -> Preset:
    """The preset of any row but the nearest frame, which needs none; "full" and "no-pretrain" are the preset itself.

    Rows without a background have no decomposition, hence no sliding window and no mask to learn.
    """
    if row in (FULL, NO_PRETRAIN):
        return preset
    network = replace(preset.network, layers=LAYERS[row])
    if row in PLAIN:
        network = replace(network, styled=False, noise_levels=0)
    left = replace(preset, name=f"{preset.name}-{row}", network=network)
    if "background" in network.layers:
        return left
    still = replace(preset.augmentation, slide_every=NEVER)
    return replace(left, augmentation=still, losses=replace(preset.losses, mask=0.0))


def by_row(rows: Mapping[str, Figures]) -> tuple[list[str], list[list[str]], list[str]]:
    """The table for many rows: headings, a line for each row, and a sentence for each figure that no row has.

    Where some rows have a figure and others have not, their cells say why, in short.
    """
    measured = [name for name in COLUMNS if any(isinstance(getattr(each, name), float) for each in rows.values())]
    lines = [
        [row, *(written(name, getattr(figures, name)).removeprefix("not measured: ") for name in measured)]
        for row, figures in rows.items()
    ]
    return ["", *(COLUMNS[name].heading for name in measured)], lines, missing(rows, measured)


def missing(rows: Mapping[str, Figures], measured: Sequence[str]) -> list[str]:
    """A sentence for each figure that is not among the measured ones."""
    some, absent = next(iter(rows.values())), [name for name in COLUMNS if name not in measured]
    return [f"{COLUMNS[name].heading.split()[0]}: {getattr(some, name)}." for name in absent]
