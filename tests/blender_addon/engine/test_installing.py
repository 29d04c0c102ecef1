# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up the engine from Blender's side: what it says beforehand, shows meanwhile, and how it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from semblance.blender_addon.engine import installing
from semblance.blender_addon.engine.installing import (
    Look,
    State,
    Wishes,
    damaged_packages,
    engine_stamp_of_extension,
    outlook,
    remove,
    state_of,
)
from semblance.blender_addon.engine.jobs import Bar, removing, run_to_end, setting_up
from semblance.blender_addon.engine.process import EnginePlace
from semblance.common.errors import UserError
from semblance.common.installation.torch_builds import Graphics, Platform
from semblance.common.processes import is_alive
from semblance.protocol.messages import STATE_FILE, Announcement

from tests.makers.wheels import lock_line, make_wheel, serving

ROOT = Path(__file__).resolve().parents[3]
CARD = Graphics("580.95", (("NVIDIA RTX 4090", (8, 9)),), frozenset({"nvidia"}))


@pytest.fixture
def installer(tmp_path, monkeypatch):
    """Give the extension a `run.py` of this text."""

    def write(text: str) -> EnginePlace:
        (tmp_path / "run.py").write_text("import sys, time\n" + text)
        monkeypatch.setattr(installing, "EXTENSION", tmp_path)
        return EnginePlace(tmp_path / "home")

    return write


def test_setting_up_shows_how_far_it_is(installer, tmp_path):
    place = installer(f"""
import pathlib
assert sys.argv[1:3] == ['engine', '--into']
assert sys.argv[4:] == ['--wheels', 'folder', '--torch', 'cu126'], sys.argv
print('41.5 % Fetching torch: 800 of 2690 MB, 4 min left', flush=True)
for _ in range(30_000):
    if pathlib.Path({str(tmp_path / "seen")!r}).exists():
        break
    time.sleep(0.01)
""")
    bars: list[Bar] = []

    def show(bar: Bar) -> None:
        bars.append(bar)
        if "torch" in bar.text:
            (tmp_path / "seen").touch()

    run_to_end(setting_up(place, Wishes(Path("folder"), "cu126")), show, pause=0.02)
    assert bars[0] == Bar("Preparing", 0.0) or "torch" in bars[0].text
    assert Bar("Fetching torch: 800 of 2690 MB, 4 min left", 0.415) in bars


def test_setting_up_that_fails_says_why_and_keeps_the_log(installer):
    place = installer("sys.exit('The disk is full.\\nThe environment is not whole; the reason is above.')")
    with pytest.raises(UserError, match=r"\(The disk is full\).*setup\.log"):
        run_to_end(setting_up(place, Wishes()), pause=0.02)
    assert "full" in place.setup_log.read_text()
    assert place.interpreter() is None


def test_setting_up_can_be_cancelled(installer):
    place = installer("import os\nprint(f'1.0 % {os.getpid()}', flush=True)\ntime.sleep(60)")
    task = setting_up(place, Wishes())
    while not (number := next(task).text).isdecimal():
        pass
    task.close()
    assert not is_alive(int(number)), "the installer goes on, or is a zombie"


def test_the_sizes_are_told_beforehand():
    cuda = outlook(Platform("linux"), CARD, Wishes(), 120 * 10**9)
    cpu = outlook(Platform("linux"), Graphics(), Wishes(Path("wheels")), 3 * 10**9)
    assert cuda.machine == "NVIDIA RTX 4090: PyTorch gets the build cu130."
    assert cuda.sizes.startswith("Downloads about 3.2 GB")
    assert "120 GB are free" in cuda.sizes
    assert "no NVIDIA GPU" in cpu.machine
    assert cpu.sizes.startswith("Reads about 620 MB")
    by_hand = outlook(Platform("linux"), CARD, Wishes(torch="cpu"), 0)
    assert by_hand.machine == "PyTorch gets the build cpu."
    impossible = outlook(Platform("darwin", "x86_64"), Graphics(), Wishes(), 0)
    assert not impossible.possible
    assert "Intel" in impossible.machine


def test_a_running_engine_is_not_changed(tmp_path):
    place = EnginePlace(tmp_path)
    place.environment.mkdir()
    (tmp_path / STATE_FILE).write_text(Announcement(1, "token", os.getpid()).to_text())
    with pytest.raises(UserError, match="is running"):
        run_to_end(setting_up(place, Wishes()))
    with pytest.raises(UserError, match="is running"):
        list(remove(place))
    (tmp_path / STATE_FILE).write_text(Announcement(1, "token", 2**22 + 1).to_text())
    list(remove(place))
    assert not place.environment.exists()


BACKEND = """
import base64, hashlib, zipfile
from pathlib import Path

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, info = "semblance-0.1.0-py3-none-any.whl", "semblance-0.1.0.dist-info"
    files = {f"semblance/{path.as_posix()}": path.read_bytes() for path in sorted(Path("common").rglob("*.py"))}
    files[f"{info}/METADATA"] = b"Metadata-Version: 2.1\\nName: semblance\\nVersion: 0.1.0\\n"
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    rows = [f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()[:-1]},{len(data)}"
            for path, data in files.items()]
    files[f"{info}/RECORD"] = "\\n".join([*rows, f"{info}/RECORD,,"]).encode()
    with zipfile.ZipFile(Path(folder, name), "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return name
"""


@pytest.fixture
def extension(tmp_path, monkeypatch):
    """A small extension: the true installer, a package of the common room alone, one library."""
    folder = tmp_path / "extension"
    shutil.copytree(ROOT / "common", folder / "common", ignore=shutil.ignore_patterns("__pycache__"))
    for room in ("protocol", "tracking", "neural", "engine", "requirements"):
        (folder / room).mkdir()
    for name in ("run.py", "blender_manifest.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("README.md", "__init__.py", "py.typed"):
        (folder / name).touch()
    (folder / "setup.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "setup"\nbackend-path = ["."]'
    )
    wheel = make_wheel(tmp_path / "from", "alpha", "1.0", padding=400_000)
    make_wheel(tmp_path / "from", "torch", "2.13.0", ("alpha",))
    make_wheel(tmp_path / "from", "torch", "2.13.0+cpu", ("alpha",))
    (folder / "requirements" / "engine.txt").write_text(lock_line(wheel))
    monkeypatch.setattr(installing, "EXTENSION", folder)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("SEMBLANCE_TORCH", "cpu")
    return folder


def processes_about(text: str) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if text in line and "ps -eo" not in line]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("ps"), reason="looks for processes that were left")
def test_the_whole_life_of_an_engine(extension, tmp_path, monkeypatch):
    place, wishes = EnginePlace(tmp_path / "home"), Wishes()
    assert state_of(place) is State.ABSENT
    with serving(tmp_path / "from") as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.index)
        server.pause = 0.05
        shutil.copy(tmp_path / "from" / "torch-2.13.0+cpu-py3-none-any.whl", tmp_path)
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

        # cancelled while it fetches: within a second, nothing goes on, what has come is kept
        task = setting_up(place, wishes)
        while "Fetching alpha" not in next(task).text:
            time.sleep(0.02)
        partial = place.wheels / "alpha-1.0-py3-none-any.whl.partial"
        while not partial.is_file() or partial.stat().st_size < 2048:
            time.sleep(0.02)
        began = time.monotonic()
        task.close()
        while processes_about(str(place.environment)):
            assert time.monotonic() - began < 1.0, processes_about(str(place.environment))
        assert state_of(place) is State.BEGUN
        assert place.interpreter() is None
        kept = partial.stat().st_size

        # once more: it goes on where it was
        server.pause = 0.0
        server.requests.clear()
        run_to_end(setting_up(place, wishes), pause=0.02)
        assert ("/files/alpha-1.0-py3-none-any.whl", f"bytes={kept}-") in server.requests
        assert state_of(place) is State.READY
        assert place.interpreter()
        assert not damaged_packages(place)

        # damaged, seen, repaired
        (site,) = place.environment.glob("lib/python3*/site-packages")
        shutil.rmtree(site / "alpha")
        assert damaged_packages(place) == ["alpha"]
        look = Look(place)
        while not look.ended:
            time.sleep(0.02)
        assert look.damaged == ["alpha"]
        run_to_end(setting_up(place, wishes), pause=0.02)
        assert not damaged_packages(place)

        # a newer extension, seen, installed
        (extension / "common" / "news.py").write_text("NEWS = 1\n")
        engine_stamp_of_extension.cache_clear()
        assert state_of(place) is State.OUTDATED
        run_to_end(setting_up(place, wishes), pause=0.02)
        assert state_of(place) is State.READY
        assert (site / "semblance" / "common" / "news.py").is_file()
    run_to_end(removing(place), pause=0.0)
    assert state_of(place) is State.ABSENT
    assert {each.name for each in place.home.iterdir()} == {"setup.log"}
    engine_stamp_of_extension.cache_clear()
