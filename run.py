#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up and run Semblance. Standard library only.

    python3 run.py demo        build an avatar and render a reenacted clip in Blender
    python3 run.py test        run the tests; --fast leaves out the slow ones, --coverage says what they reach
    python3 run.py lint        run the linters and the type checker
    python3 run.py package     make the extension's zip in dist/
    python3 run.py setup       only make the environments
    python3 run.py lock        lock what pyproject.toml asks for in requirements/; --upgrade takes the newest
    python3 run.py engine --into FOLDER   install the engine alone (Blender's Set Up Engine calls this)

Each command first makes the environments that it needs, in .venv/, once.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parent
ENVIRONMENTS = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements"
"""Locked versions with hashes, which `run.py lock` writes: the engine's, what developing adds, Blender's."""
PROJECT, MANIFEST = ROOT / "pyproject.toml", ROOT / "blender_manifest.toml"
ENGINE_ROOMS = ("common", "protocol", "tracking", "neural", "engine")
"""Folders that the engine consists of."""
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libEGL_mesa.so.0": "libegl-mesa0",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
}
"""System libraries that the map rasteriser and the bpy wheel load, and the Debian package of each."""


class Trouble(Exception):
    """Something the user can mend; its text says how."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment under .venv/ and how to fill it."""

    folder: Path
    steps: tuple[tuple[str, Callable[[Path], None]], ...]
    inputs: tuple[Path, ...]

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return interpreter(self.folder)

    def fingerprint(self) -> str:
        """Changes when what the environment is made from changes."""
        parts = [path.read_bytes() for path in self.inputs] + [str(ROOT).encode()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


# --- commands -------------------------------------------------------------------------------------------------------


def demo(rest: Sequence[str]) -> int:
    """Build an avatar and render it in Blender; see `semblance.engine.commands.demo` for the options."""
    check_libraries()
    engine, blender = ready(engine_environment()), ready(blender_environment())
    words = [engine, "-m", "semblance.engine.commands.demo", "--blender", blender, "--out", ROOT / "demo", *rest]
    return call(words, env={"PYTHONPATH": str(import_folder())})


def test(rest: Sequence[str]) -> int:
    """Run the tests with pytest; what is no option of ours goes to pytest."""
    lanes = {"--fast": ["-m", "not slow"], "--coverage": ["--cov", "--cov-report=term:skip-covered"]}
    words = [word for given in rest for word in lanes.get(given, [given])]
    check_libraries()
    engine, blender = ready(engine_environment()), ready(blender_environment())
    # One process per core, of one thread each: many small tests share two cores better than one with two threads does.
    at_once = ["--numprocesses=auto", "--maxprocesses=8", "--dist=loadfile"]
    env = {"SEMBLANCE_ENGINE_PYTHON": str(engine), "SEMBLANCE_BLENDER_PYTHON": str(blender), "OMP_NUM_THREADS": "1"}
    return call([engine, "-m", "pytest", "--durations=8", *at_once, *words], env={**env, **os.environ})


def lint(rest: Sequence[str]) -> int:
    """Run ruff, import-linter and mypy; all of them, then say whether any complained."""
    engine = ready(engine_environment())
    tools = engine.parent
    checks = (
        [tools / "ruff", "check", *rest, "."],
        [tools / "ruff", "format", "--check", "."],
        [tools / "lint-imports"],
        [tools / "mypy"],
    )
    return max(call(check) for check in checks)


def package(rest: Sequence[str]) -> int:
    """Make and validate the extension's zip."""
    blender = ready(blender_environment())
    return call([blender, ROOT / "packaging" / "build_extension.py", "--out", ROOT / "dist", *rest])


def setup(_rest: Sequence[str]) -> int:
    """Make every environment."""
    check_libraries()
    ready(engine_environment())
    ready(blender_environment())
    return 0


def engine(rest: Sequence[str]) -> int:
    """Install the engine into a folder of the user's, printing `N/M message` lines."""
    parser = argparse.ArgumentParser(prog="run.py engine")
    parser.add_argument("--into", type=Path, required=True, help="folder for the engine's environment")
    folder = parser.parse_args(rest).into.resolve()
    environment = Environment(folder, (*ENGINE_STEPS, ("Semblance", install_copy)), ENGINE_INPUTS)
    ready(environment)
    return 0


def lock(rest: Sequence[str]) -> int:
    """Lock versions for Linux, macOS and Windows with uv, which further arguments go to (`--upgrade`)."""
    uv = shutil.which("uv") or uv_of_our_own(ENVIRONMENTS / "uv")
    if not uv:
        raise Trouble("Locking needs uv; install it (https://docs.astral.sh/uv) and try again.")
    apart = ["--no-emit-package", "torch"]
    engine = compile_lock(uv, "engine.txt", [PROJECT, *apart, *rest])
    for name in dict.fromkeys(re.findall(r"^([\w.-]+)==", engine, re.MULTILINE)):
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
        raise Trouble(f"uv found no versions for {file.relative_to(ROOT)} that fit together; it says above why.")
    text = file.read_text().partition("\n# The following packages were excluded")[0]
    file.write_text(text)
    return text


# --- environments ---------------------------------------------------------------------------------------------------


def engine_environment() -> Environment:
    """The engine with the tests' tools, and this checkout as the package `semblance`."""
    steps = (*ENGINE_STEPS, ("tools for developing", from_lock("dev.txt")), ("Semblance", install_checkout))
    inputs = (*ENGINE_INPUTS, REQUIREMENTS / "dev.txt", ROOT / "setup.py")
    return Environment(ENVIRONMENTS / "engine", steps, inputs)


def blender_environment() -> Environment:
    """Blender as a Python module."""
    return Environment(
        ENVIRONMENTS / "blender", (("Blender", from_lock("blender.txt")),), (REQUIREMENTS / "blender.txt",)
    )


def ready(environment: Environment) -> Path:
    """Make the environment unless it is there and fits; return its interpreter."""
    stamp = environment.folder / "semblance-stamp"
    fingerprint = environment.fingerprint()
    if stamp.is_file() and stamp.read_text() == fingerprint and environment.python.exists():
        return environment.python
    steps = (("a Python environment", make_environment), *environment.steps)
    began = time.monotonic()
    for number, (what, step) in enumerate(steps, 1):
        say(f"{number}/{len(steps)} Installing {what}")
        with timed():
            step(environment.folder)
    stamp.write_text(fingerprint)
    say(f"{environment.folder.name}: {size(environment.folder)} MB in {time.monotonic() - began:.0f} s")
    return environment.python


def make_environment(folder: Path) -> None:
    """Make an empty virtual environment with Python 3.11."""
    if folder.exists():
        shutil.rmtree(folder)
    python, uv = find_python(folder.with_name("uv"))
    command = [python, "-m", "venv", folder] if python else [uv, "venv", "--seed", "--python", "3.11", folder]
    if call(command, quiet=True) != 0:
        hint = "install the package python3.11-venv" if python else "install Python 3.11"
        raise Trouble(f"Could not make a Python environment in {folder}; {hint} and try again.")


def find_python(place_for_uv: Path) -> tuple[str | None, str | None]:
    """Return (a Python 3.11, None), or (None, uv) when only uv can bring one."""
    base = Path(sys.base_prefix, "bin", "python3")  # what an active environment was made with
    named = [base if base.is_file() else None, sys.executable, shutil.which("python3.11")]
    ours = str(place_for_uv.parent)  # of its own environments none can be made anew
    for candidate in [*map(str, filter(None, named)), *map(str, sorted(Path.home().glob(PYENV)))]:
        if ours in candidate:
            continue
        if version_of(candidate) == "3.11":
            return candidate, None
    uv = shutil.which("uv") or uv_of_our_own(place_for_uv)
    if uv:
        return None, uv
    raise Trouble(
        "Semblance needs Python 3.11 and found none; install it (on Debian and Ubuntu: "
        "`apt install python3.11 python3.11-venv`), or install uv (https://docs.astral.sh/uv), and try again."
    )


PYENV = ".pyenv/versions/3.11*/bin/python3.11"


def version_of(python: str) -> str:
    """Return "3.11" for a Python 3.11 that can make environments; empty for none."""
    script = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"
    result = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    return result.stdout.strip()


def uv_of_our_own(folder: Path) -> str | None:
    """Install uv into a folder with this Python's pip; None when that does not work."""
    uv = folder / "bin" / "uv"
    if not uv.exists():
        call([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "uv"], quiet=True)
    return str(uv) if uv.exists() else None


def from_lock(name: str) -> Callable[[Path], None]:
    """A step that installs exactly the files whose hashes are in a lock; it is whole, so pip looks for nothing else."""
    return lambda folder: install(folder, "--no-deps", "--require-hashes", "-r", REQUIREMENTS / name)


def install_torch(folder: Path) -> None:
    """Install PyTorch: the CPU build where there is no NVIDIA GPU, because the other one is gigabytes larger."""
    (torch,) = re.findall(r'"(torch==[\d.]+)"', PROJECT.read_text(encoding="utf-8"))
    if shutil.which("nvidia-smi"):
        install(folder, torch)
        return
    exact = f"{torch}+cpu" if sys.platform.startswith("linux") else torch
    if pip(folder, exact, quiet=True) != 0:
        install(folder, exact, "--extra-index-url", TORCH_CPU_INDEX)


def install_checkout(folder: Path) -> None:
    """Make this checkout importable as `semblance`, in place."""
    import_folder()
    install(folder, "--no-deps", "--no-build-isolation", "--editable", ROOT)


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
    source.mkdir()
    copy_source(source)
    install(folder, "--no-deps", "--no-build-isolation", source)


def copy_source(folder: Path) -> None:
    """Copy what the engine's package is built from."""
    for room in ENGINE_ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "blender_manifest.toml", "README.md", "__init__.py", "py.typed"):
        shutil.copy(ROOT / name, folder / name)


ENGINE_STEPS = (("the libraries", from_lock("engine.txt")), ("PyTorch", install_torch))
ENGINE_INPUTS = (REQUIREMENTS / "engine.txt", PROJECT, MANIFEST)


def install(folder: Path, *arguments: str | Path) -> None:
    """Run pip in the environment; on failure say what failed."""
    if pip(folder, *arguments) != 0:
        raise Trouble("pip could not install what is named above; check the network connection and try again.")


def pip(folder: Path, *arguments: str | Path, quiet: bool = False) -> int:
    """Run pip in the environment and return its exit code."""
    command = [interpreter(folder), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *arguments]
    return call(command, quiet=quiet)


def interpreter(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


# --- system libraries -----------------------------------------------------------------------------------------------


def check_libraries() -> None:
    """Make sure that the graphics libraries are there; install them when root on a system with apt."""
    if not sys.platform.startswith("linux"):
        return
    missing = list(missing_packages())
    if not missing:
        return
    missing.append("libgl1-mesa-dri")
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if shutil.which("apt-get") is None:
        raise Trouble(f"These system libraries are missing: {', '.join(missing)} (Debian's names); install them.")
    if os.geteuid() != 0:
        raise Trouble(f"Some system libraries are missing; run `sudo {' '.join(command)}` and try again.")
    say(f"Installing system libraries: {' '.join(missing)}")
    if call(["apt-get", "update", "-q"], quiet=True) != 0 or call(command, quiet=True) != 0:
        raise Trouble(f"apt-get could not install {' '.join(missing)}; install them by hand and try again.")


def missing_packages() -> Iterator[str]:
    """Debian packages of the libraries that do not load."""
    for library, name in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            yield name


# --- small things ---------------------------------------------------------------------------------------------------


def call(command: Sequence[object], env: dict[str, str] | None = None, quiet: bool = False) -> int:
    """Run a command from the repository root and return its exit code."""
    words = [str(word) for word in command]
    result = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=quiet, text=True, check=False
    )
    return result.returncode


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


@contextmanager
def timed() -> Iterator[None]:
    """Print how long the body took."""
    began = time.monotonic()
    yield
    say(f"    {time.monotonic() - began:.0f} s")


def size(folder: Path) -> int:
    """Megabytes on disk below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) >> 20


COMMANDS = {each.__name__: each for each in (demo, test, lint, package, setup, lock, engine)}


def main() -> int:
    """Run the command named first; the rest of the line goes to it."""
    name, *rest = sys.argv[1:] or ["help"]
    if name not in COMMANDS:
        say(__doc__ or "")
        return 0 if name in ("help", "-h", "--help") else 2
    try:
        return COMMANDS[name](rest)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
