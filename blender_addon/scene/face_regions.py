# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 expressions as an animator sorts them: by region of the face, left beside right."""

from __future__ import annotations

from dataclasses import dataclass

from ...tracking.heads.head import ARKIT_NAMES


@dataclass(frozen=True)
class Slider:
    """One control of the face.

    Attributes:
        label: what it is called within its region.
        names: the expression it moves; of a mirrored pair the left and the right one.
    """

    label: str
    names: tuple[str, ...]

    @property
    def mirrored(self) -> bool:
        """Whether it has a left and a right side."""
        return len(self.names) == 2

    @property
    def stem(self) -> str:
        """The expression's name without its side."""
        return self.names[0].removesuffix("Left") if self.mirrored else self.names[0]


LABELS = {
    "eyes": {"eyeBlink": "Blink", "eyeSquint": "Squint", "eyeWide": "Wide"},
    "gaze": {"eyeLookUp": "Look Up", "eyeLookDown": "Look Down", "eyeLookIn": "Look In", "eyeLookOut": "Look Out"},
    "brows": {"browDown": "Down", "browInnerUp": "Inner Up", "browOuterUp": "Outer Up"},
    "cheeks": {"cheekPuff": "Puff", "cheekSquint": "Cheek Raise", "noseSneer": "Sneer"},
    "jaw": {"jawOpen": "Open", "jawForward": "Forward", "jawLeft": "Left", "jawRight": "Right"},
    "mouth": {
        "mouthSmile": "Smile",
        "mouthFrown": "Frown",
        "mouthDimple": "Dimple",
        "mouthStretch": "Stretch",
        "mouthUpperUp": "Upper Lip Up",
        "mouthLowerDown": "Lower Lip Down",
        "mouthPress": "Press",
        "mouthClose": "Close",
        "mouthFunnel": "Funnel",
        "mouthPucker": "Pucker",
        "mouthLeft": "Left",
        "mouthRight": "Right",
        "mouthRollUpper": "Roll Upper Lip",
        "mouthRollLower": "Roll Lower Lip",
        "mouthShrugUpper": "Shrug Upper Lip",
        "mouthShrugLower": "Shrug Lower Lip",
        "tongueOut": "Tongue Out",
    },
}
"""Of each region the expressions, without their side, and what they are called there."""
TITLES = {"eyes": "Eyes", "gaze": "Gaze", "brows": "Brows", "cheeks": "Cheeks and Nose", "jaw": "Jaw", "mouth": "Mouth"}
"""What the regions are called."""


def slider(stem: str, label: str) -> Slider:
    """The slider of an expression, named without its side. To the left is no left side: jaw and mouth go both ways."""
    names = (stem,) if stem in ARKIT_NAMES else (f"{stem}Left", f"{stem}Right")
    return Slider(label, names)


SLIDERS = {region: tuple(slider(*each) for each in labels.items()) for region, labels in LABELS.items()}
"""The sliders of each region."""
REGION_OF = {name: region for region, found in SLIDERS.items() for each in found for name in each.names}
"""Which region an expression belongs to."""
OPPOSITES = {
    **{each.names[side]: each.names[1 - side] for found in SLIDERS.values() for each in found for side in (0, 1)
       if each.mirrored},
    "jawLeft": "jawRight",
    "jawRight": "jawLeft",
    "mouthLeft": "mouthRight",
    "mouthRight": "mouthLeft",
}  # fmt: skip
"""What an expression is in a mirror, where it is another one there."""
