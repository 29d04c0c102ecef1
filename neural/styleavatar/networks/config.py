# SPDX-License-Identifier: GPL-3.0-or-later
"""The sizes of the networks. The published network and the small ones differ in these values only."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from ....tracking.performances.maps import MAP_SIZE

FEATURE_SIZE = MAP_SIZE // 2
"""Side of the feature maps that cover the central window."""
SLACK = FEATURE_SIZE // 2
"""How far, in feature cells, the window can slide in the enlarged picture (1.5 times the window)."""
SLIDING_MARGIN = MAP_SIZE * SLACK // FEATURE_SIZE // 2
"""Pixels around the maps that cover the enlarged picture."""
FACE_LOOKUPS = ("nearest", "bilinear", "fine")
LAYERS = ("face", "foreground", "texture", "background")


class PlainConfig:
    """A dataclass of plain values, which goes to JSON and back."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values: dict[str, Any] = asdict(self)  # type: ignore[call-overload]  # every subclass is a dataclass
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read what `to_json` gave; lists become tuples.

        Raises:
            TypeError: a value is missing, or there is one that this version does not know.
            ValueError: a value is not one of those that it may be.
        """
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


@dataclass(frozen=True)
class PortraitConfig(PlainConfig):
    """The sizes of a portrait network.

    Sizes are those of the level's feature map, F = `FEATURE_SIZE`.

    Attributes:
        resolution: R, side of the picture in pixels.
        feature_channels: of the face, foreground and background feature maps.
        picture_channels: 4 when the network paints its own alpha at full resolution; 3 as published, where alpha
            is the predicted mask, enlarged.
        generator: channels of the feature generators at 4, 8, ... F/2 (F has `feature_channels`).
        foreground_encoder: channels of StyleUNet 1 at F/2, F/4, F/8, F/16.
        foreground_decoder: at F/8, F/4, F/2 (F has `feature_channels`).
        foreground_skips: how many decoder levels, from F/8 up, see the encoder's features of their size.
        portrait_encoder: channels of StyleUNet 2 at F/2, F/4, F/8, F/16.
        portrait_decoder: at F/8, F/4, ... R/2.
        portrait_skips: as above, for StyleUNet 2.
        direct: add the fused picture (face texture, foreground, background) to StyleUNet 2's, which then paints only
            what is missing: it learns in minutes. Not so in the published network.
        noise_levels: decoder levels of StyleUNet 2, from F up, that get noise.
        style: length of codes and styles.
        mapping_layers: of the mapping networks.
        time_octaves: of the time code's embedding.
        gain: of the activations: the square root of 2 keeps the features' strength; the published code has 1.
        face_lookup: how the face's features and picture are looked up at the UV map: "nearest", as published, or
            "bilinear", both at every other pixel, the picture as Haar bands; or "fine", the features so, the picture
            at every pixel, so that its detail moves with the face by less than a cell.
        texture_margin: pixels of black around the texture map for StyleUNet 1: 0 is fast, published is half the map.
            A window that is not in the middle gets at least `SLIDING_MARGIN`.
        background_stretch: feature cells covered by one cell of the generated background; 2 as published.
        face_in_front: whether no background shows through the face region, whatever the mask says: a network that was
            trained for minutes may see a hole in an expression that is new to it. Not so in the published network.
        layers: what StyleUNet 2 is given, of `LAYERS`: the face's neural texture, the foreground that StyleUNet 1
            makes, the texture map itself in its place, the background. As published, all but "texture". Without a
            background all of the picture is foreground.
        styled: whether a style from the time code modulates the decoders; without, they are those of plain U-Nets.

    Raises:
        ValueError: a layer or the face's look-up is none of those that there are.
    """

    resolution: int
    feature_channels: int
    picture_channels: int
    generator: tuple[int, ...]
    foreground_encoder: tuple[int, ...]
    foreground_decoder: tuple[int, ...]
    foreground_skips: int
    portrait_encoder: tuple[int, ...]
    portrait_decoder: tuple[int, ...]
    portrait_skips: int
    direct: bool
    noise_levels: int
    style: int = 64
    mapping_layers: int = 4
    time_octaves: int = 32
    gain: float = math.sqrt(2.0)
    face_lookup: str = "bilinear"
    texture_margin: int = 0
    background_stretch: float = 1.5
    face_in_front: bool = False
    layers: tuple[str, ...] = ("face", "foreground", "background")
    styled: bool = True

    def __post_init__(self) -> None:
        if not set(self.layers) <= set(LAYERS):
            raise ValueError(f"The layers are some of {', '.join(LAYERS)}, not {', '.join(self.layers)}.")
        if self.face_lookup not in FACE_LOOKUPS:
            raise ValueError(f"The face's features are looked up {' or '.join(FACE_LOOKUPS)}, not {self.face_lookup}.")

    @property
    def bands(self) -> int:
        """Haar channels of a picture."""
        return 4 * self.picture_channels

    @property
    def noise_channels(self) -> int:
        """Channels of the noise maps: 1 for F, 4 for 2 F (by the inverse wavelet), 16 for 4 F."""
        return sum(4**level for level in range(self.noise_levels))


@dataclass(frozen=True)
class StyleUNetConfig(PlainConfig):
    """The sizes of a lone StyleUNet, which makes the picture of the texture map alone.

    Attributes:
        resolution: R, side of the picture in pixels.
        encoder: channels at M/4, M/8, ... for texture maps of side M = `MAP_SIZE`.
        decoder: at twice the encoder's smallest size, ... R/2.
        skips, style, mapping_layers, gain: as in `PortraitConfig`.
    """

    resolution: int
    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    skips: int
    style: int = 64
    mapping_layers: int = 4
    gain: float = 1.0


PUBLISHED_STYLEUNET = StyleUNetConfig(
    resolution=1024, encoder=(128, 512, 512, 512), decoder=(512, 512, 512, 256, 128, 64), skips=2
)
"""The published StyleUNet for heads (mode 3)."""
