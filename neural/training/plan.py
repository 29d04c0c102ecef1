# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...common.errors import UserError

if TYPE_CHECKING:
    from .checkpoints import TrainingState


@dataclass(frozen=True)
class Plan:
    """How long to train: until `seconds` of training or `steps` are done; one of them is None."""

    seconds: float | None
    steps: int | None

    @classmethod
    def of(cls, seconds: float | None, steps: int | None, usual: float) -> Plan:
        """Make of what was asked for a plan: steps, or else seconds, or else the `usual` seconds.

        Raises:
            UserError: that is no time at all.
        """
        plan = cls(None, steps) if steps is not None else cls(usual if seconds is None else seconds, None)
        if plan.amount <= 0:
            raise UserError("Training needs some time: ask for more than 0 seconds or steps.")
        return plan

    def part(self, share: float) -> Plan:
        """A share (above 0, to 1) of this plan; at least one step."""
        if self.steps is not None:
            return Plan(None, max(1, round(share * self.steps)))
        return Plan(share * self.amount, None)

    @property
    def amount(self) -> float:
        """How much is asked for: steps, or else seconds."""
        amount = self.steps if self.steps is not None else self.seconds
        assert amount is not None
        return amount

    def done(self, state: TrainingState) -> float:
        """How much of that is done."""
        return state.step if self.steps is not None else state.seconds

    def fraction(self, state: TrainingState) -> float:
        """How much of the plan is done; 1 and more when it is over."""
        return self.done(state) / self.amount

    def seconds_left(self, state: TrainingState) -> float | None:
        """Estimate of the time to the end; None before the first step."""
        if self.seconds is not None:
            return max(0.0, self.seconds - state.seconds)
        return state.seconds / state.step * (self.amount - state.step) if state.step else None
