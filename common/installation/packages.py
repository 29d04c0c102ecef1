# SPDX-License-Identifier: GPL-3.0-or-later
"""Which wheel of a package fits the Python that runs this: by its version, the hashes in a lock, and the system.

Runs in the environment that is being filled, and reads names, versions, tags and markers with the `packaging` that pip
brings along.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.tags import sys_tags
from pip._vendor.packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from pip._vendor.packaging.version import InvalidVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .indexes import Found


@dataclass(frozen=True)
class Wanted:
    """A package to be there.

    Attributes:
        requirement: its name and versions.
        hashes: SHA-256 of the files that may be taken; empty where nothing says.
    """

    requirement: Requirement
    hashes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its name as indexes spell it."""
        return str(canonicalize_name(self.requirement.name))

    def accepts(self, version: Any) -> bool:
        """Tell whether a version (of `packaging`) will do; another build (`+cpu`) is another version."""
        if version.local and f"+{version.local}" not in str(self.requirement.specifier):
            return False
        return bool(self.requirement.specifier.contains(version))


def read_lock(text: str) -> list[Wanted]:
    """Return the packages of a lock (requirements with hashes) that are meant for this Python and system."""
    joined = text.replace("\\\n", " ")
    wanted = []
    for line in filter(None, (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())):
        requirement = Requirement(line.split("--hash")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate():
            wanted.append(Wanted(requirement, frozenset(re.findall(r"--hash=sha256:(\w+)", line))))
    return wanted


def best(wanted: Wanted, files: Iterable[Found]) -> Found | None:
    """Return the file to install: the newest version that will do, then the build that fits the system most closely."""
    ranks = {tag: rank for rank, tag in enumerate(sys_tags())}
    fitting = []
    for file in files:
        try:
            name, version, build, tags = parse_wheel_filename(file.name)
        except (InvalidWheelFilename, InvalidVersion):  # no wheel: source, an installer, …
            continue
        rank = min((ranks[tag] for tag in tags if tag in ranks), default=None)
        allowed = not wanted.hashes or file.sha256 in wanted.hashes
        if rank is not None and allowed and name == wanted.name and wanted.accepts(version):
            fitting.append(((version, -rank, build), file))
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def requirements_in(wheel: Path) -> list[str]:
    """Return what a wheel says that it needs."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", each))
        return HeaderParser().parsestr(archive.read(name).decode("utf-8", "replace")).get_all("Requires-Dist") or []


def applying(lines: Iterable[str], extras: Iterable[str]) -> Iterator[Requirement]:
    """Give the requirements that count on this system, for a package with some of its extras."""
    for requirement in map(Requirement, lines):
        environments = [{"extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(requirement.marker.evaluate(each) for each in environments):
            yield requirement


def together(requirements: Iterable[Requirement]) -> list[Requirement]:
    """Return one requirement a package, which asks for all that those of this package ask for."""
    merged: dict[str, Requirement] = {}
    for requirement in requirements:
        name = str(canonicalize_name(requirement.name))
        if name in merged:
            merged[name].specifier &= requirement.specifier
            merged[name].extras |= requirement.extras
        else:
            merged[name] = Requirement(str(requirement))
    return list(merged.values())
