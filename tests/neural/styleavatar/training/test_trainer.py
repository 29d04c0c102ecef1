# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer's optimisers: what Muon takes, and what it leaves to AdamW."""

from __future__ import annotations

from dataclasses import replace

import torch
from semblance.neural.styleavatar.training.trainer import Trainer
from semblance.neural.training.distributed import DistributedGroup

ALONE = DistributedGroup(0, 1, torch.device("cpu"))


def test_muon_takes_the_filters_that_paint_and_adamw_the_rest(tiny):
    trainer = Trainer(tiny, ALONE, torch.float32, None, 0)
    ours, theirs = (
        {id(each) for group in optimiser.param_groups for each in group["params"]}
        for optimiser in (trainer.painting_optimiser, trainer.generators_optimiser)
    )
    network, source = trainer.generators.network, trainer.generators.source
    assert ours.isdisjoint(theirs)
    assert ours | theirs == {id(each) for each in trainer.generators.parameters()}
    assert {id(network.entry.conv1.weight)} <= ours
    assert {id(network.face), id(network.mask.weight)} <= theirs
    assert {id(each) for module in (source, network.mapping) for each in module.parameters()} <= theirs
    without = replace(tiny, optimiser=replace(tiny.optimiser, muon_update_rms=0.0))
    assert Trainer(without, ALONE, torch.float32, None, 0).painting_optimiser is None
