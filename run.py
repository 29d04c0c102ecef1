#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up and run Semblance. Standard library only.

    python3 run.py demo        build an avatar and render a reenacted clip in Blender
    python3 run.py test        run the tests; --fast leaves out the slow ones, --coverage says what they reach
    python3 run.py lint        run the linters and the type checker
    python3 run.py docs        build the manual in dist/manual
    python3 run.py package     make the extension's zip in dist/
    python3 run.py setup       only make the environments
    python3 run.py lock        lock what pyproject.toml asks for in requirements/; --upgrade takes the newest
    python3 run.py engine --into FOLDER   install the engine alone (Blender's Set Up Engine calls this)
    python3 run.py wheels FOLDER          bring what that downloads into a folder, for a machine without network

Each command first makes the environments that it needs, in .venv/, once. `setup` and `engine` also repair and update
them. Which build of PyTorch fits the machine is found out; SEMBLANCE_TORCH=cpu (cu126, cu130, rocm7.2) chooses by hand.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent
if "semblance" not in sys.modules:  # this folder is that package, wherever it lies and whatever it is called
    sys.modules["semblance"] = ModuleType("semblance")
    sys.modules["semblance"].__path__ = [str(ROOT)]

from semblance.common.errors import UserError
from semblance.common.installation import pythons, stamp
from semblance.common.installation.alone import alone
from semblance.common.installation.completeness import whole_packages
from semblance.common.installation.graphics import graphics_of_this_machine, this_platform
from semblance.common.installation.indexes import HASHES_FILE
from semblance.common.installation.pythons import interpreter
from semblance.common.installation.shipped import (
    ENGINE_LOCKS,
    copy_engine,
    digest_of_engine,
    digest_of_locks,
    version_of,
)
from semblance.common.installation.stamp import Stamp, read_stamp
from semblance.common.installation.system_libraries import require_libraries
from semblance.common.installation.telling import Teller, megabytes_in
from semblance.common.installation.torch_builds import OVERRIDE_VARIABLE, TorchRequirement, torch_requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ENVIRONMENTS = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements"
"""Locked versions with hashes, which `run.py lock` writes: the engine's, what developing adds, Blender's."""
PROJECT = ROOT / "pyproject.toml"
ENGINE_PYTHONS, BLENDER_PYTHONS = ("3.11", "3.12"), ("3.11",)
"""Versions of Python that there are wheels for: of MediaPipe 0.10.21, the last with its models inside, and of bpy."""
say = partial(print, flush=True)
FIRST, LAST = (0.0, 0.03), (0.97, 1.0)
"""Shares of a set-up before and after the wheels."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment and what goes into it.

    Attributes:
        pythons: versions of Python that it may have, the best first.
        locks: names of files in requirements/.
        torch: PyTorch goes into it.
        package: installs the program itself, and its digest; None where it does not go into it.
    """

    folder: Path
    pythons: tuple[str, ...]
    locks: tuple[str, ...]
    torch: bool = False
    package: tuple[Callable[[Path], None], Callable[[], str]] | None = None

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return interpreter(self.folder)

    def stamp(self, torch: str) -> Stamp:
        """What it is made from, with a requirement of PyTorch."""
        locks = digest_of_locks(REQUIREMENTS, self.locks)
        return Stamp(locks, torch, self.package[1]() if self.package else "", version_of(ROOT))


# --- commands -------------------------------------------------------------------------------------------------------


def demo(rest: Sequence[str]) -> int:
    """Build an avatar and render it in Blender; see `semblance.engine.commands.demo` for the options."""
    require_libraries()
    engine, blender = ready(engine_environment()), ready(blender_environment())
    words = [engine, "-m", "semblance.engine.commands.demo", "--blender", blender, "--out", ROOT / "demo", *rest]
    return call(words, env={"PYTHONPATH": str(import_folder())})


def test(rest: Sequence[str]) -> int:
    """Run the tests with pytest; what is no option of ours goes to pytest."""
    lanes = {"--fast": ["-m", "not slow"], "--coverage": ["--cov", "--cov-report=term:skip-covered"]}
    words = [word for given in rest for word in lanes.get(given, [given])]
    require_libraries()
    engine, blender = ready(engine_environment()), ready(blender_environment())
    # One process per core, of one thread each: many small tests share two cores better than one with two threads does.
    at_once = ["--numprocesses=auto", "--maxprocesses=8", "--dist=loadfile"]
    env = {"SEMBLANCE_ENGINE_PYTHON": str(engine), "SEMBLANCE_BLENDER_PYTHON": str(blender), "OMP_NUM_THREADS": "1"}
    return call([engine, "-m", "pytest", "--durations=8", *at_once, *words], env={**env, **os.environ})


def lint(rest: Sequence[str]) -> int:
    """Build the manual, run ruff, import-linter and mypy; all of them, then say whether any complained."""
    engine = ready(engine_environment())
    checks = (("ruff", "check", *rest, "."), ("ruff", "format", "--check", "."), ("lint-imports",), ("mypy",))
    return max(docs([]), *(call([engine.parent / name, *words]) for name, *words in checks))


def docs(rest: Sequence[str]) -> int:
    """Build the manual; a link that leads nowhere ends with 1."""
    python = ready(engine_environment())
    words = [python, "-m", "mkdocs", "build", "--quiet", "--site-dir", ROOT / "dist" / "manual", *rest]
    return call(words, env={"NO_MKDOCS_2_WARNING": "1"})


def package(rest: Sequence[str]) -> int:
    """Make and validate the extension's zip."""
    blender = ready(blender_environment())
    return call([blender, ROOT / "packaging" / "build_extension.py", "--out", ROOT / "dist", *rest])


def setup(_rest: Sequence[str]) -> int:
    """Make, repair or update every environment."""
    require_libraries()
    make_whole(engine_environment())
    make_whole(blender_environment())
    return 0


def engine(rest: Sequence[str]) -> int:
    """Install the engine into a folder of the user's, or repair or update it, telling how far it is."""
    parser = argparse.ArgumentParser(prog="run.py engine")
    parser.add_argument("--into", type=Path, required=True, help="folder for the engine's environment")
    parser.add_argument("--wheels", type=Path, help="take everything from this folder, nothing from the network")
    parser.add_argument("--torch", default="", help="build of PyTorch: auto, cpu, cu126, cu130, rocm7.2")
    given = parser.parse_args(rest)
    environment = Environment(
        given.into.resolve(), ENGINE_PYTHONS, ENGINE_LOCKS, True, (install_copy, partial(digest_of_engine, ROOT))
    )
    make_whole(environment, given.wheels, given.torch)
    return 0


def wheels(rest: Sequence[str]) -> int:
    """Bring the wheels of an engine into a folder, with a list of their hashes, for machines like this one."""
    parser = argparse.ArgumentParser(prog="run.py wheels")
    parser.add_argument("folder", type=Path, help="where the wheels go")
    parser.add_argument("--torch", default="", help="build of PyTorch: auto, cpu, cu126, cu130, rocm7.2")
    given = parser.parse_args(rest)
    folder = given.folder.resolve()
    with tempfile.TemporaryDirectory() as place:
        asking = Environment(Path(place, "python"), ENGINE_PYTHONS, ENGINE_LOCKS, True)
        pythons.make_environment(asking.folder, asking.pythons, Path(place, "uv"))
        fill(asking, folder, None, torch_for(given.torch), "--only-fetch")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in sorted(folder.glob("*.whl"))]
    (folder / HASHES_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    say(f"{len(lines)} wheels, {megabytes_in(folder)} MB, for Python {' or '.join(ENGINE_PYTHONS)} in {folder}")
    return 0


def fill_here(rest: Sequence[str]) -> int:
    """Fill the environment whose Python runs this; `fill` calls it."""
    from semblance.common.installation import filling

    parser = argparse.ArgumentParser(prog="run.py fill_here")
    parser.add_argument("--lock", type=Path, action="append", default=[])
    parser.add_argument("--torch", default="")
    parser.add_argument("--index", default="")
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--place", type=Path)
    parser.add_argument("--download", type=int, default=0)
    parser.add_argument("--disk", type=int, default=0)
    parser.add_argument("--only-fetch", action="store_true")
    given = parser.parse_args(rest)
    asked = filling.Filling(
        tuple(given.lock), given.torch, given.index, given.wheels, given.place, given.download, given.disk
    )
    if given.only_fetch:
        filling.bring_all(asked, {})
    else:
        filling.fill(asked)
    return 0


def lock(rest: Sequence[str]) -> int:
    """Lock versions for Linux, macOS and Windows with uv, which further arguments go to (`--upgrade`)."""
    uv = shutil.which("uv") or pythons.uv_of_our_own(ENVIRONMENTS / "uv")
    if not uv:
        raise UserError("Locking needs uv; install it (https://docs.astral.sh/uv) and try again.")
    apart = ["--no-emit-package", "torch"]
    engine = compile_lock(uv, "engine.txt", [PROJECT, *apart, *rest])
    # What the engine has on some systems only, its developers' tools may need on all.
    for name in dict.fromkeys(re.findall(r"^([\w.-]+)==(?!.*platform)", engine, re.MULTILINE)):
        apart += ["--no-emit-package", name]
    within: list[str | Path] = ["--extra", "dev", "--constraints", REQUIREMENTS / "engine.txt"]
    compile_lock(uv, "dev.txt", [PROJECT, *within, *apart, *rest])
    compile_lock(uv, "blender.txt", ["--group", f"{PROJECT}:blender", *rest])
    return 0


def compile_lock(uv: str, name: str, words: Sequence[str | Path]) -> str:
    """Write one file of versions and hashes; return its text. Versions that it has and that still fit are kept."""
    file = REQUIREMENTS / name
    options: list[str | Path] = ["--universal", "--python-version", "3.11", "--generate-hashes"]
    options += ["--custom-compile-command", "python3 run.py lock", "--output-file", file]
    if call([uv, "pip", "compile", "--quiet", *words, *options]) != 0:
        raise UserError(f"uv found no versions for {file.relative_to(ROOT)} that fit together; it says above why.")
    text = file.read_text().partition("\n# The following packages were excluded")[0]
    file.write_text(text)
    return text


# --- environments ---------------------------------------------------------------------------------------------------


def engine_environment() -> Environment:
    """The engine with the tests' tools, and this checkout as the package `semblance`."""
    package = (install_checkout, digest_of_checkout)
    return Environment(ENVIRONMENTS / "engine", ENGINE_PYTHONS, (*ENGINE_LOCKS, "dev.txt"), True, package)


def blender_environment() -> Environment:
    """Blender as a Python module."""
    return Environment(ENVIRONMENTS / "blender", BLENDER_PYTHONS, ("blender.txt",))


def ready(environment: Environment) -> Path:
    """Make the environment whole unless it was made from what is here; return its interpreter.

    Whether another build of PyTorch would fit by now is not asked: that takes seconds where there is a GPU.
    """
    made_from = read_stamp(environment.folder)
    if not made_from or made_from != environment.stamp(made_from.torch) or not environment.python.exists():
        make_whole(environment)
    return environment.python


def make_whole(environment: Environment, place: Path | None = None, torch: str = "") -> None:
    """Make, go on making, repair or update an environment; `place` is a folder of wheels, `torch` names a build.

    Until everything that it lacks has come, it stays as it was. It counts as whole when it has a stamp.
    """
    with alone(environment.folder):
        made_from = read_stamp(environment.folder)
        before = made_from.torch if made_from else ""
        complete(environment, place, torch_for(torch, before) if environment.torch else None)


def complete(environment: Environment, place: Path | None, chosen: TorchRequirement | None) -> None:
    """Do what `make_whole` says, with a build of PyTorch."""
    folder, began = environment.folder, time.monotonic()
    if not pythons.works(folder, environment.pythons):
        Teller(*FIRST).tell(0, "Making a Python environment")
        pythons.make_environment(folder, environment.pythons, folder.with_name("uv"))
    fill(environment, pythons.wheels_of(folder), place, chosen)
    if environment.package:
        Teller(*LAST).tell(0, "Installing Semblance")
        (folder / stamp.NAME).unlink(missing_ok=True)
        environment.package[0](folder)
    there = tuple(sorted(whole_packages(folder)))
    replace(environment.stamp(chosen.requirement if chosen else ""), packages=there).write(folder)
    shutil.rmtree(pythons.wheels_of(folder), ignore_errors=True)
    Teller(*LAST).tell(1, f"{folder.name}: {megabytes_in(folder)} MB in {time.monotonic() - began:.0f} s")


def torch_for(override: str, before: str = "") -> TorchRequirement:
    """The build of PyTorch for this machine, and a word about it; `before` is the requirement that is installed.

    Raises:
        UserError: there is none; or the driver is silent, which must not cost the build for it that is there.
    """
    override, graphics = override or os.environ.get(OVERRIDE_VARIABLE, ""), graphics_of_this_machine()
    chosen = torch_requirement(this_platform(), graphics, override)
    if graphics.complaint and before and before != chosen.requirement and override in ("", "auto"):
        raise UserError(f"{chosen.sentence} To go on without the GPU, set {OVERRIDE_VARIABLE}=cpu.")
    say(f"PyTorch: {chosen.requirement}. {chosen.sentence}".rstrip())
    return chosen


def fill(
    environment: Environment, wheels: Path, place: Path | None, torch: TorchRequirement | None, *options: str
) -> None:
    """Let the environment's own Python bring and install what it lacks."""
    words: list[object] = [environment.python, "-B", ROOT / "run.py", "fill_here", "--wheels", wheels, *options]
    for name in environment.locks:
        words += ["--lock", REQUIREMENTS / name]
    if torch:
        words += ["--torch", torch.requirement, "--index", torch.index]
        words += ["--download", torch.download, "--disk", torch.disk]
    if place:
        words += ["--place", place.resolve()]
    if call(words) != 0:
        raise UserError("The environment is not whole; the reason is above.")


def install_checkout(folder: Path) -> None:
    """Make this checkout importable as `semblance`, in place."""
    import_folder()
    install(folder, "--editable", ROOT)


def digest_of_checkout() -> str:
    """What an installation in place depends on: where this is, and how it is installed."""
    files = [ROOT / name for name in ("pyproject.toml", "setup.py", "blender_manifest.toml")]
    return hashlib.sha256(f"{ROOT} {stamp.digest_of_files(files, ROOT)}".encode()).hexdigest()


def import_folder() -> Path:
    """A folder in which this checkout is the package `semblance`, for what does not read installed packages."""
    folder = ENVIRONMENTS / "import"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "semblance"
    if not link.exists():
        link.symlink_to(Path("..", ".."), target_is_directory=True)
    return folder


def install_copy(folder: Path) -> None:
    """Install a copy of this source, so that the folder it came from is never written to."""
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    copy_engine(ROOT, source)
    install(folder, "--force-reinstall", source)


def install(folder: Path, *arguments: str | Path) -> None:
    """Install the program itself with pip, from what is on this machine."""
    options = ["-qq", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]
    if call([interpreter(folder), "-m", "pip", "--isolated", "install", *options, *arguments]) != 0:
        raise UserError("pip could not install Semblance itself; the reason is above.")


# --- small things ---------------------------------------------------------------------------------------------------


def call(command: Sequence[object], env: dict[str, str] | None = None) -> int:
    """Run a command from the repository root and return its exit code."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=ROOT, env={**os.environ, **(env or {})}, check=False).returncode


COMMANDS = {each.__name__: each for each in (demo, test, lint, docs, package, setup, lock, engine, wheels, fill_here)}


def main() -> int:
    """Run the command named first; the rest of the line goes to it."""
    name, *rest = sys.argv[1:] or ["help"]
    if name not in COMMANDS:
        say(__doc__ or "")
        return 0 if name in ("help", "-h", "--help") else 2
    try:
        return COMMANDS[name](rest)
    except UserError as trouble:
        print(trouble, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
