# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs for an engine on another machine, as if it were on this one: what they read is sent first, what they make is
fetched to where it would have been made here. Nothing here waits (`transfers`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..common.errors import UserError
from ..common.files import written_whole
from ..common.home import Home, is_name
from .address import Address
from .archives import bare, head_file_of, likeness, packing, unpacking
from .client import Client, EngineRefused
from .jobs import JOBS, JobRequest
from .messages import AvatarInfo, DatasetInfo, Job, Made
from .parameters import Meaning
from .references import DATASET_SUFFIX, DIGEST, Reference, digesting, is_file_name, plain_name
from .transfers import Moved, Moving, awaited, receiving, sending

PATHS = (Meaning.PATH, Meaning.DATASET, Meaning.AVATAR)
STRANGE = "The engine sent something else than the job was asked for; update it."
FOLDER = "carried"
"""Folder, in this machine's home, of notes about jobs elsewhere, and of archives on their way."""


@dataclass(frozen=True)
class Notes:
    """What is remembered here of a job elsewhere.

    Attributes:
        targets: where what it makes belongs on this machine, by its parameters.
        sources: where the files that were sent lie on this machine, by their digests.
    """

    targets: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def keep(self, home: Home, job: str) -> None:
        """Write them down."""
        if is_name(job):
            with written_whole(home.folder / FOLDER / f"{job}.json") as partial:
                partial.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, home: Home, job: str) -> Notes:
        """What was written down of a job; nothing of one that was asked for elsewhere."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            if is_name(job):
                said = json.loads((home.folder / FOLDER / f"{job}.json").read_text(encoding="utf-8"))
                return cls(dict(said["targets"]), dict(said["sources"]))
        return cls()


class Sender:
    """Sends what one job reads, and renames what it makes, for an engine at `address`."""

    def __init__(self, address: Address, home: Home) -> None:
        self.notes = Notes()
        self._address, self._home = address, home
        self._tag = secrets.token_hex(3)  # of a dataset that is read, its own: a build there goes on where it was

    def prepared(self, request: JobRequest) -> Moving[JobRequest]:
        """Return the job as the engine is to be asked for it, once it has all that the job reads.

        Raises:
            UserError: a file is missing, or the engine cannot be reached or does not take it.
        """
        there: dict[str, Any] = {}
        for each in sorted(paths_of(type(request)), key=lambda each: bool(each.metadata["made"])):
            value = getattr(request, each.name)
            if isinstance(value, tuple):
                there[each.name] = ()
                for one in value:
                    there[each.name] += ((yield from self._sent(each, one)),)
            elif value and each.metadata["made"]:
                there[each.name] = self._renamed(each, value)
            elif value:
                there[each.name] = yield from self._sent(each, value)
        return replace(request, **there)

    def _renamed(self, parameter: Field[Any], value: str) -> str:
        """What something is called that a job makes there: unlike what others call theirs."""
        meaning = parameter.metadata["meaning"]
        name = plain_name(Path(value).name)
        if meaning is not Meaning.PATH:
            name = f"{name.removesuffix('.safetensors')[:80]}_{self._tag}"
        place = {Meaning.DATASET: self._home.dataset, Meaning.AVATAR: self._home.avatar, Meaning.PATH: Path}[meaning]
        target = place(name if is_name(value) else value)
        if meaning is Meaning.DATASET and is_of_others(target):
            raise UserError(f"{target} is no dataset and not empty; choose another folder.")
        self.notes.targets[parameter.name] = str(target)
        return name

    def _sent(self, parameter: Field[Any], value: str) -> Moving[str]:
        """What something that a job reads is called there, once it is there."""
        meaning = parameter.metadata["meaning"]
        if meaning is Meaning.AVATAR and is_name(value):
            known = yield from asked(self._address, Client.ask_avatars, "Asking for the avatars")
            file = self._home.avatar(value)
            if value in [AvatarInfo.from_json(each).id for each in known] or not file.is_file():
                return value
            return str((yield from self._file_sent(file)))
        path = self._home.dataset(value) if meaning is Meaning.DATASET else Path(value)
        if (path / "dataset.json").is_file():
            self.notes.targets[parameter.name] = str(path)
            return (yield from self._dataset_sent(path, by_name=meaning is Meaning.DATASET))
        if not path.is_file():
            why = "is a folder, and only datasets can be sent" if path.is_dir() else "is missing"
            raise UserError(f"{path} {why}; choose another file, or import it on the engine's machine.")
        return str((yield from self._file_sent(path)))

    def _file_sent(self, file: Path) -> Moving[Reference]:
        try:
            digest = yield from as_moved(digesting(file), "Reading", file.name)
            self.notes.sources[digest] = str(file)
            yield from sending(self._address, file, digest)
        except OSError as error:
            raise UserError(f"{file} cannot be read ({error.strerror}); choose another file.") from error
        return Reference.to(file, digest)

    def _dataset_sent(self, folder: Path, *, by_name: bool) -> Moving[str]:
        """Send a dataset, unless the engine has the same; `by_name`: there, its name says where it is."""
        alike = likeness(folder)
        self._tag = alike[:6]
        if by_name:
            known = yield from asked(self._address, lambda client: client.ask("GET", "/v1/datasets"), "Asking")
            for info in map(DatasetInfo.from_json, known):
                if info.likeness == alike:
                    return info.id
        needed = yield from self._files_of(folder)
        archive = self._home.folder / FOLDER / f"{plain_name(folder.name)}{DATASET_SUFFIX}"
        archive.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield from as_moved(packing(folder, archive, spelling(needed)), "Packing", folder.name)
            return str((yield from self._file_sent(archive)))
        finally:
            archive.unlink(missing_ok=True)

    def _files_of(self, folder: Path) -> Moving[dict[str, str]]:
        """Send the files outside a dataset that it cannot do without: that of its head."""
        head = head_file_of(folder)
        if head is None or not head.is_file():
            return {}
        return {str(head): str((yield from self._file_sent(head)))}


def is_of_others(folder: Path) -> bool:
    """Tell whether a folder is there and is something else than a dataset."""
    if not folder.exists() or (folder / "dataset.json").is_file():
        return False
    return not folder.is_dir() or any(folder.iterdir())


def spelling(needed: Mapping[str, str]) -> Callable[[str], str]:
    """What tells how a path outside a dataset is spelled: the files that were sent by reference, others by name."""
    return lambda path: needed.get(path) or bare(path)


def fetched(address: Address, home: Home, job: Job) -> Moving[Job]:
    """Fetch what a job that is done has made; return the job as an engine on this machine would tell it.

    Raises:
        UserError: the engine cannot be reached for long, or what the job made is gone.
    """
    notes = Notes.read(home, job.id)
    told = yield from asked(address, lambda client: client.ask("GET", f"/v1/jobs/{job.id}/files"), "Packing")
    here = localised(job, home, notes)
    expected = [each.name for each in paths_of(JOBS[job.kind]) if each.metadata["made"]]
    for made in map(Made.from_json, told):
        if made.parameter not in expected or not DIGEST.fullmatch(made.sha256):
            raise EngineRefused(STRANGE)
        target = Path(here.parameters[made.parameter])
        if not made.archive:
            yield from receiving(address, made.sha256, made.bytes, target)
            continue
        archive = home.folder / FOLDER / f"{made.sha256}.tar"
        try:
            yield from receiving(address, made.sha256, made.bytes, archive, target.name)
            yield from as_moved(unpacking(archive, target, meaning(notes)), "Unpacking", target.name)
        finally:
            archive.unlink(missing_ok=True)
    return here


def avatar_sent(address: Address, file: Path) -> Moving[str]:
    """Send an avatar's file; return its id there.

    Raises:
        UserError: the engine cannot be reached for long, or refuses it.
    """
    digest = yield from as_moved(digesting(file), "Reading", file.name)
    yield from sending(address, file, digest)
    body = {"file": str(Reference.to(file, digest))}
    said = yield from asked(address, lambda client: client.ask("POST", "/v1/avatars", body), "Adding")
    return AvatarInfo.from_json(said).id


def localised(job: Job, home: Home, notes: Notes) -> Job:
    """A job with the paths that its files have, or will have, on this machine. Those of others' are only names.

    Raises:
        EngineRefused: the engine calls something by a name that would lead out of its folder here.
    """
    parameters, mean = dict(job.parameters), meaning(notes)
    for each in paths_of(JOBS[job.kind]):
        value = parameters.get(each.name)
        if value and each.name in notes.targets:
            parameters[each.name] = notes.targets[each.name]
        elif value and each.metadata["made"]:
            places = {Meaning.DATASET: home.dataset, Meaning.AVATAR: home.avatar}
            place = places.get(each.metadata["meaning"], (home.outputs / job.id).joinpath)
            if not (is_name(job.id) and isinstance(value, str) and is_file_name(bare(value))):
                raise EngineRefused(STRANGE)
            parameters[each.name] = str(place(bare(value)))
        elif isinstance(value, str):
            parameters[each.name] = str(home.dataset(value)) if is_dataset_name(each, value) else mean(value)
        elif isinstance(value, list | tuple):
            parameters[each.name] = [mean(one) for one in value]
    same: dict[str, Any] = {name: parameters[name] for name in ("dataset", "avatar", "out") if name in job.result}
    return replace(job, parameters=parameters, result={**job.result, **same})


def is_dataset_name(parameter: Field[Any], value: str) -> bool:
    """Tell whether a value is the bare name of a dataset."""
    return parameter.metadata["meaning"] is Meaning.DATASET and is_name(value)


def meaning(notes: Notes) -> Callable[[str], str]:
    """What tells which path a reference has here; anything else stays."""

    def mean(text: str) -> str:
        reference = Reference.read(text)
        return notes.sources.get(reference.digest, reference.name) if reference else text

    return mean


def asked(address: Address, ask: Callable[[Client], Any], doing: str) -> Moving[Any]:
    """Ask a question that may take a while; return the answer's JSON."""
    client = Client(address)
    try:
        question = ask(client)
        yield from awaited(question, Moved(doing, "", 0, 0), 0)
        return question.wait()
    finally:
        client.close()


def as_moved(steps: Any, doing: str, name: str) -> Moving[Any]:
    """Let steps that yield bytes done and to do be a transfer."""
    while True:
        try:
            done, total = next(steps)
        except StopIteration as end:
            return end.value
        yield Moved(doing, name, done, total)


def paths_of(job: type[JobRequest]) -> list[Field[Any]]:
    """The parameters of a kind of job that are, or may be, paths."""
    return [each for each in fields(job) if each.metadata["meaning"] in PATHS]
