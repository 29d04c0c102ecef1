# SPDX-License-Identifier: GPL-3.0-or-later
"""The card about the engine in the preferences, and that nothing goes online where Blender may not."""

from __future__ import annotations

START = """
import bpy, json, time
from pathlib import Path
import semblance
semblance.register()
from semblance.blender_addon import compat, preferences
from semblance.blender_addon.engine import installing, jobs, remote_engine
from semblance.blender_addon.engine.process import EnginePlace
from semblance.blender_addon.ui import engine_operators, panels, setup_card
from semblance.common.installation.torch_builds import Graphics
place = EnginePlace(Path(sys.argv[1]))
installing.graphics_of_this_machine = lambda: Graphics("580.95", (("NVIDIA RTX 4090", (8, 9)),), frozenset({"nvidia"}))


class Layout:
    '''Writes down what a card draws.'''

    def __init__(self, said):
        self.said, self.filepath = said, ""

    def column(self, align=False):
        return self

    row = box = column

    def label(self, text, icon, **_):
        self.said.append(text)

    def operator(self, name, text="", icon=""):
        self.said.append(f"[{text or name}]")
        return self

    def progress(self, text, factor):
        self.said.append(f"{factor:.2f} {text}")


def drawn(wishes=installing.Wishes()):
    said = []
    while not setup_card.look_at(place).ended:
        time.sleep(0.01)
    setup_card.draw(Layout(said), bpy.context, place, wishes)
    return " ".join(said)


def stamped(**changed):
    stamp = installing.engine_stamp(installing.EXTENSION, "torch==2.13.0").__dict__ | changed
    place.environment.mkdir(parents=True, exist_ok=True)
    (place.environment / installing.NAME).write_text(json.dumps(stamp))
    setup_card.forget()
"""


def test_the_card_says_how_the_engine_stands_and_what_it_takes(run_blender, tmp_path):
    script = """
assert preferences.draw_engine is setup_card.draw
first = drawn()
assert "not set up yet" in first and "NVIDIA RTX 4090: PyTorch gets the build cu130." in first, first
assert "Downloads about 3.2 GB" in first and "[Set Up Engine]" in first and "remove" not in first, first
assert "Log" not in first
assert "build cpu" in drawn(installing.Wishes(torch="cpu"))

place.wheels.mkdir(parents=True)
place.setup_log.write_text("3.0 % Fetching")
begun = drawn()
assert "interrupted" in begun and "[Go On Setting Up]" in begun and "[Show Log]" in begun, begun

stamped()
ready = drawn()
assert "is set up." in ready and "[Repair Engine]" in ready and "[semblance.remove_engine]" in ready, ready
assert "Downloads" not in ready

stamped(packages=["numpy", "torch"])
assert "missing (numpy, torch): repair it" in drawn()

stamped(sources="of the last version")
assert "newer than the engine" in drawn() and "[Update Engine]" in drawn()
(place.environment / installing.NAME).write_text("what an older version wrote")
assert "[Update Engine]" in drawn()

from semblance.blender_addon.ui import activity
activity.begin("Set Up Engine", iter([]), str).bar = activity.Bar("Fetching torch: 800 of 2690 MB, 4 min left", 0.4)
assert "0.40 Set Up Engine: Fetching torch: 800 of 2690 MB, 4 min left [semblance.cancel]" in drawn()
"""
    run_blender(START + script, tmp_path / "home", environment={"SEMBLANCE_HOME": str(tmp_path / "home")})


def test_offline_nothing_is_fetched_but_a_folder_will_do(run_blender, tmp_path):
    script = """
reason = engine_operators.SEMBLANCE_OT_set_up_engine.disabled_reason
compat.online_access = lambda: True
assert not reason(bpy.context)
compat.online_access = lambda: False
assert "Allow Online Access" in reason(bpy.context) and "folder of wheels" in reason(bpy.context)
preferences.wishes = lambda: installing.Wishes(wheels=Path("wheels"))
assert not reason(bpy.context)
assert "not set up" in engine_operators.SEMBLANCE_OT_remove_engine.disabled_reason(bpy.context)


class Stored:
    engine = "REMOTE"


preferences.stored = Stored
assert "press Use Remote Engine" in panels.why_no_engine(preferences.engine_place())
jobs.run_to_end(remote_engine.keeping(preferences.home_folder(), "https://10.1.2.3:8765", ""))
assert not preferences.engine_place().online
assert "Allow Online Access" in panels.why_no_engine(preferences.engine_place())
"""
    home = {"SEMBLANCE_HOME": str(tmp_path / "home"), "SEMBLANCE_ENGINE_PYTHON": ""}
    run_blender(START + script, tmp_path / "home", environment=home)


def test_the_card_says_that_the_engine_is_being_set_up(run_blender, tmp_path):
    """And not that this was interrupted, though its wheels lie there already."""
    script = """
from semblance.blender_addon.ui import activity
place.wheels.mkdir(parents=True)
assert "interrupted" in drawn()

def working():
    yield jobs.Bar("Fetching", 0.5)

activity.begin("Set Up Engine", working(), str, alone=True)
activity.step()
assert "interrupted" not in drawn() and "being set up" in drawn() and "0.50" in drawn(), drawn()
activity.cancel()
assert "interrupted" in drawn()
"""
    run_blender(START + script, tmp_path)
