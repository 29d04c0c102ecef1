# SPDX-License-Identifier: GPL-3.0-or-later
"""One definition per job: HTTP, the command line and the task derive from it, and so would those of a new job."""

from __future__ import annotations

import inspect
import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from types import UnionType
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import pytest
import typer
from semblance.common.errors import UserError
from semblance.common.home import Home
from semblance.engine.commands import avatars, cli
from semblance.engine.commands.cli import app, main
from semblance.engine.commands.job_options import command_of
from semblance.engine.jobs import requests, tasks
from semblance.engine.jobs.requests import checked, resolved
from semblance.engine.jobs.scheduler import Scheduler
from semblance.engine.serving.server import create_app
from semblance.protocol.jobs import JOBS, Build, JobKind, JobRequest, Photo, Reenact, Track
from semblance.protocol.look import Look
from semblance.protocol.parameters import NO_OPTION, Meaning, about
from semblance.tracking.datasets.consent import Consent, note_consent

REQUIRED: dict[JobKind, dict[str, Any]] = {
    JobKind.TRACK: {"source": "/a.mp4", "dataset": "a"},
    JobKind.PHOTO: {"photo": "/a.jpg", "dataset": "a"},
    JobKind.BUILD: {"dataset": "a", "avatar": "a"},
    JobKind.REENACT: {"avatar": "a", "driver": "/d.mp4", "out": "/o.mp4"},
    JobKind.BAKE: {"avatar": "a", "dataset": "a"},
    JobKind.ORBIT: {"avatar": "a", "out": "/o.mp4"},
    JobKind.MARK: {"file": "/o.mp4", "avatar": "a"},
    JobKind.MEASURE: {},
}
"""The least that each job needs."""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEMBLANCE_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def done(monkeypatch) -> list[JobRequest]:
    """The jobs that were done, in place of doing them."""
    taken: list[JobRequest] = []

    def task(job, listener):
        taken.append(job)
        return {"made": "it"}

    monkeypatch.setattr(avatars, "say_what_is_missing", lambda: None)
    monkeypatch.setattr(avatars, "say_what_to_expect", lambda *_: None)
    for kind in JobKind:
        monkeypatch.setitem(tasks.TASKS, kind, task)
    return taken


@pytest.fixture(scope="module")
def contract(tmp_path_factory) -> dict[str, Any]:
    """What OpenAPI says."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    scheduler = Scheduler(home)
    said = create_app(scheduler, "token").openapi()
    scheduler.store.close()
    return said


def run(*arguments: str) -> None:
    """Run the command line, which must succeed."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    assert left.value.code == 0


def test_every_kind_has_a_definition_and_a_task():
    assert set(JOBS) == set(tasks.TASKS) == set(JobKind)
    for kind, job in JOBS.items():
        assert job.kind is kind
        (task_job, _, _) = get_type_hints(tasks.TASKS[kind]).values()
        assert task_job is job


@pytest.mark.parametrize("kind", JobKind)
def test_http_takes_what_the_definition_says(contract, kind):
    schemas, job = contract["components"]["schemas"], JOBS[kind]
    body = contract["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["discriminator"]["mapping"][kind] == f"#/components/schemas/Submit{job.__name__}"
    said = schemas[job.__name__]
    assert set(said["properties"]) == {each.name for each in fields(job)}
    required = {each.name for each in fields(job) if each.default is MISSING}
    assert set(said.get("required", ())) == required == set(REQUIRED[kind])
    assert said["additionalProperties"] is False
    types = get_type_hints(job)
    for each in fields(job):
        schema = said["properties"][each.name]
        assert schema["description"] == each.metadata["description"]
        assert json.dumps(schema.get("default")) == json.dumps(None if each.default is MISSING else each.default)
        optional = get_origin(types[each.name]) is UnionType
        kind, allowed = (get_args(types[each.name])[0], schema["anyOf"][0]) if optional else (types[each.name], schema)
        if get_origin(kind) is Literal:
            assert tuple(allowed["enum"]) == get_args(kind)


@pytest.mark.parametrize("kind", JobKind)
def test_the_command_line_offers_what_the_definition_says(kind):
    offered = {each.name: each for each in typer.main.get_command(app).commands[kind].params}
    for each in fields(JOBS[kind]):
        if each.metadata["option"] == NO_OPTION:
            assert each.name not in offered
            continue
        parameter = offered[each.name]
        assert parameter.help.startswith(each.metadata["description"])
        if each.default is not MISSING:
            assert parameter.default == each.default
            assert (each.metadata["option"] or f"--{each.name.replace('_', '-')}") in parameter.opts


@pytest.mark.parametrize("kind", JobKind)
def test_a_job_stays_the_same_on_its_way(kind):
    job = JOBS[kind](**REQUIRED[kind])
    assert job.given() == REQUIRED[kind]
    assert checked(kind, json.loads(json.dumps(job.given()))) == job
    assert checked(kind, json.loads(json.dumps(asdict(job)))) == job


def test_more_photos_are_absolute_paths_too():
    parameters = {**REQUIRED[JobKind.PHOTO], "more": ["/b.jpg", "/c.jpg"]}
    assert checked(JobKind.PHOTO, parameters) == Photo(**REQUIRED[JobKind.PHOTO], more=("/b.jpg", "/c.jpg"))
    with pytest.raises(UserError, match="more"):
        checked(JobKind.PHOTO, {**parameters, "more": ["b.jpg"]})


def test_jobs_of_earlier_engines_can_still_be_read():
    """As they lie in jobs.sqlite, written by the models that there were before."""
    tracked = {"matting": "auto", "head_only": False, "head": "builtin", "head_path": None, "size": 256,
               "source": "/a.mp4", "dataset": "/home/datasets/a", "layout": "semblance"}  # fmt: skip
    built = {"dataset": "/home/datasets/a", "avatar": "/home/avatars/a.safetensors", "preset": "preview",
             "seconds": None, "steps": 5, "train_share": 0.8, "resume": True, "base": None}  # fmt: skip
    moved = {"avatar": "/a", "driver": "/b", "out": "/c", "background": True, "absolute": False, "head_path": None,
             "panels": None, "runtime": "torch", "engines": "/e", "time_code": 0.5, "foreground_offset": [1.5, -2.0],
             "background_offset": [0, 0]}  # fmt: skip
    for kind, parameters in (("track", tracked), ("build", built), ("reenact", moved)):
        read = json.loads(json.dumps(asdict(checked(JobKind(kind), parameters))))
        assert {name: read[name] for name in parameters} == parameters


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("track", {"layout": "styleavatar"}, "The request is not right: the layout styleavatar needs the size 1024;"),
        ("track", {"layout": "original"}, "“layout”"),
        ("track", {"head_path": "head.npy"}, "“head_path” is not right: must be an absolute path;"),
        ("track", {"colour": 1}, "“colour” is not right: there is no such parameter;"),
        ("build", {"seconds": float("nan")}, "“seconds”"),
        ("build", {"seconds": float("inf")}, "“seconds”"),
        ("build", {"steps": 0}, "“steps”"),
        ("build", {"consent_by": "Ada"}, "consent_by and consent_for need consent"),
        ("reenact", {"time_code": float("inf")}, "“time_code”"),
        ("reenact", {"foreground_offset": [0, 32.5]}, "“foreground_offset.1”"),
        ("reenact", {"background_offset": [float("nan"), 0]}, "“background_offset.0”"),
        ("reenact", {"background_offset": [1]}, "“background_offset.1”"),
    ],
)
def test_values_out_of_bounds_are_refused_in_a_sentence(kind, parameters, words):
    with pytest.raises(UserError) as refused:
        checked(JobKind(kind), {**REQUIRED[JobKind(kind)], **parameters})
    assert words in str(refused.value)
    assert str(refused.value).endswith("; correct it and ask again.")


def test_the_command_line_makes_up_what_is_not_given(done, home, tmp_path):
    run("track", "film.mp4", "--layout", "styleavatar", "--head-only")
    run("build", "film", "--from", "base.safetensors", "--no-resume")
    run("reenact", "somebody", "film.mp4")
    film, films = str(tmp_path / "film.mp4"), str(home.dataset("film"))
    assert done[0] == Track(source=film, dataset=films, size=1024, layout="styleavatar", head_only=True)
    assert done[1] == Build(
        dataset=str(tmp_path / "film"),
        avatar=str(home.avatar("film")),
        base=str(tmp_path / "base.safetensors"),
        resume=False,
    )
    out = str(tmp_path / "somebody_film.mp4")
    avatar = str(tmp_path / "somebody")
    assert done[2] == Reenact(avatar=avatar, driver=film, out=out, engines=str(home.engines))


def test_the_command_line_knows_what_lies_in_the_home(done, home):
    home.dataset("talk").mkdir(parents=True)
    home.avatars.mkdir()
    home.avatar("me").touch()
    run("build", "talk")
    run("reenact", "me", "film.mp4")
    assert done[0].dataset == str(home.dataset("talk"))
    assert done[1].avatar == str(home.avatar("me"))


def test_a_build_without_consent_is_done_and_says_so(done, home, capsys):
    run("build", "talk")
    assert "No consent of the person shown is stated" in capsys.readouterr().err
    run("build", "talk", "--consent", "I agree", "--consent-by", "Ada")
    assert "consent" not in capsys.readouterr().err
    assert (done[1].consent, done[1].consent_by) == ("I agree", "Ada")
    home.dataset("talk").mkdir(parents=True)
    note_consent(home.dataset("talk"), Consent("I agree"))
    run("build", "talk")
    assert "consent" not in capsys.readouterr().err


def test_offsets_on_the_command_line(done):
    run("reenact", "me", "film.mp4", "--foreground-offset", "8", "-2.5", "--footage-moment", "0.25")
    assert done[0].look() == Look(0.25, (8.0, -2.5))


def test_a_preset_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit) as left:
        main(["build", "me", "--preset", "huge"])
    assert left.value.code == 2
    assert "preview" in capsys.readouterr().err


def test_a_new_job_needs_its_definition_and_its_task(monkeypatch, done, capsys, home):
    @dataclass(frozen=True, kw_only=True)
    class Dance(JobRequest):
        """Let an avatar dance."""

        kind: ClassVar[Any] = "dance"
        avatar: str = field(metadata=about("Who dances.", meaning=Meaning.AVATAR))
        style: Literal["waltz", "tango"] = field(default="waltz", metadata=about("How.", option="--as"))
        bars: int = field(default=3, metadata=about("For how long.", ge=1))

    monkeypatch.setitem(requests.CHECKING, "dance", requests.checking(Dance))
    monkeypatch.setitem(tasks.TASKS, "dance", tasks.TASKS[JobKind.TRACK])
    other = typer.Typer()
    other.command("dance")(command_of(Dance))
    other.callback()(lambda: None)
    monkeypatch.setattr(cli, "app", other)
    run("dance", "me", "--as", "tango")
    assert [asdict(each) for each in done] == [{"avatar": str(home.folder.parent / "me"), "style": "tango", "bars": 3}]
    assert resolved(Dance(avatar="me"), home).avatar == str(home.avatar("me"))
    with pytest.raises(SystemExit):
        main(["dance", "me", "--bars", "0"])
    assert "“bars”" in capsys.readouterr().err
    assert inspect.getdoc(other.registered_commands[0].callback) == "Let an avatar dance."
