# SPDX-License-Identifier: GPL-3.0-or-later
"""Avatars of both kinds whose pictures show at once what they were painted from; nobody trained them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from semblance.neural.kinds import KINDS
from semblance.neural.radiance.kind import RADIANCE
from semblance.neural.runtimes.runtime import Runtimes
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.networks import Mirror
from semblance.tests.makers.performances import at_rest
from semblance.tracking.heads.builtin import load_builtin
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONSENT = "I am a <img src=x onerror=alert(1)> drawing, and I agree."


class Dots(nn.Module):
    """A head in 3D that is drawn as the dots of its vertices."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))


class DotsRuntimes(Runtimes):
    """Draws every vertex as a dot, brighter the nearer it is; where there is none, nothing is."""

    def __init__(self, _network: nn.Module) -> None:
        pass

    def at_once(self, look: Any) -> Any:
        return self

    def run(self, vertices: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        fx, fy, cx, cy, width, height = (float(each) for each in others[-1][0])
        points = vertices[0].numpy()
        x = np.clip(fx * points[:, 0] / points[:, 2] + cx, 0, width - 1).astype(int)
        y = np.clip(fy * points[:, 1] / points[:, 2] + cy, 0, height - 1).astype(int)
        picture = np.full((5, int(height), int(width)), -1, np.float32)
        picture[0, y, x], picture[3, y, x], picture[4, y, x] = 0.5, 1, points[:, 2]
        return torch.from_numpy(picture)[None]


@contextmanager
def painters_in(home: Any) -> Iterator[None]:
    """Two avatars in a home, as long as this lasts: "Portrait" and "Head"."""
    head = load_builtin()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda config: Mirror(), device=lambda: "cpu"))
        dots = replace(RADIANCE, load=lambda config: Dots(), runtimes=DotsRuntimes, device=lambda: "cpu")
        patch.setitem(KINDS, "radiance", dots)
        for name, kind, network in (("Portrait", "styleavatar", Mirror()), ("Head", "radiance", Dots())):
            save(home.avatar(name), kind, network, at_rest(head=head))
        yield


def save(path: Path, kind: str, network: nn.Module, person: Any) -> None:
    """Write an avatar."""
    avatar_of(network, {}, person, kind=kind, consent=CONSENT, source="drawing.png").save(path)
