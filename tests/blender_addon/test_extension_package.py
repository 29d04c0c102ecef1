# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip that artists install: what is in it, and that Blender installs it, switches it on and off."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

NEEDED = (
    "__init__.py",
    "blender_manifest.toml",
    "LICENSE",
    "blender_addon/__init__.py",
    "tracking/heads/data/builtin.npz",
    "tracking/track.py",
    "protocol/messages.py",
    "engine/serving/server.py",
    "neural/styleavatar/networks/portrait.py",
    "common/errors.py",
    "run.py",
    "pyproject.toml",
    "py.typed",
    "README.md",
    "requirements/engine.txt",
    "CHANGELOG.md",
)
"""The add-on, and the engine's source: Set Up Engine installs from the extension's own folder."""

UNWANTED = (
    *("tests", "docs", "benchmarks", "packaging", "demo", "dist", "build", "tools"),
    *("CONTRIBUTING.md", "mkdocs.yml"),
)

INSTALL = """
import bpy, addon_utils
from pathlib import Path
name = "bl_ext.user_default.semblance"
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
assert name in bpy.context.preferences.addons, list(bpy.context.preferences.addons.keys())
package = sys.modules[name]
assert Path(package.__file__).is_relative_to(sys.argv[2]), package.__file__
for panel in ("SEMBLANCE_PT_avatar", "SEMBLANCE_PT_output", "SEMBLANCE_PT_render"):
    assert hasattr(bpy.types, panel), panel
assert bpy.ops.semblance.send_to_sequencer.get_rna_type()

scene = bpy.context.scene
bpy.ops.semblance.use_renderer()
assert scene.render.engine == "SEMBLANCE" and scene.view_settings.view_transform == "Standard"
try:
    bpy.ops.render.render()
    raise AssertionError("rendered without a head")
except RuntimeError as error:
    assert "New Avatar" in str(error), error

addon_utils.disable(name, default_set=True)
assert name not in bpy.context.preferences.addons
assert not hasattr(bpy.types.Object, "semblance") and not hasattr(bpy.types.Scene, "semblance")
left = [each for each in dir(bpy.types) if "semblance" in each.lower()]
assert not left, left
addon_utils.enable(name, default_set=True)
assert hasattr(bpy.types.Object, "semblance")
addon_utils.disable(name, default_set=True)
print("installed")
"""


@pytest.fixture(scope="module")
def extension(blender_python, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [blender_python, ROOT / "packaging" / "build_extension.py", "--out", folder]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (archive,) = folder.glob("semblance-*.zip")
    return archive


def test_the_zip_holds_the_add_on_and_the_engines_source_and_nothing_else(extension):
    with zipfile.ZipFile(extension) as archive:
        names = archive.namelist()
        size = sum(each.file_size for each in archive.infolist())
    missing = [name for name in NEEDED if name not in names]
    assert not missing
    unwanted = [name for name in names if Path(name).parts[0] in UNWANTED]
    hidden = [name for name in names if any(part.startswith(".") or part == "__pycache__" for part in Path(name).parts)]
    assert not unwanted
    assert not hidden
    assert size < 10e6


def test_blender_installs_it(extension, run_blender, tmp_path):
    assert "installed" in run_blender(INSTALL, extension, tmp_path / "blender")
