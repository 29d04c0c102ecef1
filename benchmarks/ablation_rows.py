# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the ablation study (Sec. 4.2, Tab. 3): a preset with parts of its network switched off."""

from __future__ import annotations

from dataclasses import replace

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
    return replace(left, slide_every=NEVER, losses=replace(preset.losses, mask=0.0))
