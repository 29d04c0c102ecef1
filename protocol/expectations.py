# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a build takes on this machine, and what can be expected of it. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.clock import duration
from .messages import Message

ENOUGH = 0.5
"""Share of the steps that a preset is meant for, below which its usual time is said to be too short."""

LEAST_SHARE = 0.01
"""That is told as a number."""
SECONDS_OF_A_DAY = 86_400


@dataclass(frozen=True)
class Expectation(Message):
    """What to expect of a preset.

    Attributes:
        kind: what is built, a key of `choices.AVATAR_KINDS`; preset: a key of `choices.PRESETS`.
        seconds: how long it trains unless told.
        steps: that it is meant to do in this time; 0 where that is not known.
        rate: steps a second on this machine; 0 where it was not measured.
    """

    kind: str
    preset: str
    seconds: float
    steps: int = 0
    rate: float = 0.0

    @property
    def share(self) -> float:
        """How much of the steps that it is meant for fits into its time here; 1 where that is not known."""
        return min(1.0, self.seconds * self.rate / self.steps) if self.steps and self.rate else 1.0

    @property
    def is_enough(self) -> bool:
        """Tell whether the preset's time is worth waiting for here, as far as is known."""
        return self.share >= ENOUGH

    @property
    def sentence(self) -> str:
        """What to tell the artist."""
        usual = duration(self.seconds, coarse=True)
        if not self.is_enough:
            part = f"{self.share:.0%}" if self.share >= LEAST_SHARE else f"less than {LEAST_SHARE:.0%}"
            whole = days_or_less(self.steps / self.rate)
            return f"{usual} of training, {part} of what this quality wants on this computer: all of it takes {whole}."
        if self.rate:
            return f"{usual} of training here, about {round_steps(self.seconds * self.rate):,} steps."
        return f"{usual} of training."


def days_or_less(seconds: float) -> str:
    """A length of time that may be days."""
    days = seconds / SECONDS_OF_A_DAY
    return f"{days:.0f} days" if days >= 2 else duration(seconds, coarse=True)


def round_steps(steps: float) -> int:
    """A number of steps, to two figures."""
    return int(float(f"{steps:.2g}"))
