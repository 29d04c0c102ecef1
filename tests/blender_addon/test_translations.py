# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that artists read is translated into every language, and nothing else is."""

from __future__ import annotations

import ast
import json
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.blender_addon import words
from semblance.blender_addon.languages import LANGUAGES
from semblance.blender_addon.others_words import SENTENCES, pattern_of
from semblance.protocol.expectations import Expectation
from semblance.tests.blender_addon.collected_texts import NOT_TRANSLATED, collected, texts_of
from semblance.tests.blender_addon.conftest import ROOT
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.performances.channel_words import beyond_words
from semblance.tracking.performances.trained_range import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Tables = dict[str, dict[str, str]]

REGISTERED = """
import json
from string import Formatter
import bpy
import semblance.blender_addon as addon
from semblance.blender_addon.others_words import CHANNELS, OF_OTHER_ROOMS, SENTENCES
from semblance.blender_addon.translations import tables

# Blender keeps these forever: labels, tooltips and choices of all that is registered
addon.register()
found = {*OF_OTHER_ROOMS, *CHANNELS, *SENTENCES}

def read(kind):
    if not issubclass(kind, bpy.types.PropertyGroup):
        found.update([getattr(kind, "bl_label", ""), getattr(kind, "bl_description", "")])
    if issubclass(kind, bpy.types.Operator):
        found.add(kind.bl_rna.description)
    own = {name for each in kind.__mro__ for name in getattr(each, "__annotations__", {})}
    for each in kind.bl_rna.properties:
        if each.identifier in own and not each.is_hidden:
            found.update([each.name, each.description])
            if each.type == "ENUM":
                found.update(text for item in each.enum_items for text in (item.name, item.description))

def kinds(of):
    for each in of.__subclasses__():
        yield each
        yield from kinds(each)

for kind in set(kinds(bpy.types.bpy_struct)):
    if "semblance" in kind.__module__ and getattr(kind, "is_registered", False):
        read(kind)
print("FOUND", json.dumps(sorted(text for text in found if any(letter.isalpha() for letter in text))))
print("CODES", json.dumps([sorted(tables()), bpy.app.version_string]))
addon.unregister()
addon.register()  # once more, as after an update
addon.unregister()
"""


@pytest.fixture
def tables() -> Tables:
    return {codes[0]: texts for codes, texts in LANGUAGES.items()}


def test_no_text_is_forgotten_in_any_language_and_none_is_left_over(
    run_blender: Callable[..., str], tables: Tables
) -> None:
    printed = run_blender(REGISTERED)
    line = next(line for line in printed.splitlines() if line.startswith("FOUND"))
    wanted = (collected(ROOT / "blender_addon") | set(json.loads(line.removeprefix("FOUND")))) - NOT_TRANSLATED
    for language, texts in tables.items():
        assert sorted(wanted - set(texts)) == [], f"not translated into {language}"
        assert sorted(set(texts) - wanted) == [], f"translated into {language}, but no longer there"
    codes = next(line for line in printed.splitlines() if line.startswith("CODES"))
    assert '"de_DE"' in codes
    assert '"zh_HANS"' in codes


IN_GERMAN = """
import bpy
import semblance.blender_addon as addon
from semblance.blender_addon import words
from semblance.blender_addon.translations import tables
from semblance.blender_addon.ui import activity, panels
from semblance.blender_addon.ui.remedies import remedies_for

bpy.ops.wm.read_factory_settings(use_empty=True)
addon.register()
german = {text: translation for (_, text), translation in tables()["de_DE"].items()}
words.translators.append(lambda text: german.get(text, text))  # the wheels have no languages
try:
    bpy.ops.semblance.relax_face()
except RuntimeError as error:
    refusal = str(error)
assert "Noch kein Kopf vorhanden" in refusal, refusal
assert [each.operator for each in remedies_for(refusal)] == ["semblance.new_avatar"]
assert [each.operator for each in remedies_for("There is no head yet: make one with New Avatar.")] == [
    "semblance.new_avatar"
]

def work():
    yield activity.Bar("Waiting for its turn")

activity.begin("Build Avatar", work(), str)
activity.step()
assert activity.line_about(activity.running()[0]) == "Avatar erstellen: Wartet, bis es dran ist"
assert activity.busy_reason(alone=True) == "Avatar erstellen läuft: warten oder abbrechen."
activity.cancel()
assert activity.message().text == "Avatar erstellen wurde abgebrochen."
words.translators.pop()
addon.unregister()
"""


def test_reasons_progress_and_messages_are_translated_and_bring_their_buttons(run_blender: Callable[..., str]) -> None:
    run_blender(IN_GERMAN)


def templates_in(folder: Path) -> set[str]:
    """What a room's sources put together for people, with a 7 where a value is put; and their sentences without any."""
    found = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.add("".join(str(each.value) if isinstance(each, ast.Constant) else "7" for each in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_what_other_rooms_say_is_what_is_recognised() -> None:
    """A sentence that was changed there is found here."""
    said = set().union(*(templates_in(ROOT / room) for room in ("common", "engine", "neural", "protocol", "tracking")))
    named = {f"a combination of {name} that training never saw" for name in WIDTHS}
    moved = {beyond_words("translation", column, np.ones(3), np.zeros(3), np.zeros(3)) for column in range(3)}
    for sentence in SENTENCES:
        pattern = pattern_of(sentence)
        assert any(pattern.fullmatch(each) for each in said | named | moved), f"nobody says: {sentence}"


GERMAN = next(texts for codes, texts in LANGUAGES.items() if "de_DE" in codes)


@pytest.fixture
def in_german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "translators", [lambda text: GERMAN.get(text, text)])


@pytest.mark.usefixtures("in_german")
def test_sentences_of_other_rooms_are_said_in_the_artist_s_language() -> None:
    """As they come: the reason of a warning, what to expect of a build, the error of a job, with their values."""
    low, high = np.zeros(52), np.full(52, 0.5)
    reason = beyond_words("expression", ARKIT_NAMES.index("browDownLeft"), np.full(52, 0.75), low, high)
    assert words.translated(reason) == "Braue gesenkt links 0.75, trainiert bis 0.50"
    turned = beyond_words("rotation", 1, np.radians([0, 34, 0]), np.zeros(3), np.radians([5, 21, 0]))
    assert words.translated(turned) == "Drehung 34°, trainiert bis 21°"
    slow = Expectation("portrait", "final", 7200, steps=800_000, rate=0.01)
    assert words.translated(slow.sentence) == (
        "2 h 00 min Training, weniger als 1% dessen, was diese Qualität auf diesem Computer braucht: "
        "Alles dauert 926 Tage."
    )
    error = "/home/me/my clip.mp4 shows 2 faces; cut it so that only one person is seen."
    assert words.translated(error) == (
        "/home/me/my clip.mp4 zeigt 2 Gesichter; so zuschneiden, dass nur eine Person zu sehen ist."
    )
    unknown = "Something {else} that nobody knows of."
    assert words.translated(unknown) == unknown


def placeholders(text: str) -> list[tuple[str, str | None, str | None]]:
    """The names in braces, with how they are written, in the alphabet's order."""
    return sorted((name, how, written) for _, name, how, written in Formatter().parse(text) if name is not None)


def test_translations_have_the_same_placeholders(tables: Tables) -> None:
    for language, texts in tables.items():
        for text, translation in texts.items():
            assert placeholders(text) == placeholders(translation), f"{language}: {text}"
            assert translation.strip(), f"{language}: {text}"
            assert text.endswith("\n") == translation.endswith("\n"), f"{language}: {text}"


def test_a_sentence_calls_a_button_as_the_button_is_called(tables: Tables) -> None:
    for language, texts in tables.items():
        for text, translation in texts.items():
            for name in NAMED:
                if f"ress {name}" in text or f"with {name}" in text or f"or {name}" in text:
                    assert texts[name] in translation, f"{language}: {text}: {texts[name]}"


NAMED = (
    *("Add Avatar", "Add Result", "Build Avatar", "Export Avatar", "Import Avatar", "New Avatar", "Relink"),
    *(
        "Go Live",
        "Make Pose Library",
        "Restart Engine",
        "Render with Semblance",
        "Send to Sequencer",
        "Set Up Again",
        "Set Up Engine",
        "Stop",
    ),
    *("Check", "To Gaussian Splats", "Use Its Camera", "Use Remote Engine", "preferences"),
)


def test_every_language_is_written_in_its_script(tables: Tables) -> None:
    def share(language: str, within: Callable[[str], bool]) -> float:
        texts = tables[language].values()
        return sum(any(within(letter) for letter in text) for text in texts) / len(texts)

    assert share("ja_JP", lambda letter: "\u3040" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff") > 0.97
    assert share("ja_JP", lambda letter: "\u3040" <= letter <= "\u30ff") > 0.8
    assert share("zh_HANS", lambda letter: "\u4e00" <= letter <= "\u9fff") > 0.97
    assert share("zh_HANS", lambda letter: "\u3040" <= letter <= "\u30ff") == 0.0
    assert share("de_DE", lambda letter: letter in "äöüßÄÖÜ") > 0.25
    assert share("es", lambda letter: letter in "áéíóúñ¿") > 0.35


def test_a_text_put_together_by_hand_is_noticed() -> None:
    assert texts_of('layout.label(text="Head")\nx = "two words"\ny = translated("{a} of")') == {
        "Head",
        "two words",
        "{a} of",
    }
    with pytest.raises(AssertionError, match="instead of an f-string"):
        texts_of('said = f"{name} is gone."')


def test_values_go_where_the_translation_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert words.translated("{head} is in {file}.", head="Ada", file="a{b}") == "Ada is in a{b}."
    assert words.translated("{text}, {self}", text="any name", self="will do") == "any name, will do"
    monkeypatch.setattr(words, "translators", [lambda text: {"{head} in {file}": "{file}: {head}"}.get(text, text)])
    assert words.translated("{head} in {file}", head="Ada", file="x") == "x: Ada"
    assert words.translated("braces { stay") == "braces { stay"


def test_lines_are_broken_between_words_and_between_wide_letters() -> None:
    assert words.wrapped("one two three", 7) == ["one two", "three"]
    assert words.wrapped("エンジンが応答しません。", 10) == ["エンジンが", "応答しませ", "ん。"]
    assert words.wrapped("エンジンです。", 12) == ["エンジンで", "す。"]  # no line begins with a stop
    assert words.wrapped("用 Blender 渲染", 9) == ["用", "Blender", "渲染"]
    assert words.wrapped("", 9) == []
