# SPDX-License-Identifier: GPL-3.0-or-later
"""The card about an engine on another machine, and making an avatar there, in Blender itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from semblance.tests.makers.remote_engines import TOKEN, remote_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from semblance.tests.makers.remote_engines import RemoteEngine

START = """
import bpy
from pathlib import Path
import semblance
semblance.register()
from semblance.blender_addon import preferences
from semblance.blender_addon.engine import remote_engine, tokens
from semblance.blender_addon.properties import head_settings
from semblance.blender_addon.ui import remote_card
from semblance.blender_addon.scene import plate
from semblance.blender_addon.scene.paths import path_of
tokens.keyring = lambda: ""
url, token, fingerprint, source = sys.argv[1:]
home = preferences.home_folder()


class Stored:
    engine = "REMOTE"
    faceverse = ""


preferences.stored = Stored


class Layout:
    '''Writes down what a card draws.'''

    def __init__(self, said):
        self.said = said

    def column(self, align=False):
        return self

    row = column

    def label(self, text, icon, **_):
        self.said.append(text)

    def operator(self, name, icon=""):
        self.said.append(f"[{name}]")
        return self


def drawn():
    said = []
    remote_card.draw(Layout(said), bpy.context, preferences.remote_place())
    return " ".join(said).replace(": ", ":")  # of a fingerprint over two lines


def refused(ask):
    try:
        ask()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("nothing was refused")
"""

CARD = """
assert "No address is entered yet." in drawn()
assert "Use Remote Engine" in refused(bpy.ops.semblance.check_engine)
assert "characters that no token has" in refused(lambda: bpy.ops.semblance.use_remote_engine(url=url, token="\\u00fc"))
assert "write https://" in refused(lambda: bpy.ops.semblance.use_remote_engine(url="http://10.1.2.3", token=token))
bpy.ops.semblance.use_remote_engine(url=url, token=token)
assert url in drawn() and "not known yet" in drawn() and fingerprint in drawn(), drawn()
assert "[semblance.accept_certificate]" in drawn()
bpy.ops.semblance.accept_certificate()
assert "Ready on" in drawn() and "[semblance.accept_certificate]" not in drawn(), drawn()
assert (home / tokens.FILE).stat().st_mode & 0o777 == 0o600
bpy.ops.wm.save_as_mainfile(filepath=str(home / "saved.blend"), compress=False)
assert token.encode() not in (home / "saved.blend").read_bytes()

tokens._known.clear()
bpy.ops.semblance.use_remote_engine(url=url, token="wrong")
assert "does not accept the token" in drawn()
bpy.ops.semblance.use_remote_engine(url="https://127.0.0.1:9", token=token)
assert "cannot be reached" in drawn()

bpy.ops.semblance.use_remote_engine(url=url, token=token)
plate.show_plate = lambda *given, **named: None
bpy.ops.semblance.new_avatar(filepath=source)
head = next(each for each in bpy.data.objects if head_settings(each).is_head)
dataset = path_of(head, "dataset")
assert dataset.parent == home / "datasets" and (dataset / "performance.npz").is_file(), dataset
assert head.name.startswith("clip")
"""


@pytest.fixture
def there(tmp_path) -> Iterator[RemoteEngine]:
    with remote_engine(tmp_path) as engine:
        yield engine


@pytest.mark.slow
def test_an_engine_on_another_machine_is_entered_accepted_and_used(run_blender, there, tmp_path):
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"footage" * 500)
    environment = {"SEMBLANCE_HOME": str(tmp_path / "here"), "SEMBLANCE_ENGINE_PYTHON": "", "SEMBLANCE_ENGINE": ""}
    run_blender(START + CARD, there.url, TOKEN, there.fingerprint, source, environment=environment)
