# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up from wheels made on the spot: whole, interrupted and resumed, repaired, updated, offline, without room."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from semblance.common.errors import UserError
from semblance.common.installation import pythons
from semblance.common.installation.graphics import this_platform
from semblance.common.installation.stamp import read_stamp
from semblance.common.installation.torch_builds import TORCH, Graphics, torch_requirement

from tests.makers.wheels import lock_line, make_wheel, serving

pytestmark = pytest.mark.slow  # several seconds each

ROOT = Path(__file__).resolve().parent.parent
VERSION = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """An environment with nothing but pip in it."""
    folder = tmp_path_factory.mktemp("bare") / "environment"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch, bare):
    """run.py, with locks in a folder of the test's, pip's settings and this machine's cards out of the way."""
    spec = importlib.util.spec_from_file_location("semblance_run", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    (tmp_path / "requirements").mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_") or name == "SEMBLANCE_TORCH"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setattr(module, "REQUIREMENTS", tmp_path / "requirements")
    monkeypatch.setattr(module, "graphics_of_this_machine", Graphics)
    made = []

    def copy_of_bare(folder: Path, versions: object, uv: object) -> None:
        made.append(folder)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(bare, folder, symlinks=True)

    monkeypatch.setattr(pythons, "make_environment", copy_of_bare)
    module.made = made
    return module


@pytest.fixture
def wheels(tmp_path) -> Path:
    for name in ("alpha", "beta"):
        make_wheel(tmp_path / "from", name, "1.0", padding=50_000)
    return tmp_path / "from"


@pytest.fixture
def environment(run, tmp_path, wheels):
    """An environment of two libraries and a program whose digest is the text of a file."""
    source = tmp_path / "source.txt"
    source.write_text("first")
    installed = []

    def install(folder: Path) -> None:
        installed.append(source.read_text())

    lock(run, wheels / "alpha-1.0-py3-none-any.whl", wheels / "beta-1.0-py3-none-any.whl")
    subject = run.Environment(tmp_path / "environment", (VERSION,), ("lock.txt",), False, (install, source.read_text))
    object.__setattr__(subject, "source", source)
    object.__setattr__(subject, "installed", installed)
    return subject


def lock(run, *files: Path) -> None:
    (run.REQUIREMENTS / "lock.txt").write_text("".join(map(lock_line, files)))


def versions_in(environment) -> dict[str, str]:
    script = "import alpha, beta; print(alpha.version, beta.version)"
    done = subprocess.run([environment.python, "-c", script], capture_output=True, text=True, check=True)
    return dict(zip(("alpha", "beta"), done.stdout.split(), strict=True))


def site_packages(environment) -> Path:
    (folder,) = environment.folder.glob("lib/python3*/site-packages")
    return folder


def test_it_is_made_once_and_says_how_far_it_is(run, environment, wheels, capfd):
    run.make_whole(environment, wheels)
    assert versions_in(environment) == {"alpha": "1.0", "beta": "1.0"}
    said = capfd.readouterr().out
    assert "% Fetching alpha: " in said
    assert "% Installing alpha and 1 more" in said
    assert "100.0 % environment: " in said
    assert not pythons.wheels_of(environment.folder).exists()
    assert run.ready(environment) == environment.python
    assert environment.installed == ["first"]


def test_interrupted_it_goes_on_where_it_was(run, environment, wheels, monkeypatch):
    beta = wheels / "beta-1.0-py3-none-any.whl"
    kept = pythons.wheels_of(environment.folder)
    with serving(wheels) as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.index)
        server.refused = "beta"
        with pytest.raises(UserError):
            run.make_whole(environment)
        assert read_stamp(environment.folder) is None
        assert [file.name for file in kept.iterdir()] == ["alpha-1.0-py3-none-any.whl"]
        (kept / f"{beta.name}.partial").write_bytes(beta.read_bytes()[:30_000])
        server.refused = "-"
        server.requests.clear()
        run.make_whole(environment)
        asked = [(path, part) for path, part in server.requests if path.startswith("/files/")]
    assert (f"/files/{beta.name}", "bytes=30000-") in asked
    assert asked.count(("/files/alpha-1.0-py3-none-any.whl", "")) == 1, "its size is asked for, it is not fetched"
    assert versions_in(environment) == {"alpha": "1.0", "beta": "1.0"}


def test_set_up_again_repairs_what_was_deleted(run, environment, wheels, capfd):
    run.make_whole(environment, wheels)
    shutil.rmtree(site_packages(environment) / "beta")
    capfd.readouterr()
    run.make_whole(environment, wheels)
    assert versions_in(environment)["beta"] == "1.0"
    said = capfd.readouterr().out
    assert "Fetching beta" in said
    assert "Fetching alpha" not in said, "what is whole stays"
    assert len(run.made) == 1


def test_set_up_again_makes_all_anew_where_the_library_folder_is_gone(run, environment, wheels):
    run.make_whole(environment, wheels)
    shutil.rmtree(environment.folder / "lib")
    run.make_whole(environment, wheels)
    assert versions_in(environment) == {"alpha": "1.0", "beta": "1.0"}
    assert len(run.made) == 2


def test_a_new_source_is_installed_and_nothing_else_fetched(run, environment, wheels, capfd):
    run.make_whole(environment, wheels)
    environment.source.write_text("second")
    capfd.readouterr()
    run.ready(environment)
    assert environment.installed == ["first", "second"]
    assert "Fetching" not in capfd.readouterr().out


def test_a_new_lock_brings_what_it_changed(run, environment, wheels, capfd):
    run.make_whole(environment, wheels)
    newer = make_wheel(wheels, "beta", "2.0")
    lock(run, wheels / "alpha-1.0-py3-none-any.whl", newer)
    capfd.readouterr()
    run.make_whole(environment, wheels)
    assert versions_in(environment) == {"alpha": "1.0", "beta": "2.0"}
    assert "Fetching alpha" not in capfd.readouterr().out


def test_while_an_update_cannot_be_had_the_old_engine_stays(run, environment, wheels):
    run.make_whole(environment, wheels)
    before = read_stamp(environment.folder)
    newer = make_wheel(wheels, "beta", "2.0")
    lock(run, wheels / "alpha-1.0-py3-none-any.whl", newer)
    newer.unlink()
    with pytest.raises(UserError):
        run.make_whole(environment, wheels)
    assert read_stamp(environment.folder) == before
    assert versions_in(environment)["beta"] == "1.0"


def test_a_wheel_that_is_not_the_locked_one_is_not_installed(run, environment, wheels, capfd):
    make_wheel(wheels, "beta", "1.0", padding=10)  # after the lock was made
    with pytest.raises(UserError):
        run.make_whole(environment, wheels)
    assert "No wheel of beta==1.0" in capfd.readouterr().err
    assert read_stamp(environment.folder) is None


def test_the_disk_is_looked_at_first(run, environment, wheels, capfd, monkeypatch):
    huge = replace(torch_requirement(this_platform(), Graphics()), disk=10**9)
    monkeypatch.setattr(run, "torch_requirement", lambda *_: huge)
    make_wheel(wheels, "torch", huge.requirement.removeprefix("torch=="))
    with pytest.raises(UserError):
        run.make_whole(replace(environment, torch=True), wheels)
    assert "are free; free some space" in capfd.readouterr().err
    assert not list(pythons.wheels_of(environment.folder).iterdir()), "nothing was fetched"


@pytest.mark.slow
def test_pytorch_comes_with_what_it_needs_and_its_build_is_changed_when_asked(run, environment, wheels, monkeypatch):
    monkeypatch.setattr(run, "this_platform", lambda: run_on_linux)
    run_on_linux = replace(this_platform(), system="linux", machine="x86_64")
    make_wheel(wheels, "torch", f"{TORCH}+cpu", ("alpha", "needless ; extra == 'x'"))
    make_wheel(wheels, "torch", f"{TORCH}+cu126", ("alpha", "cuda_toolkit[blas]==12.6", "nvidia_dnn"))
    make_wheel(wheels, "cuda_toolkit", "12.6", ("nvidia_blas<13 ; extra == 'blas'", "nvidia_fft ; extra == 'fft'"))
    make_wheel(wheels, "nvidia_dnn", "9.0", ("nvidia_blas",))
    for version in ("12.6.4", "13.1.0"):
        make_wheel(wheels, "nvidia_blas", version)
    with_torch = replace(environment, torch=True)
    run.make_whole(with_torch, wheels)
    assert read_stamp(environment.folder).torch == f"torch=={TORCH}+cpu"
    assert not (site_packages(environment) / "nvidia_blas").exists()
    run.make_whole(with_torch, wheels, "cu126")
    assert read_stamp(environment.folder).torch == f"torch=={TORCH}+cu126"
    assert (site_packages(environment) / "nvidia_blas-12.6.4.dist-info").is_dir(), "loosely and exactly asked for"
    assert run.ready(with_torch), "the driver is not asked again"
    shutil.rmtree(site_packages(environment) / "nvidia_blas")
    run.make_whole(with_torch, wheels, "cu126")
    assert (site_packages(environment) / "nvidia_blas").is_dir()
    run.make_whole(with_torch, wheels, "cpu")
    left = {each.name for each in site_packages(environment).iterdir() if "nvidia" in each.name or "cuda" in each.name}
    assert not left, "what only the other build needed"
    assert versions_in(environment) == {"alpha": "1.0", "beta": "1.0"}


@pytest.mark.slow
def test_wheels_gathered_for_another_machine_have_their_hashes(run, wheels, tmp_path, monkeypatch):
    with serving(wheels) as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.index)
        monkeypatch.setattr(run, "this_platform", lambda: replace(this_platform(), system="darwin", machine="arm64"))
        monkeypatch.setattr(run, "ENGINE_PYTHONS", (VERSION,))
        make_wheel(wheels, "torch", TORCH)
        (run.REQUIREMENTS / "engine.txt").write_text(lock_line(wheels / "alpha-1.0-py3-none-any.whl"))
        assert run.wheels([str(tmp_path / "stick")]) == 0
    names = {file.name for file in (tmp_path / "stick").iterdir()}
    assert names == {"SHA256SUMS", "alpha-1.0-py3-none-any.whl", f"torch-{TORCH}-py3-none-any.whl"}
    run.make_whole(run.Environment(tmp_path / "there", (VERSION,), ("engine.txt",), True), tmp_path / "stick")
    assert read_stamp(tmp_path / "there").torch == f"torch=={TORCH}"
    broken = tmp_path / "stick" / f"torch-{TORCH}-py3-none-any.whl"
    broken.write_bytes(broken.read_bytes()[:-9])
    with pytest.raises(UserError):
        run.make_whole(run.Environment(tmp_path / "other", (VERSION,), ("engine.txt",), True), tmp_path / "stick")


def test_a_build_by_the_variable_and_a_wrong_one(run, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_TORCH", "cpu")
    assert run.torch_for("").build == "cpu"
    monkeypatch.setenv("SEMBLANCE_TORCH", "cu1")
    with pytest.raises(UserError, match="no build cu1"):
        run.torch_for("")


def test_a_driver_that_is_silent_does_not_cost_the_build_for_it(run, monkeypatch):
    monkeypatch.setattr(run, "graphics_of_this_machine", lambda: Graphics(complaint="version mismatch"))
    monkeypatch.setattr(run, "this_platform", lambda: replace(this_platform(), system="linux", machine="x86_64"))
    with pytest.raises(UserError, match=r"version mismatch.*SEMBLANCE_TORCH=cpu"):
        run.torch_for("", f"torch=={TORCH}")
    assert run.torch_for("cpu", f"torch=={TORCH}").build == "cpu"
    assert run.torch_for("", f"torch=={TORCH}+cpu").build == "cpu"
    assert run.torch_for("").build == "cpu"
