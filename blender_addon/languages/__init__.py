# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on in other languages: a room for each, in which every English text has its translation, by subject.

Placeholders in braces are the same as in the English text. What English calls a button is in a sentence called as the
button is in that language: the button that mends a fault is found by it.
"""

from . import de, es, ja, zh_hans

LANGUAGES = {
    ("de_DE", "de"): de.TEXTS,
    ("es", "es_ES"): es.TEXTS,
    ("ja_JP", "ja"): ja.TEXTS,
    ("zh_HANS", "zh_CN"): zh_hans.TEXTS,
}
"""Translations by the codes that versions of Blender have for a language."""
