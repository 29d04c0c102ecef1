# SPDX-License-Identifier: GPL-3.0-or-later
"""The long tasks that the engine can be asked for: the one definition of each kind of job.

A kind of job is a dataclass, its parameters are the fields, and each field says (`about`) what everybody who offers or
checks it has to know. The engine's checks and OpenAPI, the command line's arguments and options and Blender's requests
are made of it. On the wire a job is `{"kind": kind, "parameters": {name: value, ...}}`; paths are absolute, on the
engine's machine, or bare names of datasets and avatars in the engine's home. For an engine on another machine, files to
read are references to what was sent there (`references`), and files to write have bare names.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from .choices import (
    ORIGINAL_SIZE,
    PRESETS,
    AvatarKindName,
    CoarseName,
    CornerName,
    LayoutName,
    MattingName,
    PresetName,
    RestorerName,
    RuntimeName,
)
from .look import CONTROLS, Look
from .parameters import NO_OPTION, RANGE, Meaning, about

DEGREES = {"ge": -180, "le": 180}
"""Bounds of an angle."""


class JobKind(enum.StrEnum):
    """What a job does."""

    TRACK = "track"
    PHOTO = "photo"
    BUILD = "build"
    REENACT = "reenact"
    ORBIT = "orbit"
    BAKE = "bake"
    MARK = "mark"
    MEASURE = "measure"


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """A job to ask the engine for; its fields are the job's parameters.

    Attributes:
        kind: what it does.
        resumable: True when a job that was killed, or stopped with its engine, goes on where it stood; one that is not
            has failed.
        may_end: True when it can be told to end early with what it has made.
    """

    kind: ClassVar[JobKind]
    resumable: ClassVar[bool] = False
    may_end: ClassVar[bool] = False

    def given(self) -> dict[str, Any]:
        """The parameters that differ from their defaults: all that an engine, which may be older, needs to know."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name)) != each.default}


@dataclass(frozen=True, kw_only=True)
class NewDataset(JobRequest):
    """What `Track` and `Photo` have in common: a head is fitted, and the person cut out."""

    dataset: str = field(
        metadata=about(
            "Folder to write.", meaning=Meaning.DATASET, made=True, unless_given="in the home, named like the input"
        )
    )
    head: str = field(
        default="builtin",
        metadata=about("Morphable head, as `semblance heads list` names it.", meaning=Meaning.HEAD),
    )
    head_path: str | None = field(
        default=None, metadata=about("Its file or folder, unless it was imported.", meaning=Meaning.PATH)
    )
    size: int = field(default=512, metadata=about("Pixels of the portrait's side.", ge=128, le=1024, multiple_of=64))
    matting: MattingName = field(
        default="auto",
        metadata=about("What cuts the person out; rvm: Robust Video Matting, from your own file (GPL-3.0)."),
    )
    head_only: bool = field(default=False, metadata=about("Remove the clothes: keep head, hair and neck."))


@dataclass(frozen=True, kw_only=True)
class Track(NewDataset):
    """Turn footage into a dataset.

    Raises:
        ValueError: the layout and the size do not go together.
    """

    kind: ClassVar[JobKind] = JobKind.TRACK

    source: str = field(metadata=about("Portrait video.", meaning=Meaning.PATH, metavar="video"))
    layout: LayoutName = field(
        default="semblance",
        metadata=about(f"styleavatar: as the original code reads it, always {ORIGINAL_SIZE} pixels."),
    )

    def __post_init__(self) -> None:
        if self.layout == "styleavatar" and self.size != ORIGINAL_SIZE:
            raise ValueError(f"the layout styleavatar needs the size {ORIGINAL_SIZE}")


@dataclass(frozen=True, kw_only=True)
class Photo(NewDataset):
    """Turn one photo into a dataset."""

    kind: ClassVar[JobKind] = JobKind.PHOTO

    photo: str = field(metadata=about("Portrait photo.", meaning=Meaning.PATH, metavar="picture"))
    more: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "More photos of the same person: other views, other expressions.",
            meaning=Meaning.PATH,
            option=NO_OPTION,  # the command takes them as further arguments
        ),
    )
    coarse: CoarseName = field(
        default="warp",
        metadata=about("What films the photo; liveportrait and face-vid2vid: networks, from your own files."),
    )
    driver: str | None = field(
        default=None,
        metadata=about(
            "Video whose person drives the photo.",
            meaning=Meaning.PATH,
            unless_given="a performance that shows all that a face does",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Build(JobRequest):
    """Train an avatar on a dataset; it keeps checkpoints.

    Raises:
        ValueError: who agreed, or what for, is given, but not to what.
    """

    kind: ClassVar[JobKind] = JobKind.BUILD
    resumable: ClassVar[bool] = True
    may_end: ClassVar[bool] = True

    dataset: str = field(metadata=about("Dataset folder, or its name in the home.", meaning=Meaning.DATASET))
    avatar: str = field(
        metadata=about(
            "Avatar file to write.",
            meaning=Meaning.AVATAR,
            made=True,
            unless_given="in the home, named like the dataset",
        )
    )
    avatar_kind: AvatarKindName | None = field(
        default=None,
        metadata=about(
            "portrait: the whole picture; splats, field: a head in 3D.",
            unless_given="splats for a photo's dataset, portrait for a video's",
            option="--kind",
        ),
    )
    preset: PresetName = field(
        default="preview",
        metadata=about(f"{', '.join(f'{name} {each.size}' for name, each in PRESETS.items())} pixels."),
    )
    seconds: float | None = field(
        default=None,
        metadata=about("How long to train, in seconds.", unless_given="by the preset", gt=0, le=7 * 24 * 3600),
    )
    steps: int | None = field(default=None, metadata=about("Stop training after this many steps.", gt=0, le=10_000_000))
    train_share: float = field(
        default=0.8, metadata=about("Share of the frames to train on; the rest is for tests.", gt=0, le=1)
    )
    resume: bool = field(default=True, metadata=about("Continue where an earlier build stopped."))
    base: str | None = field(
        default=None,
        metadata=about("Networks to start from, made by pretrain.", meaning=Meaning.PATH, option="--from"),
    )
    updates: int | None = field(
        default=None,
        metadata=about(
            "How often a head in 3D learns from its own pictures, restored.",
            unless_given="2 for a photo's dataset, 0 for a video's",
            ge=0,
            le=5,
        ),
    )
    restore: RestorerName = field(
        default="auto",
        metadata=about("What restores them: GFPGAN, where its file is here, or the photo's own detail."),
    )
    consent: str = field(
        default="",
        metadata=about(
            "What the person shown agreed to, in words; kept with the dataset, stored in the avatar and its films."
        ),
    )
    consent_by: str = field(default="", metadata=about("Who stated that."))
    consent_for: str = field(default="", metadata=about("What for, where the words do not say it."))

    def __post_init__(self) -> None:
        if (self.consent_by or self.consent_for) and not self.consent:
            raise ValueError("consent_by and consent_for need consent, the words themselves")


@dataclass(frozen=True, kw_only=True)
class Render(JobRequest):
    """What `Reenact` and `Orbit` have in common: what they write says that it is synthetic.

    Raises:
        ValueError: the reason for leaving the credentials out, or the label, is blank.
    """

    no_credentials: str | None = field(
        default=None,
        metadata=about(
            "Why it is not to carry Content Credentials; the reason is kept in the home.",
            unless_given="it carries them",
            metavar="REASON",
        ),
    )
    label: str | None = field(
        default=None,
        metadata=about("Words to write onto the picture, such as “synthetic”.", unless_given="none"),
    )
    label_corner: CornerName = field(default="bottom-left", metadata=about("Where they stand."))
    label_size: float = field(
        default=0.04, metadata=about("Height of their letters, as a share of the picture's height.", ge=0.02, le=0.2)
    )

    def __post_init__(self) -> None:
        if self.no_credentials is not None and not self.no_credentials.strip():
            raise ValueError("no_credentials needs a reason in words")
        if self.label is not None and not self.label.strip():
            raise ValueError("label needs words")


@dataclass(frozen=True, kw_only=True)
class Reenact(Look, Render):
    """Let another person's video drive an avatar; the controls of its look are parameters, too."""

    kind: ClassVar[JobKind] = JobKind.REENACT

    avatar: str = field(metadata=about("Avatar file, or its name in the home.", meaning=Meaning.AVATAR))
    driver: str = field(metadata=about("Video, performance file or dataset that drives it.", meaning=Meaning.PATH))
    out: str = field(
        metadata=about(
            "Video (.mp4) or folder to write.",
            meaning=Meaning.PATH,
            made=True,
            unless_given="AVATAR_DRIVER.mp4 here, or with a number",
        )
    )
    background: bool = field(default=True, metadata=about("Show what is behind the avatar; else nothing is."))
    plate: bool = field(
        default=True,
        metadata=about("Lay it over its footage's clean plate, where it brings one, not over its own background."),
    )
    absolute: bool = field(default=False, metadata=about("Use the driver's expression and pose as they are."))
    panels: str | None = field(
        default=None,
        metadata=about("Another video (.mp4): driver, maps and avatar.", meaning=Meaning.PATH, made=True),
    )
    head_path: str | None = field(
        default=None,
        metadata=about("The avatar's head file, where it was moved.", meaning=Meaning.PATH),
    )
    runtime: RuntimeName = field(
        default="torch",
        metadata=about("What executes the network; tensorrt needs an NVIDIA GPU and its own package."),
    )
    engines: str | None = field(
        default=None,
        metadata=about(
            "Folder where TensorRT's engines are kept.",
            meaning=Meaning.PATH,
            unless_given="in the home",
            option=NO_OPTION,
        ),
    )

    def __post_init__(self) -> None:
        Look.__post_init__(self)
        Render.__post_init__(self)

    def look(self) -> Look:
        """The look by itself."""
        return Look(**{name: getattr(self, name) for name in CONTROLS})


@dataclass(frozen=True, kw_only=True)
class Orbit(Render):
    """Swing a camera about a head in 3D."""

    kind: ClassVar[JobKind] = JobKind.ORBIT

    avatar: str = field(metadata=about("Avatar file, or its name in the home.", meaning=Meaning.AVATAR))
    out: str = field(
        metadata=about(
            "Video (.mp4) or folder to write.",
            meaning=Meaning.PATH,
            made=True,
            unless_given="AVATAR_orbit.mp4 here, or with a number",
        )
    )
    yaw: tuple[float, float] = field(
        default=(-30.0, 30.0),
        metadata=about("Degrees that the head seems to turn to its right.", each=DEGREES, metavar=RANGE),
    )
    pitch: tuple[float, float] = field(
        default=(-10.0, 10.0),
        metadata=about("Degrees that the head seems to bow.", each=DEGREES, metavar=RANGE),
    )
    performance: str | None = field(
        default=None,
        metadata=about("Video, performance file or dataset that it does meanwhile.", meaning=Meaning.PATH),
    )
    size: int = field(default=512, metadata=about("Pixels of the picture's side.", ge=64, le=2048, multiple_of=2))
    head_path: str | None = field(
        default=None, metadata=about("The avatar's head file, where it was moved.", meaning=Meaning.PATH)
    )


@dataclass(frozen=True, kw_only=True)
class Bake(JobRequest):
    """Make a dataset of a head in 3D, to build a portrait on."""

    kind: ClassVar[JobKind] = JobKind.BAKE

    avatar: str = field(metadata=about("Avatar file, or its name in the home.", meaning=Meaning.AVATAR))
    dataset: str = field(
        metadata=about(
            "Folder to write.", meaning=Meaning.DATASET, made=True, unless_given="in the home, named like the avatar"
        )
    )
    plate: str | None = field(
        default=None,
        metadata=about("Picture to lie behind it, such as a photo's clean plate.", meaning=Meaning.PATH),
    )
    size: int = field(default=256, metadata=about("Pixels of the portrait's side.", ge=128, le=1024, multiple_of=64))
    head_path: str | None = field(
        default=None, metadata=about("The avatar's head file, where it was moved.", meaning=Meaning.PATH)
    )


@dataclass(frozen=True, kw_only=True)
class Mark(JobRequest):
    """Sign what another program made of an avatar's frames, such as Blender's movie, with Content Credentials."""

    kind: ClassVar[JobKind] = JobKind.MARK

    file: str = field(
        metadata=about("Film (.mp4), picture (.png, .jpg), or folder of .png frames.", meaning=Meaning.PATH)
    )
    avatar: str = field(
        metadata=about("Avatar file that is seen in it, or its name in the home.", meaning=Meaning.AVATAR)
    )
    driver: str | None = field(default=None, metadata=about("What drove it.", meaning=Meaning.PATH))
    filmed: bool = field(default=False, metadata=about("Filmed pictures are seen in it too, such as a plate."))


@dataclass(frozen=True, kw_only=True)
class Measure(JobRequest):
    """Measure how quickly this machine trains, so that builds can say what to expect."""

    kind: ClassVar[JobKind] = JobKind.MEASURE


JOBS: dict[JobKind, type[JobRequest]] = {
    each.kind: each for each in (Track, Photo, Build, Reenact, Orbit, Bake, Mark, Measure)
}
"""Every kind of job."""
