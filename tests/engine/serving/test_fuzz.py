# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent to the engine, it answers as OpenAPI says and never with a fault of ours."""

from __future__ import annotations

import io
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
import pytest
import schemathesis
import torch
from hypothesis import strategies
from semblance.engine.jobs import scheduler as scheduler_module
from semblance.neural.kinds import KINDS
from semblance.neural.styleavatar.kind import STYLEAVATAR
from semblance.protocol.arrays import ARRAYS_TYPE
from semblance.protocol.messages import VERSION
from semblance.tests.engine.conftest import TOKEN
from semblance.tests.makers.avatars import avatar_of

if TYPE_CHECKING:
    from collections.abc import Iterator


SECONDS = 20.0
"""For single requests: a few thousand."""
ATTEMPTS, WALKS = 3, 40
"""Through jobs, at most: they end where one that is taken again goes otherwise, which Hypothesis does not bear."""
ENDLESS = "/v1/presence"
GOOD_JOBS = (
    {"kind": "track", "parameters": {"source": "/clip.mp4", "dataset": "a"}},
    {"kind": "build", "parameters": {"dataset": "/d", "avatar": "a", "seconds": 1.5}},
    {"kind": "orbit", "parameters": {"avatar": "whole", "out": "/o.mp4"}},
)
"""Random texts are hardly ever paths."""
NAMES = ("uv", "texture", "vertices", "expression", "rotation", "view", "camera", "time_code", "foreground_offset", "x")
SHAPES = ((), (0,), (6,), (1, 6), (1, 3, 3), (2, 5, 3), (1, 256, 256, 3), (2, 256, 256, 3), (1, 4, 4, 3))
KINDS_OF_NUMBERS = ("float16", "float32", "float64", "int8", "uint64", "bool", "complex64", "U3")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # its own deprecations
]


class Copies(torch.nn.Module):
    """A network that gives the texture map back."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(4096))

    def forward(self, uv: torch.Tensor, texture: torch.Tensor, time_code: torch.Tensor) -> torch.Tensor:
        return torch.cat([texture, uv[:, 2:]], 1)


@pytest.fixture(scope="module")
def quick_engine(engine: Any) -> Iterator[Any]:
    """The engine with jobs that end at once, and with an avatar."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduler_module, "WORKER", (sys.executable, "-S", "-c", "pass"))
        patch.setitem(KINDS, "styleavatar", replace(STYLEAVATAR, load=lambda config: Copies()))
        avatar_of(Copies(), {}).save(engine.home.avatar("whole"))
        yield engine


@strategies.composite
def packed(draw: strategies.DrawFn) -> bytes:
    """The bytes of an `.npz` file with some of the arrays that the engine knows, of any shapes, sometimes cut."""
    arrays = {}
    for name in draw(strategies.lists(strategies.sampled_from(NAMES), max_size=6, unique=True)):
        shape, kind = draw(strategies.sampled_from(SHAPES)), draw(strategies.sampled_from(KINDS_OF_NUMBERS))
        filled = draw(strategies.sampled_from((0, 1, -1, 1e6, float("nan"), float("inf"))))
        with np.errstate(all="ignore"):
            arrays[name] = np.full(shape, filled).astype(kind)
    file = io.BytesIO()
    (np.savez_compressed if draw(strategies.booleans()) else np.savez)(file, **arrays)
    whole = file.getvalue()
    return whole[: draw(strategies.integers(0, len(whole)))] if draw(strategies.booleans()) else whole


@pytest.fixture(scope="module")
def schema(quick_engine: Any) -> Any:
    """The engine's OpenAPI, as the fuzzer reads it."""
    schemathesis.openapi.media_type(ARRAYS_TYPE, packed())

    @schemathesis.serializer(ARRAYS_TYPE)
    def serialized(_context: Any, value: Any) -> bytes:
        return value if isinstance(value, bytes) else str(value).encode()

    contract = quick_engine.client.get("/openapi.json").json()
    del contract["paths"][ENDLESS]
    return schemathesis.openapi.from_dict(contract)


def ask(engine: Any, case: Any, **more: Any) -> Any:
    """Send a case; assert that the answer is none of our faults and as the contract says."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    response = case.call(base_url=str(engine.client.base_url).rstrip("/"), headers=headers, timeout=60, **more)
    assert response.status_code < 500, (case.as_curl_command(), response.text)
    checks = schemathesis.checks
    case.validate_response(
        response,
        checks=[
            checks.CHECKS.get_one(name)
            for name in ("not_a_server_error", "status_code_conformance", "content_type_conformance",
                         "response_schema_conformance")
        ],
    )  # fmt: skip
    return response


def test_every_endpoint_stands_whatever_is_sent(quick_engine, schema):
    operations = [result.ok() for result in schema.get_all_operations()]
    asked, each = 0, SECONDS / len(operations)
    for operation in operations:
        deadline = time.monotonic() + each

        @hypothesis.settings(max_examples=300, deadline=None, database=None, derandomize=True)
        @hypothesis.given(case=operation.as_strategy())
        def send(case: Any) -> None:
            nonlocal asked
            if time.monotonic() < deadline:  # noqa: B023 (it is called in this round)
                asked += 1
                ask(quick_engine, case)

        send()
    print(f"{asked} requests to {len(operations)} endpoints")
    assert asked > 10 * len(operations)
    assert quick_engine.client.get("/v1/status").json()["protocol"] == VERSION


def test_jobs_and_what_can_be_asked_of_them_stand_in_any_order(quick_engine, schema):
    """OpenAPI's links lead from a new job to its events, its log, its end."""
    followed: set[str] = set()

    class Walk(schema.as_state_machine()):
        def call(self, case: Any, **_: Any) -> Any:
            if case.path == "/v1/jobs" and case.method == "POST":
                case.body = GOOD_JOBS[len(known) % len(GOOD_JOBS)]
            if "{id}" in case.path and case.path_parameters["id"] in known:
                followed.add(case.path)
            try:
                response = ask(quick_engine, case)
            except (Exception, BaseExceptionGroup) as fault:
                faults.append(fault)
                raise
            if response.status_code == 201:
                known.add(response.json()["id"])
            return response

        def validate_response(self, *_: Any, **__: Any) -> None:
            """It was validated when it came."""

    known: set[str] = set()
    faults: list[BaseException] = []
    settings = hypothesis.settings(
        max_examples=WALKS,
        stateful_step_count=8,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    for _ in range(ATTEMPTS):
        with suppress(hypothesis.errors.FlakyStrategyDefinition):  # when a job ends is not for Hypothesis to say
            Walk.run(settings=settings)
        if "/v1/jobs/{id}/events" in followed:
            break
    assert not faults
    print(f"{len(known)} jobs; {sorted(followed)}")
    assert "/v1/jobs/{id}/events" in followed
