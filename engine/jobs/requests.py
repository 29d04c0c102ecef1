# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what is asked of the engine by the definitions of jobs (`protocol.jobs`), and finds the paths it means."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_type_hints

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config

from ...common.errors import UserError
from ...common.home import Home, is_name
from ...protocol.jobs import JOBS, JobKind, JobRequest, NewDataset, Reenact
from ...protocol.parameters import Meaning
from ...protocol.references import Reference, is_file_name
from ...tracking.heads.imported import imported_heads
from ...tracking.heads.registry import HEAD_NAMES, KINDS, model_file

AnyJob = TypeVar("AnyJob", bound=JobRequest)


def unless_none(check: Callable[[str], str]) -> AfterValidator:
    """Have pydantic check a text, where there is one."""
    return AfterValidator(lambda text: None if text is None else check(text))


def absolute(path: str) -> str:
    """Refuse a relative path: the engine's working folder means nothing to who asks. A reference is none."""
    possible(path)
    if not Path(path).is_absolute() and Reference.read(path) is None:
        raise ValueError("must be an absolute path")
    return path


def possible(text: str) -> str:
    """Refuse what no file can be called."""
    try:
        encoded = os.fsencode(text)
    except UnicodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise ValueError("must not hold characters that no file name can hold")
    return text


def absolute_or_name(place: str) -> str:
    """Refuse what is neither an absolute path, nor a reference, nor a plain name."""
    possible(place)
    if not is_name(place) and Reference.read(place) is None and not Path(place).is_absolute():
        raise ValueError("must be an absolute path or a plain name")
    return place


def absolute_or_new(place: str) -> str:
    """Refuse what is neither an absolute path nor a plain name, of something to write."""
    possible(place)
    if not is_file_name(place) and not Path(place).is_absolute():
        raise ValueError("must be an absolute path or a plain name")
    return place


def known_head(name: str) -> str:
    """Refuse a head that Semblance does not know."""
    if name not in HEAD_NAMES:
        raise ValueError(f"must be one of {', '.join(HEAD_NAMES)}")
    return name


CHECKS: dict[Meaning, tuple[Any, ...]] = {
    Meaning.PATH: (unless_none(absolute),),
    Meaning.DATASET: (unless_none(absolute_or_name),),
    Meaning.AVATAR: (unless_none(absolute_or_name),),
    Meaning.HEAD: (unless_none(known_head), Field(json_schema_extra={"enum": list(HEAD_NAMES)})),
}
"""What pydantic has to check of a text, by what it stands for; of one that says where to write, `MADE`."""
MADE = (unless_none(absolute_or_new),)


def checking(job: type[JobRequest]) -> Any:
    """The type that has pydantic make such a job, checked by what its fields say of themselves, of nothing unknown."""
    types = get_type_hints(job)
    typed = [(each.name, checked_type(types[each.name], each.metadata), again(each)) for each in fields(job)]
    made = make_dataclass(job.__name__, typed, kw_only=True, namespace={"__doc__": job.__doc__})
    return Annotated[
        with_config(ConfigDict(extra="forbid", allow_inf_nan=False))(made),
        AfterValidator(lambda each: job(**vars(each))),
    ]


def checked_type(kind: Any, said: Mapping[str, Any]) -> Any:
    """The type of a parameter with pydantic's checks."""
    if said["each"]:
        bounds = Field(**said["each"])
        kind = tuple[tuple(Annotated[number, bounds] for number in get_args(kind))]  # type: ignore[misc]
    checks = MADE if said["made"] else CHECKS.get(said["meaning"], ())
    if kind == tuple[str, ...]:
        return tuple[Annotated[(str, *checks)], ...] if checks else kind
    return Annotated[(kind, *checks)] if checks else kind


def again(parameter: Any) -> Any:
    """The same field for another dataclass."""
    return field(default=parameter.default, metadata=parameter.metadata)


CHECKING: dict[JobKind, Any] = {kind: checking(job) for kind, job in JOBS.items()}


@dataclass(frozen=True)
class Submission:
    """What a client sends to ask for a job."""

    kind: JobKind
    parameters: JobRequest


def submission(kind: JobKind) -> type[Submission]:
    """A submission of one kind of job."""
    typed = [("kind", Literal[kind]), ("parameters", CHECKING[kind])]
    made = make_dataclass(
        f"Submit{JOBS[kind].__name__}", typed, bases=(Submission,), frozen=True, namespace={"__doc__": "Ask for a job."}
    )
    return with_config(ConfigDict(extra="forbid"))(made)


if TYPE_CHECKING:
    AnySubmission = Submission
else:
    AnySubmission = Annotated[reduce(or_, map(submission, JOBS)), Field(discriminator="kind")]


def checked(kind: JobKind, parameters: dict[str, Any]) -> JobRequest:
    """Return a job of this kind with these parameters.

    Raises:
        UserError: a value is missing, unknown or out of bounds.
    """
    try:
        job: JobRequest = TypeAdapter(CHECKING[kind]).validate_python(parameters)
        return job
    except ValidationError as error:
        raise UserError(refusal(list(error.errors()))) from None


def resolved(job: AnyJob, home: Home) -> AnyJob:
    """Return the job with the names of datasets, avatars and heads turned into paths in `home`.

    Raises:
        UserError: the head's file is not given and was not imported.
    """
    places = {Meaning.DATASET: home.dataset, Meaning.AVATAR: home.avatar}
    paths = {
        each.name: str(places[each.metadata["meaning"]](getattr(job, each.name)))
        for each in fields(job)
        if each.metadata["meaning"] in places
    }
    if isinstance(job, NewDataset) and (file := head_file(job.head, job.head_path, home)):
        paths["head_path"] = str(file)
    if isinstance(job, Reenact) and job.engines is None:
        paths["engines"] = str(home.engines)
    return replace(job, **paths)


def head_file(head: str, given: str | Path | None, home: Home) -> Path | None:
    """Return the file of a head: the one given, else the one imported into `home`; None for a head that needs none.

    Raises:
        UserError: there is neither.
    """
    if head not in KINDS:
        return None
    path = Path(given) if given else imported_heads(home.folder).get(head)
    if path is None:
        raise UserError(
            f"The head {head} needs head_path: the path of {KINDS[head].file}; give it or run `semblance heads import`."
        )
    return model_file(head, path)


def refusal(errors: list[Any]) -> str:
    """Turn pydantic's findings into one sentence."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return "The request is not JSON; send it as application/json, in UTF-8."
    if first["type"].startswith("union_tag"):
        return f"The kind of job is not right: it must be one of {', '.join(JobKind)}; correct it and ask again."
    where = [str(part) for part in first["loc"] if part not in ("body", "parameters", *JobKind)]
    unknown = first["type"] == "unexpected_keyword_argument"
    what = "there is no such parameter" if unknown else first["msg"].removeprefix("Value error, ")
    subject = f"“{'.'.join(where)}”" if where else "The request"
    return f"{subject} is not right: {what[:1].lower()}{what[1:]}; correct it and ask again."
