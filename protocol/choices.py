# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist can choose from, by name: presets, mattings, coarse video, runtimes, layouts. Every list is here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AvatarKindName = Literal["portrait", "splats", "field"]
"""What to build of a dataset."""
FieldName = Literal["splats", "field"]
"""What a head in three dimensions is made of."""
RestorerName = Literal["auto", "gfpgan", "transfer", "none"]
"""What gives a head in 3D, drawn from a photo, the detail that its own pictures lack."""
PresetName = Literal["preview", "standard", "final"]
"""How large the networks are."""
MattingName = Literal["auto", "builtin", "rvm"]
"""What cuts the person out of footage; `rvm` is Robust Video Matting."""
CoarseName = Literal["warp", "liveportrait", "face-vid2vid"]
"""What films a photo."""
RegionName = Literal["head", "person"]
"""What of the footage an avatar is compared with: the head without clothes, or all of the person."""
RuntimeName = Literal["torch", "onnx", "tensorrt"]
"""What executes an avatar's network."""
CornerName = Literal["bottom-left", "bottom-right", "top-left", "top-right"]
"""Where in a picture a label stands."""
LayoutName = Literal["semblance", "styleavatar"]
"""How a dataset keeps its pictures: as Semblance does, or as the original code reads them."""

ORIGINAL_SIZE = 1024
"""Pixels of the window's side in the original code, which knows no other."""


@dataclass(frozen=True)
class Choice:
    """One of several things to choose.

    Attributes:
        title: what a panel calls it.
        description: what it means for the artist, without a full stop.
    """

    title: str
    description: str


@dataclass(frozen=True)
class PresetChoice(Choice):
    """A preset; `size` is the side of the avatar's picture in pixels."""

    size: int


AVATAR_KINDS: dict[AvatarKindName, Choice] = {
    "portrait": Choice("Portrait", "The whole picture of the footage, with body and backdrop, seen from its camera"),
    "splats": Choice("Head in 3D", "Head and hair of Gaussian splats, from any angle and through any lens; in minutes"),
    "field": Choice("Head in 3D, Radiance Field", "The published method for comparison; slow to train and to render"),
}
PRESETS: dict[PresetName, PresetChoice] = {
    "preview": PresetChoice("Preview", "Trains in minutes on any computer", 256),
    "standard": PresetChoice("Standard", "Wants a CUDA GPU for training; renders slowly without one", 512),
    "final": PresetChoice("Final", "The full network of the paper: wants a CUDA GPU for training and rendering", 1024),
}
MATTINGS: dict[MattingName, Choice] = {
    "auto": Choice("Automatic", "Robust Video Matting where its weights and a CUDA GPU are there, else Built-in"),
    "builtin": Choice("Built-in", "Comes with Semblance"),
    "rvm": Choice(
        "Robust Video Matting",
        "Finer hair, slow without a CUDA GPU; needs its authors' weights (GPL-3.0), which the README names",
    ),
}
COARSE_SOURCES: dict[CoarseName, Choice] = {
    "warp": Choice("Mesh Warp", "Moves the photo by the head's mesh; comes with Semblance"),
    "liveportrait": Choice(
        "LivePortrait",
        "A network moves the face, more like life; needs its authors' weights (MIT) and, to be quick, a CUDA GPU",
    ),
    "face-vid2vid": Choice(
        "face-vid2vid",
        "The network of the published method; needs its authors' weights (not for money) and, to be quick, a CUDA GPU",
    ),
}
