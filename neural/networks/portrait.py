# SPDX-License-Identifier: GPL-3.0-or-later
"""The compositional portrait network of Sec. 3.2: face, foreground and background features become one picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .config import FEATURE_SIZE, MAP_SIZE, SLACK, PortraitConfig
from .features import FeatureGenerator
from .layers import EncoderLevel, Mapping, embed, upsample
from .styleunet import Decoder, Encoder
from .wavelets import haar, inverse_haar

ENLARGED_SIZE = FEATURE_SIZE + SLACK
FACE_THRESHOLD = -0.999
TEXTURE_CHANNELS = 3
MASK_GAIN = 1.1
"""The fusion uses clip(1.1 m, -1, 1): a mask that is nearly sure counts as sure."""


@dataclass(frozen=True)
class Window:
    """Where the sliding window lies in the enlarged picture, in feature cells from its top left; 0 to `SLACK`."""

    row: int
    column: int

    def cut(self, features: Tensor) -> Tensor:
        """The window of `[..., 1.5 F, 1.5 F]`: `[..., F, F]`."""
        return features[..., self.row : self.row + FEATURE_SIZE, self.column : self.column + FEATURE_SIZE]


CENTRED = Window(SLACK // 2, SLACK // 2)


@dataclass(frozen=True)
class Painting:
    """What the network makes of a batch: values in [-1, 1].

    Attributes:
        picture: `[B, 3 or 4, R, R]`; the fourth channel is alpha (1 is foreground).
        mask: `[B, 1, F, F]` predicted; 1 is background.
    """

    picture: Tensor
    mask: Tensor


class PortraitNetwork(nn.Module):
    """UV map and texture map in, RGBA out, with the feature maps baked in.

    Attributes:
        face: `[1, C + bands, F, F]` in UV space; back: `[1, C + bands, 1.5 F, 1.5 F]` of the enlarged picture.
        noise_face: `[1, n, F, F]` in UV space; noise_frame: `[1, n, 1.5 F, 1.5 F]` fixed to the picture.
    """

    noise_face: Tensor
    noise_frame: Tensor

    def __init__(self, config: PortraitConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.feature_channels
        self.mapping = Mapping(config.style, config.mapping_layers)
        self.foreground_encoder = Encoder(TEXTURE_CHANNELS, config.foreground_encoder)
        self.foreground_decoder = Decoder(
            config.foreground_encoder,
            (*config.foreground_decoder, channels),
            config.foreground_skips,
            config.picture_channels,
            config.style,
            last_middle=config.foreground_decoder[-1],
        )
        self.mask = nn.Conv2d(2 * channels, 1, 3, padding=1)
        self.entry = EncoderLevel(channels, config.portrait_encoder[0])
        self.portrait_encoder = Encoder(config.picture_channels, config.portrait_encoder)
        self.portrait_decoder = Decoder(
            (channels, *config.portrait_encoder),
            config.portrait_decoder,
            config.portrait_skips,
            config.picture_channels,
            config.style,
        )
        joined = channels + config.bands
        self.face = nn.Parameter(torch.zeros(1, joined, FEATURE_SIZE, FEATURE_SIZE))
        self.back = nn.Parameter(torch.zeros(1, joined, ENLARGED_SIZE, ENLARGED_SIZE))
        noise = torch.Generator().manual_seed(0)
        self.register_buffer(
            "noise_face", torch.randn(1, config.noise_channels, FEATURE_SIZE, FEATURE_SIZE, generator=noise)
        )
        self.register_buffer(
            "noise_frame", torch.randn(1, config.noise_channels, ENLARGED_SIZE, ENLARGED_SIZE, generator=noise)
        )

    def forward(self, uv: Tensor, texture: Tensor, time_code: Tensor) -> Tensor:
        """Paint the central window with the baked features.

        Args:
            uv: `[B, 3, 256, 256]` UV map, scaled to [-1, 1] (u, v, mask; -1 outside the face).
            texture: `[B, 3, 256, 256]` texture map, scaled to [-1, 1].
            time_code: `[B]`, position in the training footage, 0 to 1; `[1]` for all.

        Returns:
            `[B, 4, R, R]` RGBA in [-1, 1]; alpha is straight, 1 is foreground.
        """
        painting = self.paint(uv, texture, time_code, self.face, self.back)
        picture = painting.picture.clamp(-1, 1)
        if self.config.picture_channels == 4:
            return picture
        alpha = F.interpolate(-painting.mask, picture.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([picture, alpha], 1)

    def paint(
        self, uv: Tensor, texture: Tensor, time_code: Tensor, face: Tensor, back: Tensor, window: Window = CENTRED
    ) -> Painting:
        """Paint one window of the enlarged picture.

        Args:
            uv: `[B, 3, 256, 256]` UV map of the window.
            texture: texture map: `[B, 3, 256, 256]` of the central window, or `[B, 3, 384, 384]` of the enlarged
                picture, which any other window needs.
            time_code: `[B]` or `[1]`.
            face, back: feature maps like the attributes of these names.
            window: where the window lies.
        """
        style = self.mapping(embed(time_code, self.config.style, self.config.time_octaves))
        uv = uv[..., ::2, ::2]
        foreground, foreground_bands = self._foreground(texture, style, window)
        back_features, back_bands = self._split(window.cut(back).to(foreground.dtype))
        back_features = back_features.expand_as(foreground)
        mask = torch.tanh(self.mask(torch.cat([foreground, back_features], 1)).float())
        share = ((MASK_GAIN * mask.detach()).clamp(-1, 1) / 2 + 0.5).to(foreground.dtype)
        on_face = face_mask(uv)
        looked_up = sample_uv(face, uv, "bilinear") * on_face
        face_features, face_bands = self._split(looked_up.to(foreground.dtype))
        features = torch.lerp(foreground, back_features, share) + face_features
        bands = torch.lerp(foreground_bands, back_bands.expand_as(foreground_bands), share) + face_bands
        fused = inverse_haar(bands)
        encoded = self.portrait_encoder(fused, self.entry(features))
        _, picture = self.portrait_decoder([features, *encoded], style, self._noises(uv, on_face, window))
        if self.config.direct:
            while fused.shape[-1] < picture.shape[-1]:
                fused = upsample(fused)
            picture = picture + fused
        return Painting(picture.float(), mask)

    def bake(self, face: Tensor, back: Tensor) -> None:
        """Keep these feature maps for `forward`."""
        with torch.no_grad():
            self.face.copy_(face)
            self.back.copy_(back)

    def _foreground(self, texture: Tensor, style: Tensor, window: Window) -> tuple[Tensor, Tensor]:
        features, picture = self.foreground_decoder(self.foreground_encoder(texture), style)
        bands = haar(picture)
        if texture.shape[-1] == MAP_SIZE:
            return features, bands
        return window.cut(features), window.cut(bands)

    def _split(self, joined: Tensor) -> tuple[Tensor, Tensor]:
        return joined.split([self.config.feature_channels, self.config.bands], 1)

    def _noises(self, uv: Tensor, on_face: Tensor, window: Window) -> list[Tensor | None]:
        """One noise map for each level of the decoder, stuck to the face by its UVs, to the picture elsewhere."""
        levels = self.config.noise_levels
        if not levels:
            return [None] * len(self.config.portrait_decoder)
        noise = torch.lerp(window.cut(self.noise_frame), sample_uv(self.noise_face, uv, "nearest"), on_face)
        noises: list[Tensor | None] = [None] * (len(self.config.portrait_decoder) - levels)
        for level, part in enumerate(noise.split([4**level for level in range(levels)], 1)):
            for _ in range(level):
                part = inverse_haar(part)
            noises.append(part)
        return noises


class FeatureSource(nn.Module):
    """The two feature generators, and their maps as the portrait network takes them."""

    def __init__(self, config: PortraitConfig) -> None:
        super().__init__()
        self.face = FeatureGenerator(config)
        self.back = FeatureGenerator(config)

    def forward(self) -> tuple[Tensor, Tensor]:
        """Return `face [1, C + bands, F, F]` and `back [1, C + bands, 1.5 F, 1.5 F]`."""
        return self.face(), enlarged(self.back())


def enlarged(background: Tensor) -> Tensor:
    """The background's map stretched over the enlarged picture: `[1, C + bands, 1.5 F, 1.5 F]`."""
    return F.interpolate(background, scale_factor=1.5, mode="bilinear", align_corners=False)


def face_mask(uv: Tensor) -> Tensor:
    """Where the UV map shows the face, one cell eroded: `[B, 1, F, F]`, 0 or 1."""
    outside = (uv[:, 2:3] <= FACE_THRESHOLD).to(uv.dtype)
    return 1 - F.max_pool2d(outside, 3, 1, 1)


def sample_uv(texture: Tensor, uv: Tensor, mode: str) -> Tensor:
    """Look `texture [1, C, S, S]` up at the UV map `[B, 3, F, F]`: `[B, C, F, F]` (neural textures, Sec. 3.2).

    The texture is repeated for each sample, without copying it, because samples are what runs in parallel.
    """
    grid = uv[:, :2].permute(0, 2, 3, 1)
    repeated = texture.float().expand(len(uv), -1, -1, -1)
    return F.grid_sample(repeated, grid, mode=mode, padding_mode="border", align_corners=False)
