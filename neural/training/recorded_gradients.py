# SPDX-License-Identifier: GPL-3.0-or-later
"""The gradients of a training step, recorded as a CUDA graph and replayed for every step of the same sort.

A step is thousands of small kernels; replayed, they start at once. Optimisers are not recorded: whether they use a
step's gradients is decided on the processor, and theirs are fewer kernels.

No GPU has been at hand: nothing of this has run on a card, only on processors that imitate one. So the first replayed
steps are compared with the plain step.
"""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..cuda_graphs import captured

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from torch import nn

    Losses = dict[str, Tensor]

log = logging.getLogger(__name__)

CHECKED = 3
"""Replayed steps of a sort that are compared with the plain one."""
TOLERANCES = {torch.float32: 0.01, torch.bfloat16: 0.05, torch.float16: 0.05}
"""How far losses may be apart in them, and gradients as a whole, in parts of their size: sums come in any order."""
NOTHING = 1e-6
"""What is apart no further is alike, however small it is."""
MOST = 16
"""Sorts of steps that are recorded; of each, the gradients are kept."""


@dataclass(frozen=True)
class Step:
    """A step whose gradients are wanted.

    Attributes:
        dtype: of its arithmetic.
        course: what does not come back once it has changed; with it, what is recorded is dropped.
        sort: tells steps apart that do other work, besides the shapes of their inputs.
        inputs: what is another one in each step, `[...]` by name.
        plain: does it: leaves gradients, and returns losses, of no dimension, by name.
        recordable: does it with inputs that it is given, waits for nothing and brings nothing to the GPU.
    """

    dtype: torch.dtype
    course: Hashable
    sort: Hashable
    inputs: Mapping[str, Tensor]
    plain: Callable[[], Losses]
    recordable: Callable[[Mapping[str, Tensor]], Losses]

    @property
    def phase(self) -> Hashable:
        """What a recording is dropped with."""
        return self.dtype, self.course

    @property
    def key(self) -> Hashable:
        """What the steps have in common that are replayed from one recording."""
        return self.sort, tuple((name, each.shape) for name, each in self.inputs.items())


@dataclass
class Recording:
    """One sort of step.

    Attributes:
        graph: what is replayed.
        inputs: what it reads, `[...]`; losses: what it leaves, of no dimension.
        gradients: where it leaves those of each weight.
        checked: how often it was compared with the plain step.
    """

    graph: torch.cuda.CUDAGraph
    inputs: dict[str, Tensor]
    losses: Losses
    gradients: list[tuple[nn.Parameter, Tensor]]
    checked: int = 0

    def replay(self, inputs: Mapping[str, Tensor]) -> Losses:
        """Do the step for inputs of the recorded shapes; the next replay of any recording overwrites what it leaves."""
        for name, kept in self.inputs.items():
            kept.copy_(inputs[name])
        self.graph.replay()
        for weight, gradient in self.gradients:
            weight.grad = gradient
        return self.losses


class RecordedGradients:
    """Makes the gradients of steps, recorded where that can be had.

    Args:
        modules: those whose weights get gradients. Weights stay where they are.

    Attributes:
        failure: why nothing is recorded any more; empty while it is.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self._weights = [weight for module in modules for weight in module.parameters()]
        self._buffers = [buffer for module in modules for buffer in module.buffers()]
        self._phase: Hashable = None
        self._met: set[Hashable] = set()
        self._recordings: dict[Hashable, Recording] = {}
        self._pool: Any = None
        self.failure = ""

    def make(self, step: Step) -> Losses:
        """Leave a step's gradients with the weights, which have none, and return its losses.

        Raises:
            RuntimeError: the plain step does.
        """
        if self.failure:
            return step.plain()
        if step.phase != self._phase:
            self.forget()
            self._phase = step.phase
        key = step.key
        ready = key in self._met and (key in self._recordings or len(self._recordings) < MOST)
        self._met.add(key)
        try:
            return self._replayed(key, step) if ready else step.plain()
        except RuntimeError as error:  # among them that the memory does not suffice, which it may without recordings
            if self._pool is None:
                raise
            reason = str(error) or type(error).__name__
        self._give_up(reason)
        self._drop_gradients()
        return step.plain()

    def forget(self) -> None:
        """Drop what is recorded, and its memory."""
        self._met.clear()
        self._recordings.clear()
        self._pool = None
        torch.cuda.empty_cache()

    def _replayed(self, key: Hashable, step: Step) -> Losses:
        if key not in self._recordings:
            self._recordings[key] = self._recorded(step)
        recording = self._recordings[key]
        if recording.checked == CHECKED:
            return recording.replay(step.inputs)
        with self._as_it_was():
            replayed = recording.replay(step.inputs)
        self._drop_gradients()
        made = step.plain()
        differing = differences(recording, replayed, made, TOLERANCES[step.dtype])
        if differing:
            self._give_up(f"a replayed one had other results ({', '.join(differing)})")
        recording.checked += differing is not None
        return made

    def _recorded(self, step: Step) -> Recording:
        kept = {name: each.clone() for name, each in step.inputs.items()}
        self._pool = self._pool or torch.cuda.graph_pool_handle()

        def work() -> Losses:
            self._drop_gradients()  # so that they are made anew, in the graph's memory
            return step.recordable(kept)

        with self._as_it_was():
            graph, losses = captured(work, self._pool)
            gradients = [(weight, weight.grad) for weight in self._weights if weight.grad is not None]
        return Recording(graph, kept, losses, gradients)

    @contextmanager
    def _as_it_was(self) -> Iterator[None]:
        """Undo what the body does to buffers, as statistics of batches are, and to random numbers."""
        before = [buffer.clone() for buffer in self._buffers]
        devices = {weight.device for weight in self._weights if weight.device.type == "cuda"}
        try:
            with torch.random.fork_rng(devices):
                yield
        finally:
            for buffer, kept in zip(self._buffers, before, strict=True):
                buffer.copy_(kept)

    def _drop_gradients(self) -> None:
        for weight in self._weights:
            weight.grad = None

    def _give_up(self, reason: str) -> None:
        log.warning("Training steps are not recorded, so they take longer: %s", reason)
        self.failure = reason
        self.forget()


def differences(recording: Recording, replayed: Losses, made: Losses, tolerance: float) -> list[str] | None:
    """The names of what a replayed recording left otherwise than the plain step after it did.

    None where the plain step left what is no number, as float16 does now and then: that tells nothing. The processor
    waits for the GPU once.
    """
    ours = [gradient for _, gradient in recording.gradients]
    theirs = [weight.grad for weight, _ in recording.gradients if weight.grad is not None]
    apart, whole = (torch.nn.utils.get_total_norm(each) for each in (torch._foreach_sub(ours, theirs), theirs))
    errors = torch.stack([*(replayed[name] - loss for name, loss in made.items()), apart])
    errors, sizes = torch.stack([errors, torch.stack([*made.values(), whole])]).abs().tolist()
    if not all(map(math.isfinite, sizes)):
        return None
    compared = zip((*made, "gradients"), errors, sizes, strict=True)
    return [name for name, error, size in compared if not error <= tolerance * size + NOTHING]
