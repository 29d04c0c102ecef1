# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens on a GPU around the recording of a network, with a stand-in for PyTorch's part of it."""

from __future__ import annotations

import contextlib

import pytest
import torch
from semblance.neural.cuda_graphs import RECORDING
from semblance.neural.runtimes import cuda_graph
from semblance.neural.runtimes.cuda_graph import recorded
from torch import nn


class Stream:
    waits = 0

    def wait_stream(self, other):
        Stream.waits += 1


class Graph:
    def replay(self):
        pass


@pytest.fixture
def recordings(monkeypatch):
    """How graphs were recorded; `error` is raised by the next one."""

    class Recordings(list):
        error: Exception | None = None

    made = Recordings()

    @contextlib.contextmanager
    def graph(_, **options):
        made.append(options | {"alone": RECORDING.locked()})
        if made.error:
            raise made.error
        yield

    for name, stand_in in {
        "Stream": Stream,
        "current_stream": Stream,
        "stream": lambda _: contextlib.nullcontext(),
        "CUDAGraph": Graph,
        "graph": graph,
        "empty_cache": lambda: None,
    }.items():
        monkeypatch.setattr(cuda_graph.torch.cuda, name, stand_in)
    return made


def test_one_network_is_recorded_at_a_time_and_other_threads_may_take_memory(recordings):
    painter = recorded(nn.Linear(2, 2), torch.zeros(1, 2))
    assert recordings == [{"pool": None, "capture_error_mode": "thread_local", "alone": True}]
    assert not RECORDING.locked()
    assert isinstance(painter, cuda_graph.Recorded)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no room"), RuntimeError("operation not permitted")])
def test_a_network_that_cannot_be_recorded_paints_as_it_is(recordings, caplog, error):
    recordings.error = error
    network, waits = nn.Linear(2, 2), Stream.waits
    assert recorded(network, torch.zeros(1, 2)) is network
    assert Stream.waits == waits + 2, "it begins after what was before, and what comes after it waits"
    assert "could not be recorded" in caplog.text
    recordings.error = None
    assert recorded(network, torch.zeros(1, 2)) is not network
