# SPDX-License-Identifier: GPL-3.0-or-later
"""The compositional portrait network of Sec. 3.2: face, foreground and background features become one picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ...wavelets import haar, inverse_haar
from .config import FEATURE_SIZE, SLIDING_MARGIN, PortraitConfig
from .features import IDENTITY, FeatureGenerator
from .layers import EncoderLevel, Mapping, embed, upsample
from .styleunet import Decoder, Encoder
from .windows import CENTRED, ENLARGED_SIZE, STILL, Cells, Window, Windows, inside, middle, surrounded

SEAM = 2.0
"""Feature cells, for each that a person is moved, over which the two foregrounds pass into each other."""
FACE_THRESHOLD = -0.999
TEXTURE_CHANNELS = 3
MASK_GAIN = 1.1
"""The fusion uses clip(1.1 m, -1, 1): a mask that is nearly sure counts as sure."""


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

    The picture has three layers, `[B, C + bands + n, F, F]` each: features, the Haar bands of a picture that goes with
    them, and noise. The foreground covers the background, by a predicted mask; the face is added.

    Attributes:
        face: `[1, C + bands, F, F]` in UV space; back: `[1, C + bands, 1.5 F, 1.5 F]` of the enlarged picture.
        noise_face: `[1, n, F, F]` in UV space; noise_foreground, noise_back: `[1, n, 1.5 F, 1.5 F]` of the enlarged
            picture. They are drawn once and kept with the weights: a still head gives a still picture.
    """

    noise_face: Tensor
    noise_foreground: Tensor
    noise_back: Tensor

    def __init__(self, config: PortraitConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.feature_channels
        self.mapping = Mapping(config.style, config.mapping_layers)
        self.foreground_encoder = Encoder(TEXTURE_CHANNELS, config.foreground_encoder, config.gain)
        self.foreground_decoder = Decoder(
            config.foreground_encoder,
            (*config.foreground_decoder, channels),
            config.foreground_skips,
            config.picture_channels,
            config.style,
            config.gain,
            linear=True,
        )
        self.mask = nn.Conv2d(2 * channels, 1, 3, padding=1)
        self.entry = EncoderLevel(channels, config.portrait_encoder[0], config.gain)
        self.portrait_encoder = Encoder(config.picture_channels, config.portrait_encoder, config.gain)
        self.portrait_decoder = Decoder(
            (channels, *config.portrait_encoder),
            config.portrait_decoder,
            config.portrait_skips,
            config.picture_channels,
            config.style,
            config.gain,
        )
        joined, noises = channels + config.bands, config.noise_channels
        self.face = nn.Parameter(torch.zeros(1, joined, FEATURE_SIZE, FEATURE_SIZE))
        self.back = nn.Parameter(torch.zeros(1, joined, ENLARGED_SIZE, ENLARGED_SIZE))
        self.face.requires_grad_("face" in config.layers)
        self.back.requires_grad_("background" in config.layers)
        drawn = torch.Generator().manual_seed(0)
        for name, side in (("face", FEATURE_SIZE), ("foreground", ENLARGED_SIZE), ("back", ENLARGED_SIZE)):
            self.register_buffer(f"noise_{name}", torch.randn(1, noises, side, side, generator=drawn))

    def forward(self, uv: Tensor, texture: Tensor, time_code: Tensor, windows: Windows = STILL) -> Tensor:
        """Paint with the baked features.

        Args:
            uv: `[B, 3, 256, 256]` UV map of the central window, scaled to [-1, 1] (u, v, mask; -1 outside the face).
            texture: `[B, 3, 256, 256]` texture map, scaled to [-1, 1].
            time_code: `[B]`, position in the training footage, 0 to 1; `[1]` for all.
            windows: where the person and the backdrop are moved to.

        Returns:
            `[B, 4, R, R]` RGBA in [-1, 1]; alpha is straight, 1 is foreground.
        """
        style = self.style(time_code)
        face, covered = self.face_layer(uv, self.face), self.covered(uv)
        if windows.foreground == CENTRED:
            foreground = self.foreground_layer(texture, style, CENTRED)
        else:
            foreground = self.moved_foreground_layer(texture, style, windows.foreground)
            face, covered = (windows.foreground.cut(surrounded(each)) for each in (face, covered))
        back = self.back_layer(self.back, windows.background)
        moved = windows.background != windows.foreground
        behind = self.back_layer(self.back, windows.foreground) if moved else back
        painting = self.fuse(foreground, back, face, self.predict_mask(foreground, behind, covered), style)
        picture = painting.picture.clamp(-1, 1)
        if self.config.picture_channels == 4:
            return picture
        alpha = F.interpolate(-painting.mask, picture.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([picture, alpha], 1)

    def paint(
        self,
        uv: Tensor,
        texture: Tensor,
        time_code: Tensor,
        face: Tensor,
        back: Tensor,
        window: Window | Cells = CENTRED,
    ) -> Painting:
        """Paint one window of the enlarged picture.

        Args:
            uv: `[B, 3, 256, 256]` UV map of the window.
            texture: `[B, 3, 256, 256]` texture map of the central window.
            time_code: `[B]` or `[1]`.
            face, back: feature maps like the attributes of these names.
            window: where the window lies.

        Returns:
            The picture, `[B, 3 or 4, R, R]`, not clamped, and the mask, `[B, 1, F, F]`.
        """
        style = self.style(time_code)
        foreground, behind = self.foreground_layer(texture, style, window), self.back_layer(back, window)
        mask = self.predict_mask(foreground, behind, self.covered(uv))
        return self.fuse(foreground, behind, self.face_layer(uv, face), mask, style)

    def bake(self, face: Tensor, back: Tensor) -> None:
        """Keep the feature maps `face [1, C + bands, F, F]` and `back [1, C + bands, 1.5 F, 1.5 F]` for `forward`."""
        with torch.no_grad():
            self.face.copy_(face)
            self.back.copy_(back)

    def style(self, time_code: Tensor) -> Tensor:
        """Return styles `[B, S]` of time codes `[B]`; one of zeros, `[1, S]`, where nothing is styled."""
        if not self.config.styled:
            return torch.zeros(1, self.config.style, device=time_code.device)
        styles: Tensor = self.mapping(embed(time_code, self.config.style, self.config.time_octaves))
        return styles

    def foreground_layer(self, texture: Tensor, style: Tensor, window: Window | Cells) -> Tensor:
        """StyleUNet 1: return the window's foreground `[B, C + bands + n, F, F]`.

        `texture [B, 3, 256, 256]` is the texture map of the central window; `style` is `[1 or B, S]`.
        """
        noise = window.cut(self.noise_foreground)
        if window == CENTRED:
            return with_noise(middle(self._foreground(texture, style, self.config.texture_margin), FEATURE_SIZE), noise)
        return with_noise(window.cut(self._foreground(texture, style, self._sliding_margin)), noise)

    def moved_foreground_layer(self, texture: Tensor, style: Tensor, window: Window) -> Tensor:
        """Return the foreground of the central window, moved, `[B, C + bands + n, F, F]`; arguments as above.

        Towards what comes into the picture it becomes the sliding one. So nothing jumps where a move begins, and
        nothing tears where it goes far.
        """
        if self.config.texture_margin == self._sliding_margin:
            return self.foreground_layer(texture, style, window)
        still = surrounded(self.foreground_layer(texture, style, CENTRED))
        around = with_noise(self._foreground(texture, style, self._sliding_margin), self.noise_foreground)
        return window.cut(torch.lerp(around, still, inside(SEAM * window.distance).to(around)))

    def back_layer(self, back: Tensor, window: Window | Cells) -> Tensor:
        """Return the window `[1, C + bands + n, F, F]` of the background `[1, C + bands, 1.5 F, 1.5 F]`."""
        return with_noise(window.cut(back), window.cut(self.noise_back))

    def face_layer(self, uv: Tensor, face: Tensor) -> Tensor:
        """Return the face `[1, C + bands, F, F]` where the UV map `[B, 3, 256, 256]` shows it; zero elsewhere.

        Returns:
            `[B, C + bands + n, F, F]`.
        """
        coarse, lookup, channels = uv[..., ::2, ::2], self.config.face_lookup, self.config.feature_channels
        noise = sample_uv(self.noise_face, coarse, "nearest")
        if lookup != "fine":
            return with_noise(sample_uv(face, coarse, lookup), noise) * face_mask(coarse)
        features = sample_uv(face[:, :channels], coarse, "bilinear") * face_mask(coarse)
        picture = sample_uv(inverse_haar(face[:, channels:]), uv, "bilinear") * face_mask(uv)
        return with_noise(torch.cat([features, haar(picture)], 1), noise * face_mask(coarse))

    def covered(self, uv: Tensor) -> Tensor:
        """Return `[B, 1, F, F]`: 1 where the UV map `[B, 3, 256, 256]` leaves no doubt that the person is in front."""
        coarse = uv[..., ::2, ::2]
        return well_inside_face(coarse) if self.config.face_in_front else torch.zeros_like(coarse[:, :1])

    def predict_mask(self, foreground: Tensor, behind: Tensor, covered: Tensor) -> Tensor:
        """Return where the foreground covers the background: `[B, 1, F, F]`, -1 to 1; 1 is background.

        `foreground` and `behind` are layers `[1 or B, C + bands + n, F, F]`; `behind` is the background of the
        foreground's own window, wherever the backdrop is moved: the mask belongs to the person. As published, the
        background does not learn from it. Where `covered [B, 1, F, F]` is 1 it is -1.
        """
        channels = self.config.feature_channels
        if "background" not in self.config.layers:
            return torch.full_like(foreground[:, :1], -1.0, dtype=torch.float32)
        features = behind[:, :channels].detach().to(foreground.dtype).expand(len(foreground), -1, -1, -1)
        predicted = torch.tanh(self.mask(torch.cat([foreground[:, :channels], features], 1)).float())
        return torch.where(covered > 0.5, -1.0, predicted)

    def fuse(self, foreground: Tensor, back: Tensor, face: Tensor, mask: Tensor, style: Tensor) -> Painting:
        """StyleUNet 2: make a picture of three layers (Sec. 3.2).

        Args:
            foreground, back, face: `[1 or B, C + bands + n, F, F]`; one sample is for all.
            mask: `[B, 1, F, F]`, -1 to 1; 1 is background.
            style: `[1 or B, S]`.

        Returns:
            The picture, `[B, 3 or 4, R, R]`, not clamped, and the mask.
        """
        channels, bands = self.config.feature_channels, self.config.bands
        back, face = back.to(foreground.dtype), face.to(foreground.dtype)
        share = ((MASK_GAIN * mask.detach()).clamp(-1, 1) / 2 + 0.5).to(foreground.dtype)
        fused = torch.lerp(foreground, back, share) + face
        features, picture = fused[:, :channels], inverse_haar(fused[:, channels : channels + bands])
        encoded = self.portrait_encoder(picture, self.entry(features))
        noises = self._noises(fused[:, channels + bands :])
        _, painted = self.portrait_decoder([features, *encoded], style, noises)
        if self.config.direct:
            while picture.shape[-1] < painted.shape[-1]:
                picture = upsample(picture)
            painted = painted + picture
        return Painting(painted.float(), mask)

    @property
    def _sliding_margin(self) -> int:
        """Pixels around the texture map where a window slides."""
        return max(self.config.texture_margin, SLIDING_MARGIN)

    def _foreground(self, texture: Tensor, style: Tensor, margin: int) -> Tensor:
        """The foreground's features and bands with `margin` pixels around, at most 1.5 F square."""
        surrounding = F.pad(texture, (margin,) * 4, value=-1.0)
        if "foreground" in self.config.layers:
            features, picture = self.foreground_decoder(self.foreground_encoder(surrounding), style)
            layer = torch.cat([features, haar(picture)], 1)
        else:
            layer = self._unprocessed(surrounding if "texture" in self.config.layers else torch.zeros_like(surrounding))
        return middle(layer, min(layer.shape[-1], ENLARGED_SIZE))

    def _unprocessed(self, texture: Tensor) -> Tensor:
        """The texture map `[B, 3, 2 S, 2 S]` as a layer `[B, C + bands, S, S]`: its Haar bands, as features too."""
        bands = haar(F.pad(texture, (0, 0, 0, 0, 0, self.config.picture_channels - TEXTURE_CHANNELS)))
        return torch.cat([F.pad(bands, (0, 0, 0, 0, 0, self.config.feature_channels - bands.shape[1])), bands], 1)

    def _noises(self, noise: Tensor) -> list[Tensor | None]:
        """The noise `[B, n, F, F]` as one map for each level of the decoder, at its size."""
        levels = self.config.noise_levels
        noises: list[Tensor | None] = [None] * (len(self.config.portrait_decoder) - levels)
        for level, part in enumerate(torch.split(noise, [4**level for level in range(levels)], 1) if levels else ()):
            for _ in range(level):
                part = inverse_haar(part)
            noises.append(part)
        return noises


class FeatureSource(nn.Module):
    """The two feature generators, and their maps as the portrait network takes them."""

    def __init__(self, config: PortraitConfig) -> None:
        super().__init__()
        self.config = config
        self.face = FeatureGenerator(config)
        self.back = FeatureGenerator(config)

    def forward(self, identity: float = IDENTITY) -> tuple[Tensor, Tensor]:
        """Return `face [1, C + bands, F, F]` and `back [1, C + bands, 1.5 F, 1.5 F]` of the video `identity`.

        A layer that the picture does not have is zero.
        """
        face, back = (
            generator(identity) if layer in self.config.layers else generator.nothing()
            for generator, layer in ((self.face, "face"), (self.back, "background"))
        )
        return face, enlarged(back, self.config.background_stretch)


def enlarged(background: Tensor, stretch: float) -> Tensor:
    """Return `[1, C + bands, 1.5 F, 1.5 F]`: the background's map `[1, C + bands, F, F]`, stretched to the picture."""
    stretched = F.interpolate(background, scale_factor=stretch, mode="bilinear", align_corners=False)
    return middle(stretched, ENLARGED_SIZE)


def with_noise(layer: Tensor, noise: Tensor) -> Tensor:
    """Return `[B, C + bands + n, F, F]`: a layer `[B, C + bands, F, F]` with noise `[1 or B, n, F, F]` behind it."""
    if not noise.shape[1]:
        return layer
    return torch.cat([layer, noise.expand(len(layer), -1, -1, -1).to(layer.dtype)], 1)


def face_mask(uv: Tensor) -> Tensor:
    """Return `[B, 1, H, W]`: 1 where the UV map `[B, 3, H, W]` shows the face and all four neighbours do, else 0."""
    shown = F.pad(uv[:, 2:3], (1, 1, 1, 1), value=1.0)
    least = torch.minimum(least_of(shown[..., 1:-1], 2, 3), least_of(shown[..., 1:-1, :], 3, 3))
    return (least > FACE_THRESHOLD).to(uv)


def well_inside_face(uv: Tensor) -> Tensor:
    """Return `[B, 1, H, W]`: 1 where `face_mask` of the UV map `[B, 3, H, W]` is 1, and two pixels around, else 0."""
    return least_of(least_of(F.pad(face_mask(uv), (2, 2, 2, 2), value=1.0), 2, 5), 3, 5)


def least_of(x: Tensor, along: int, count: int) -> Tensor:
    """Return the least of so many neighbours along an axis of `[...]`, which is `count` - 1 shorter then.

    PyTorch's pooling does the same in ten to fifty times the time on a processor.
    """
    size = x.shape[along] - count + 1
    least = x.narrow(along, 0, size)
    for start in range(1, count):
        least = torch.minimum(least, x.narrow(along, start, size))
    return least


def sample_uv(texture: Tensor, uv: Tensor, mode: str) -> Tensor:
    """Return `[B, C, H, W]`: `texture [1, C, S, S]` looked up at the UV map `[B, 3, H, W]` (neural textures, Sec. 3.2).

    The map is in [-1, 1]; `mode` is "nearest" or "bilinear". The texture is repeated for each sample, without copying
    it, because samples are what runs in parallel.
    """
    grid = uv[:, :2].permute(0, 2, 3, 1)
    repeated = texture.float().expand(len(uv), -1, -1, -1)
    return F.grid_sample(repeated, grid, mode=mode, padding_mode="border", align_corners=False)
