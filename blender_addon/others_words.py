# SPDX-License-Identifier: GPL-3.0-or-later
"""What other rooms say to artists, in English: their texts, and how their sentences are recognised. No bpy.

Sentences with values in them are recognised by their templates, so that whoever says them need not know of languages:
`translated` puts the values, translated themselves, into the template's translation.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from ..tracking.heads.head import ARKIT_NAMES
from ..tracking.heads.pin_points import PIN_POINTS
from ..tracking.performances.channel_words import ANGLES, spoken

OF_OTHER_ROOMS = (
    "Aligning",
    "Baking",
    "Building the engine",
    "Checking",
    "Connecting",
    "Cutting, matting and drawing",
    "Drawing maps",
    "Evaluating",
    "Fetching",
    "Filming the photo",
    "Finding the face",
    "Looking at the footage",
    "Making the clean plate",
    "Measuring",
    "Reading the dataset",
    "Reading the footage",
    "Rendering",
    "Restoring",
    "Sending",
    "Signing",
    "Solving",
    "Waiting for the engine to go on with",
    "Writing the plate",
    "Intel's graphics have no CUDA: networks run on the processor; an engine on a machine with one can be used from "
    "here.",
    "Macs have no CUDA GPU: networks run on the processor; an engine on a machine with one can be used from here.",
    "There is no NVIDIA GPU: networks run on the processor; an engine on a machine with one can be used from here.",
    *PIN_POINTS,
)
"""The stages of jobs, what a machine without CUDA means, and the parts of a face that are pinned."""
CHANNELS = (
    *(spoken(name) for name in ARKIT_NAMES),
    *dict.fromkeys(name for names in ANGLES.values() for name in names),
)
"""What moves, in the reasons of warnings beyond the training."""
SENTENCES = (
    "{channel} {value}, trained to {known}",
    "moved {centimeters} cm too far to the side",
    "moved {centimeters} cm too far up or down",
    "moved {centimeters} cm too far in depth",
    "a combination of expression that training never saw",
    "a combination of rotation that training never saw",
    "a combination of translation that training never saw",
    "a combination of gaze that training never saw",
    "{time} of training.",
    "{time} of training here, about {steps} steps.",
    "{time} of training, {share} of what this quality wants on this computer: all of it takes {whole}.",
    "less than {share}",
    "{count} days",
    "No face was found in {path}; choose footage in which one face is seen from the front, at least {pixels} "
    "pixels wide.",
    "No face was found in {path}; choose a photo in which one face is seen from the front.",
    "{path} shows {faces} faces; cut it so that only one person is seen.",
    "The face is seen in only {seen} of the {frames} frames of {path}; cut the video to the part that shows it.",
    "The face in {path} is only {width} pixels wide and {needed} are needed; use a larger picture or move the "
    "camera closer.",
    "The face in {path} is turned {turn} degrees to the side; choose a photo in which it is turned by less "
    "than {most}.",
    "A hand covers part of the face in {path}; choose a photo with nothing in front of the face.",
    "There is no video at {path}; check the path.",
    "There is no photo at {path}; check the path.",
    "{path} is empty; copy or record it again.",
    "{path} cannot be read as a video: it may be damaged; choose another file.",
    "{path} has no pictures, only sound or data; choose a video of a face.",
    "{path} holds no frame that can be decoded; it may be damaged: copy or record it again.",
    "{path} ends early, after {frames} of its {announced} frames; copy it again.",
    "{path} is damaged at {seconds} s; copy it again or re-encode it.",
    "{path} cannot be read as a picture; choose a whole JPEG, PNG or HEIC file.",
    "{path} has {megapixels} megapixels; save a copy of at most {most}.",
    "{path} is missing or damaged; run `semblance track` again to make the dataset anew.",
    "{path} is not a finished dataset; run `semblance track` to make one.",
    "Another run is writing {path} at this moment; wait until it is done, or choose another folder.",
    "The dataset shows a face in too few frames to train on; track other footage.",
    "Training needs {size} GB of disk space at {path}; free some and try again.",
    "The disk is full: {path} was not written; free some space and try again.",
)
"""Sentences, most of them with values: reasons of warnings, what to expect of builds, errors of jobs that artists meet
most often. The rest stays English.
"""


OF_WORDS = {"channel", "path", "share", "time", "whole"}
"""Values that may have spaces in them; numbers have none."""


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each sentence, and what recognises it; the longest first, which are the most particular."""
    return tuple((each, pattern_of(each)) for each in sorted(SENTENCES, key=len, reverse=True))


def pattern_of(sentence: str) -> re.Pattern[str]:
    """What recognises a sentence with any values."""

    def any_value(found: re.Match[str]) -> str:
        value = ".+?" if found[1] in OF_WORDS else "[^ ]+"
        return f"(?P<{found[1]}>{value})"

    return re.compile(re.sub(r"\\{(\w+)\\}", any_value, re.escape(sentence)), re.DOTALL)


@lru_cache(maxsize=256)
def recognised(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the sentence that a text is, and its values by name; None for others."""
    found = ((sentence, pattern.fullmatch(text)) for sentence, pattern in patterns())
    return next(((sentence, match.groupdict()) for sentence, match in found if match), None)
