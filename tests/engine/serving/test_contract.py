# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's contract: OpenAPI names every endpoint, and answers are as it says."""

from __future__ import annotations

from semblance.tests.makers.avatars import avatar_of
from torch import nn

ENDPOINTS = {
    "/v1/status": {"get"},
    "/v1/presence": {"get"},
    "/v1/jobs": {"get", "post"},
    "/v1/jobs/{id}": {"get", "delete"},
    "/v1/jobs/{id}/cancel": {"post"},
    "/v1/jobs/{id}/retry": {"post"},
    "/v1/jobs/{id}/finish": {"post"},
    "/v1/jobs/{id}/sooner": {"post"},
    "/v1/jobs/{id}/later": {"post"},
    "/v1/jobs/{id}/curve": {"get"},
    "/v1/jobs/{id}/log": {"get"},
    "/v1/jobs/{id}/events": {"get"},
    "/v1/jobs/{id}/preview": {"get"},
    "/v1/expectations": {"get"},
    "/v1/jobs/{id}/file": {"get"},
    "/v1/jobs/{id}/files": {"get"},
    "/v1/datasets": {"get"},
    "/v1/files/{sha256}": {"head", "get", "put"},
    "/v1/avatars": {"get", "post"},
    "/v1/avatars/{id}": {"get"},
    "/v1/avatars/{id}/frames": {"post"},
    "/v1/pins": {"post"},
    "/v1/avatars/{id}/splats": {"get"},
    "/v1/avatars/{id}/picture": {"post"},
    "/v1/avatars/{id}/file": {"get"},
    "/v1/verify": {"post"},
    "/v1/live/motions": {"post"},
    "/v1/live/motions/{id}/neutral": {"post"},
    "/v1/live/motions/{id}/sound": {"post", "delete"},
}


def test_openapi_names_every_endpoint_and_no_other(engine):
    paths = engine.client.get("/openapi.json").json()["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == ENDPOINTS


def test_answers_are_as_openapi_says(engine):
    avatar_of(nn.Linear(1, 1), {}).save(engine.home.avatar("whole"))
    contract = engine.client.get("/openapi.json").json()
    job = engine.wait(engine.submit("short"))
    asked = [
        ("get", "/v1/status", {}),
        ("get", "/v1/jobs", {}),
        ("get", "/v1/jobs/{id}", {"id": job.id}),
        ("post", "/v1/jobs/{id}/cancel", {"id": job.id}),
        ("post", "/v1/jobs/{id}/retry", {"id": job.id}),
        ("get", "/v1/jobs/{id}/curve", {"id": job.id}),
        ("post", "/v1/jobs/{id}/finish", {"id": job.id}),
        ("post", "/v1/jobs/{id}/sooner", {"id": job.id}),
        ("delete", "/v1/jobs/{id}", {"id": job.id}),
        ("get", "/v1/expectations", {}),
        ("get", "/v1/avatars", {}),
        ("get", "/v1/avatars/{id}", {"id": "whole"}),
        ("get", "/v1/avatars/{id}", {"id": "absent"}),
    ]
    for method, endpoint, names in asked:
        answer = engine.client.request(method, endpoint.format(**names))
        said = contract["paths"][endpoint][method]["responses"][str(answer.status_code)]
        fits(said["content"]["application/json"]["schema"], answer.json(), contract)


def fits(schema: dict, value, contract: dict) -> None:
    """Assert that `value` is what a JSON schema (those of its words that FastAPI uses here) allows."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        fits(contract["components"]["schemas"][name], value, contract)
        return
    if "anyOf" in schema:
        assert any(not raises(fits, option, value, contract) for option in schema["anyOf"]), (schema, value)
        return
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "array": list,
        "object": dict,
        "null": type(None),
    }
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (schema, value)
    if "enum" in schema:
        assert value in schema["enum"]
    for each in value if isinstance(value, list) else ():
        fits(schema["items"], each, contract)
    if "properties" in schema:
        assert set(schema.get("required", ())) <= set(value) <= set(schema["properties"])
        for name, each in value.items():
            fits(schema["properties"][name], each, contract)


def raises(function, *arguments) -> bool:
    try:
        function(*arguments)
    except AssertionError:
        return True
    return False


def test_openapi_links_a_new_job_to_what_can_be_asked_of_it(engine):
    contract = engine.client.get("/openapi.json").json()
    operations = {each["operationId"] for methods in contract["paths"].values() for each in methods.values()}
    links = contract["paths"]["/v1/jobs"]["post"]["responses"]["201"]["links"]
    assert {"events", "cancel"} <= set(links) <= operations
