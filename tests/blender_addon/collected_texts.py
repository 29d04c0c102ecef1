# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds in the add-on's sources what artists read, so that a test can tell what no language's table has."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_TEXTS = (
    "command_line.py",  # the command line is English
    "film.py",
    "languages/",
    "others_words.py",  # its texts are asked for by name
    "render/gpu_",  # shaders
    "scene/camera.py",  # names of what is in the file: they stay as they are when the language changes
    "scene/poses.py",
    "scene/rig.py",
    "scene/splat_nodes.py",
)
"""Files, or beginnings of their names, in which artists read nothing."""
LABELS = {"name", "description", "text", "title", "heading", "confirm_text", "bl_label", "bl_description"}
"""Arguments and attributes of Blender's that are shown."""
CALLS = {"translated": (0,), "Bar": (0,), "Remedy": (0, 2), "report": (1,)}
"""Functions that are given what is shown, and which arguments it is."""
SENTENCE = re.compile(r"[A-Za-z.,;:!?)}”…] [A-Za-z({“]")
TITLE = re.compile(r"[A-Z][a-z]+")


def texts_of(source: str) -> set[str]:
    """Return what artists may read of a module's literals: those given to be shown, all of two or more words, and all
    words that begin with a capital. Docstrings are read where they are an operator's.

    Raises:
        AssertionError: a text is put together with an f-string, which no table can have.
    """
    tree = ast.parse(source)
    unread = {id(each) for each in docstrings(tree)}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            unread |= {id(each) for each in ast.walk(node)}
            text = "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
            assert not SENTENCE.search(text) or text in NAMES, f"use translated() instead of an f-string: {text}"
        elif isinstance(node, ast.ClassDef) and "_OT_" in node.name:
            found.add((ast.get_docstring(node) or "").strip())
        found |= {each.value for each in shown_in(node) if isinstance(each.value, str)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unread:
            text = node.value
            if SENTENCE.search(text) or TITLE.fullmatch(text):
                found.add(text)
    return {text for text in found if re.search("[A-Za-z]", text)} - NAMES


def docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """The strings that stand alone: docstrings of all kinds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def shown_in(node: ast.AST) -> Iterator[ast.Constant]:
    """The literals of a node that are given to be shown."""
    given: list[ast.expr] = []
    if isinstance(node, ast.Call):
        given = [each.value for each in node.keywords if each.arg in LABELS]
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given += [node.args[at] for at in CALLS.get(called, ()) if at < len(node.args)]
    elif isinstance(node, ast.Assign):
        given = [node.value for target in node.targets if isinstance(target, ast.Name) and target.id in LABELS]
    for each in given:
        choices = (each.body, each.orelse) if isinstance(each, ast.IfExp) else (each,)
        yield from (choice for choice in choices if isinstance(choice, ast.Constant))


def collected(addon: Path) -> set[str]:
    """Return what artists may read of the add-on's sources."""
    found: set[str] = set()
    for file in sorted(addon.rglob("*.py")):
        if not str(file.relative_to(addon)).startswith(NO_TEXTS):
            found |= texts_of(file.read_text(encoding="utf-8"))
    return found


NAMES = {
    # put together for people, but no words
    *("{} {}", "{} ({})", "{} GB", "{} MB", "{} ({} px)", "{}: {}"),
    # in the file
    *("Basis", "Colour", "Cube", "Expression", "Layer", "Light", "Semblance Head", "Semblance Splats", "UVMap"),
    *("Plate", "Reach of the Eye", "Reach of the Jaw", "Semblance Jaw", "Semblance Target", "Semblance Thumbnail"),
    *(
        "{} Baked",
        "{} from {}",
        "{} Live",
        "{} Plate",
        "{} Sequence",
        "Log of job {}",
        "Match Plate",
        "Semblance probe",
    ),
    *("Exposure", "Saturation", "Shrink Edge", "Soften Edge", "Splats", "A pose of the face for Semblance's heads"),
    # Blender's
    *("Alpha", "Apply Mask", "Base Color", "Color", "Combined", "Depth", "Gamma", "Image", "Mask", "None", "Roughness"),
    *("Operator", "Size", "Standard", "Type", "Video Editing"),
    # types
    *("Doubles", "Floats", "Moment", "Number", "Result", "Said"),
    # others'
    *("new avatar", "Avatar in Training", "one is live already"),
    *("No such option", "PyTorch", "Python", "Semblance", "Semblance engine", "the reason is above.", "{} {} "),
    *("--label={} {}", "semblance heads import FILE --home {}"),
}
"""What is no text: names of types, of things in the file, of programs, and what is compared with what others print."""
NOT_TRANSLATED = {
    *("FaceVerse v2", "FaceVerse v3", "FaceVerse v4", "FLAME", "ICT-FaceKit", "LivePortrait", "Robust Video Matting"),
    *("face-vid2vid", "Python", "PyTorch", "Semblance"),
}
"""Names that are shown as they are."""
