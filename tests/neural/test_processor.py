# SPDX-License-Identifier: GPL-3.0-or-later
"""PyTorch's threads are as many as there are free cores, unless somebody keeps to fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from semblance.common.progress import Progress
from semblance.neural import processor
from semblance.neural.processor import give_way, giving_way, kept_to
from semblance.neural.radiance.kernels import launching

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def free(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr(processor, "free_cores", lambda: cores)
    monkeypatch.setattr(launching, "free_cores", lambda: cores)


def test_a_task_gives_way_while_it_reports(monkeypatch):
    heard = []
    listener = giving_way(heard.append)
    for cores in (3, 1, 2):
        free(monkeypatch, cores)
        listener(Progress("Training", 1, 2))
        assert torch.get_num_threads() == cores
    assert len(heard) == 3


def test_who_keeps_to_one_thread_is_left_alone(monkeypatch):
    free(monkeypatch, 3)
    with kept_to(1):
        give_way()
        assert torch.get_num_threads() == 1
        with kept_to(2):
            assert torch.get_num_threads() == 2
        give_way()
        assert torch.get_num_threads() == 1
    give_way()
    assert torch.get_num_threads() == 3


def test_cores_that_are_busy_with_the_same_task_are_not_free(monkeypatch):
    for cores, threads in ((1, 1), (2, 1), (4, 3)):
        free(monkeypatch, cores)
        give_way(beside=1)
        assert torch.get_num_threads() == threads


def test_launches_are_shared_by_the_threads_of_free_cores(monkeypatch):
    monkeypatch.setattr(launching, "kernel_device", lambda: launching.KernelDevice(torch.device("cpu"), 4))
    for cores, threads in ((1, 1), (3, 3), (16, 4)):
        free(monkeypatch, cores)
        assert launching.free_threads() == threads
