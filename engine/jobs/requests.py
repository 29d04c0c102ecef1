# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of the engine: the parameters of each kind of job, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...common.errors import UserError
from ...common.home import Home, is_name
from ...protocol.jobs import JobKind, MattingName, RuntimeName
from ...protocol.look import MOST_OFFSET
from ...tracking.heads.imported import imported_heads
from ...tracking.heads.registry import HEAD_NAMES, KINDS, model_file


def absolute(path: str) -> str:
    """Refuse a relative path: the engine's working folder means nothing to who asks."""
    if not Path(path).is_absolute():
        raise ValueError("must be an absolute path")
    return path


def absolute_or_name(place: str) -> str:
    """Refuse what is neither an absolute path nor a plain name."""
    if not is_name(place) and not Path(place).is_absolute():
        raise ValueError("must be an absolute path or a plain name")
    return place


def known_head(name: str) -> str:
    """Refuse a head that Semblance does not know."""
    if name not in HEAD_NAMES:
        raise ValueError(f"must be one of {', '.join(HEAD_NAMES)}")
    return name


AbsolutePath = Annotated[str, AfterValidator(absolute)]
Place = Annotated[str, AfterValidator(absolute_or_name)]
"""An absolute path, or the name of a dataset or avatar in the engine's home."""
HeadName = Annotated[str, AfterValidator(known_head), Field(json_schema_extra={"enum": list(HEAD_NAMES)})]
Cells = Annotated[float, Field(ge=-MOST_OFFSET, le=MOST_OFFSET)]
Offset = tuple[Cells, Cells]
"""To the right and down, in feature cells."""
Preset = Literal["preview", "standard", "final"]
WindowSize = Annotated[int, Field(ge=128, le=1024, multiple_of=64)]
"""Pixels of the central window's side."""
ORIGINAL_SIZE = 1024
"""That of the original preprocessing."""


class Parameters(BaseModel):
    """What every kind of parameters has in common: nothing unknown is let in."""

    model_config = ConfigDict(extra="forbid")


class HeadParameters(Parameters):
    """Which morphable head to fit, and how large the dataset's window is."""

    head: HeadName = "builtin"
    head_path: AbsolutePath | None = None
    size: WindowSize = 512


class MattingParameters(Parameters):
    """What makes the mattes, and whether they show the head alone."""

    matting: MattingName = "auto"
    head_only: bool = False


class TrackParameters(HeadParameters, MattingParameters):
    """Footage to dataset."""

    source: AbsolutePath
    dataset: Place
    layout: Literal["semblance", "styleavatar"] = "semblance"

    @model_validator(mode="after")
    def size_is_the_layouts(self) -> TrackParameters:
        """The original code knows one size of pictures."""
        if self.layout == "styleavatar" and self.size != ORIGINAL_SIZE:
            raise ValueError(f"the layout styleavatar needs the size {ORIGINAL_SIZE}")
        return self


class PhotoParameters(HeadParameters, MattingParameters):
    """One photo to dataset."""

    photo: AbsolutePath
    dataset: Place


class BuildParameters(Parameters):
    """Dataset to avatar; `seconds` or `steps` end the training early."""

    dataset: Place
    avatar: Place
    preset: Preset = "preview"
    seconds: float | None = Field(default=None, gt=0, le=7 * 24 * 3600)
    steps: int | None = Field(default=None, gt=0, le=10_000_000)
    train_share: float = Field(default=0.8, gt=0, le=1)
    resume: bool = True
    base: AbsolutePath | None = None


class ReenactParameters(Parameters):
    """Avatar and driver (a video, a performance file or a dataset) to a video or a folder of pictures.

    `engines` is the folder where TensorRT's engines are kept, the home's when not given.
    """

    avatar: Place
    driver: AbsolutePath
    out: AbsolutePath
    background: bool = True
    absolute: bool = False
    head_path: AbsolutePath | None = None
    panels: AbsolutePath | None = None
    runtime: RuntimeName = "torch"
    engines: AbsolutePath | None = None
    time_code: float | None = Field(default=None, allow_inf_nan=False)
    foreground_offset: Offset = (0, 0)
    background_offset: Offset = (0, 0)


class TrackRequest(Parameters):
    """Ask for tracking."""

    kind: Literal[JobKind.TRACK]
    parameters: TrackParameters


class PhotoRequest(Parameters):
    """Ask for a dataset from one photo."""

    kind: Literal[JobKind.PHOTO]
    parameters: PhotoParameters


class BuildRequest(Parameters):
    """Ask for an avatar."""

    kind: Literal[JobKind.BUILD]
    parameters: BuildParameters


class ReenactRequest(Parameters):
    """Ask for a reenactment."""

    kind: Literal[JobKind.REENACT]
    parameters: ReenactParameters


JobRequest = Annotated[TrackRequest | PhotoRequest | BuildRequest | ReenactRequest, Field(discriminator="kind")]

PARAMETERS: dict[JobKind, type[Parameters]] = {
    JobKind.TRACK: TrackParameters,
    JobKind.PHOTO: PhotoParameters,
    JobKind.BUILD: BuildParameters,
    JobKind.REENACT: ReenactParameters,
}


def checked(kind: JobKind, values: dict[str, Any]) -> Any:
    """Return the parameters of a job of this kind.

    Raises:
        UserError: a value is missing, unknown or out of bounds.
    """
    try:
        return PARAMETERS[kind](**values)
    except ValidationError as error:
        raise UserError(refusal(list(error.errors()))) from None


def placed(parameters: Any, home: Home) -> Any:
    """Return the parameters with the names of datasets, avatars and heads turned into paths in `home`.

    Raises:
        UserError: the head's file is not given and was not imported.
    """
    places = {"dataset": home.dataset, "avatar": home.avatar}
    present = {name: path_of for name, path_of in places.items() if name in type(parameters).model_fields}
    paths = {name: str(path_of(getattr(parameters, name))) for name, path_of in present.items()}
    if isinstance(parameters, HeadParameters) and (file := head_file(parameters.head, parameters.head_path, home)):
        paths["head_path"] = str(file)
    if isinstance(parameters, ReenactParameters) and parameters.engines is None:
        paths["engines"] = str(home.engines)
    return parameters.model_copy(update=paths)


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
        return "The request is not JSON; send it as application/json."
    if first["type"].startswith("union_tag"):
        return f"The kind of job is not right: it must be one of {', '.join(JobKind)}; correct it and ask again."
    where = [str(part) for part in first["loc"] if part not in ("body", "parameters", *JobKind)]
    what = first["msg"].removeprefix("Value error, ")
    subject = f"“{'.'.join(where)}”" if where else "The request"
    return f"{subject} is not right: {what[:1].lower()}{what[1:]}; correct it and ask again."
