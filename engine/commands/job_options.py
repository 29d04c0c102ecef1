# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's arguments and options for jobs and looks, made of their definitions (`protocol`).

A parameter that has to be given is an argument; the others are options, and so is one of which the command makes up
the value when it is not given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import MISSING, Field, fields
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ...common.home import Home
from ...protocol.jobs import JobRequest
from ...protocol.parameters import NO_OPTION, RANGE, Meaning
from .shared import HomeOption, avatar_file, dataset_folder, home_of, run

Command = Callable[..., None]
JobField = Field[Any]


def range_of(text: Any) -> tuple[float, float]:
    """The least and the most, of "-30,30"; a default is a range already.

    Raises:
        typer.BadParameter: the text is not two numbers.
    """
    if isinstance(text, tuple):
        return text
    try:
        least, most = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not two numbers with a comma between them, such as -30,30.") from None
    return least, most


def options_of(
    job: type[Any], *, only: Collection[str] | None = None, optional: Collection[str] = ()
) -> Callable[[Command], Command]:
    """Give a command the parameters of a job (or of a look) beside its own; of the same name, its own counts.

    The command takes them as `**parameters`, ready for `run`: paths are absolute, and where an argument names a dataset
    or an avatar in the home, it has become a path. None stands for what was not given and has no default.

    Args:
        job: whose parameters.
        only: the names of those to offer; all when None.
        optional: the names of arguments that may be left out.
    """

    def with_options(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [each for each in signature.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
        offered = [each for each in offered_by(job, only) if each.name not in signature.parameters]
        types = get_type_hints(job)
        added = [parameter_of(each, types[each.name], each.name in optional) for each in offered]

        @wraps(command)
        def called(**given: Any) -> None:
            home = home_of(given.get("home"))
            parameters = {each.name: plain(each, given.pop(each.name), home) for each in offered}
            command(**given, **parameters)

        shown = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in (*added, *own)]
        called.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in shown}
        return called

    return with_options


def command_of(job: type[JobRequest]) -> Command:
    """The command of a job that needs nothing of the command line's own."""

    @options_of(job)
    def command(home: HomeOption = None, **parameters: Any) -> None:
        run(job, home, parameters)

    command.__doc__ = inspect.cleandoc(job.__doc__ or "").partition("\n\n")[0]
    return command


def offered_by(job: type[Any], only: Collection[str] | None) -> list[JobField]:
    """The fields that the command line offers, those without a default first."""
    named = [each for each in fields(job) if only is None or each.name in only]
    offered = [each for each in named if each.metadata["option"] != NO_OPTION]
    return sorted(offered, key=lambda each: each.default is not MISSING)


def is_argument(parameter: JobField) -> bool:
    """Tell whether a parameter is an argument of the command line."""
    return parameter.default is MISSING and not parameter.metadata["unless_given"]


def parameter_of(parameter: JobField, kind: Any, optional: bool) -> Parameter:
    """The argument or option of a job's parameter."""
    said, default = parameter.metadata, None if parameter.default is MISSING else parameter.default
    annotation: Any
    shown: dict[str, Any] = {"help": said["description"], "metavar": said["metavar"]}
    if default is None:
        shown["show_default"] = said["unless_given"] or False
    if is_argument(parameter):
        place = said["meaning"] in (Meaning.DATASET, Meaning.AVATAR)
        kind = str if place else Path if said["meaning"] is Meaning.PATH else kind
        annotation = Annotated[kind | None if optional else kind, typer.Argument(**shown)]
        default = None if optional else Parameter.empty
    else:
        kind = Path | None if said["meaning"] not in (None, Meaning.HEAD) else kind
        if said["metavar"] == RANGE:
            kind = Any
            shown |= {"parser": range_of, "show_default": ",".join(f"{each:g}" for each in default or ())}
        annotation = Annotated[kind, typer.Option(*declared(parameter), **shown)]
    return Parameter(parameter.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def declared(parameter: JobField) -> tuple[str, ...]:
    """How an option is spelled, where typer would not find it: a switch that is off has no opposite."""
    if parameter.metadata["option"]:
        return (parameter.metadata["option"],)
    return (f"--{parameter.name.replace('_', '-')}",) if parameter.default is False else ()


def plain(parameter: JobField, value: Any, home: Home) -> Any:
    """The value as jobs have it: an absolute path as text; what an argument names in the home is looked up there."""
    meaning = parameter.metadata["meaning"]
    if value is None or meaning in (None, Meaning.HEAD):
        return value
    if is_argument(parameter) and meaning is Meaning.DATASET:
        return str(dataset_folder(value, home))
    if is_argument(parameter) and meaning is Meaning.AVATAR:
        return str(avatar_file(value, home))
    return str(Path(value).absolute())
