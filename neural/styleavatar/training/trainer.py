# SPDX-License-Identifier: GPL-3.0-or-later
"""One training: the networks, their averages and optimisers, and what a step does (Sec. 3.3)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ...training.distributed import Team
from ...training.muon import Muon, suits
from ...training.perceptual import PerceptualLoss
from ..networks.discriminator import Discriminator
from ..networks.portrait import FeatureSource, Painting, PortraitNetwork
from . import losses
from .batches import Batch
from .presets import Preset

Network = TypeVar("Network", bound=nn.Module)

LARGEST_GRADIENT = 1.0
R1_WEIGHT = 5.0
AVERAGE_SHARE = 0.15
"""While training is young, the half life of the averaged weights is this share of the samples seen."""
TEXTURE_OFF_FACE = 0.15
"""Share of the texture loss outside the face: asked for more detail of hair, small networks paint a regular pattern."""
WARM_UP = 30
"""Steps in which the learning rate rises to its start."""


class Generators(nn.Module):
    """What paints: the portrait network and its feature generators."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.network = PortraitNetwork(preset.network)
        self.source = FeatureSource(preset.network)

    def bake(self, identity: float) -> None:
        """Put the generators' feature maps of a video into the network."""
        with torch.no_grad():
            self.network.bake(*self.source(identity))


class Trainer:
    """The state of a training and its step.

    Args:
        preset: sizes, rates and weights of losses.
        team: the processes that train together, and where.
        dtype: of the networks' arithmetic; weights and losses stay float32.
        perceptual: VGG19's loss; None for feature matching.
        seed: of the networks' first weights.

    Attributes:
        caution: how often the learning rate is halved, after setbacks.
    """

    def __init__(
        self, preset: Preset, team: Team, dtype: torch.dtype, perceptual: PerceptualLoss | None, seed: int
    ) -> None:
        self.preset, self.team, self.device, self.dtype = preset, team, team.device, dtype
        self.caution = 0
        device = team.device
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.generators = placed(Generators(preset), device)
            discriminator = Discriminator(preset.network.resolution, preset.discriminator)
        self.discriminator = placed(discriminator, device)
        self.average = copy.deepcopy(self.generators).requires_grad_(False)
        self.perceptual = placed(perceptual, device) if perceptual else None
        painting, rest = shared_out(self.generators, preset)
        self.generators_optimiser = adamw(rest, preset, preset.momentum)
        self.painting_optimiser = (
            Muon([{"params": painting, "pace": 1.0}], preset.rate, preset.muon) if painting else None
        )
        self.discriminator_optimiser = adamw(dict(self.discriminator.named_parameters()), preset, 0.0)

    def painter(self, index: int, identity: float) -> PortraitNetwork:
        """The averaged network after `index` steps, ready to render a video."""
        if index <= self.preset.freeze_after:
            self.average.bake(identity)
        return self.average.network

    @property
    def modules(self) -> dict[str, nn.Module]:
        """Everything with weights that a checkpoint keeps."""
        return {"generators": self.generators, "average": self.average, "discriminator": self.discriminator}

    @property
    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Everything with moments that a checkpoint keeps."""
        muon = {"painting_optimiser": self.painting_optimiser} if self.painting_optimiser else {}
        return {
            "generators_optimiser": self.generators_optimiser,
            **muon,
            "discriminator_optimiser": self.discriminator_optimiser,
        }

    def step(self, batch: Batch, index: int, fraction: float, breathe: Callable[[], None]) -> dict[str, float]:
        """Do one step.

        Args:
            batch: its samples.
            index: number of the step.
            fraction: how much of the training is done, 0 to 1.
            breathe: called between the parts of the step; may raise to stop there.

        Returns:
            The losses by name. Where one is not finite, nothing has been learnt.
        """
        preset = self.preset
        rate = self._rate(index, fraction)
        adversary = fraction >= preset.adversary_start and index % preset.adversary_every == 0
        with self._autocast():
            painting = self.generators.network.paint(
                batch.uv, batch.texture, batch.time_code, *self._features(index, batch.identity), batch.window
            )
        breathe()
        parts = self._supervised(painting, batch)
        judged: Tensor | None = None
        if adversary:
            parts_of_adversary, judged = self._judge(painting, batch)
            parts |= parts_of_adversary
        total = torch.stack(list(parts.values())).sum()
        told = {name: float(value.detach()) for name, value in parts.items()}
        if not self.team.all_well(math.isfinite(float(total.detach()))):
            return told | {"total": math.nan}
        total.backward()
        breathe()
        self._update(self.generators, rate, self.generators_optimiser, self.painting_optimiser)
        self._follow(index)
        if judged is not None:
            told |= self._teach_discriminator(painting, batch, judged, index, rate)
        return told

    def forget_step(self) -> None:
        """Drop what a step that failed half-way left."""
        for optimiser in self.optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _features(self, index: int, identity: float) -> tuple[Tensor, Tensor]:
        """The feature maps: from the generators, and after `freeze_after` steps the maps themselves."""
        if index < self.preset.freeze_after:
            return self.generators.source(identity)
        if index == self.preset.freeze_after:
            self.generators.bake(identity)
            self.average.bake(identity)
        return self.generators.network.face, self.generators.network.back

    def _supervised(self, painting: Painting, batch: Batch) -> dict[str, Tensor]:
        """The losses that compare with the footage."""
        weights, picture = self.preset.losses, painting.picture[:, :3]
        face = self._face(batch)
        person = weights.background + (1 - weights.background) * batch.matte
        weight = person + weights.face * face + weights.expressive * batch.expressive
        parts = {
            "l1": weights.l1 * losses.weighted_l1(picture, batch.footage, weight),
            "mask": weights.mask * losses.mask_l1(painting.mask, batch.matte),
        }
        if painting.picture.shape[1] == 4:
            alpha = batch.matte * 2 - 1
            parts["alpha"] = weights.alpha * losses.weighted_l1(painting.picture[:, 3:], alpha, torch.ones_like(alpha))
        if weights.l2:
            parts["l2"] = weights.l2 * losses.weighted_l2(picture, batch.footage, weight)
        if weights.detail or weights.texture:
            sharp = batch.sharp
            ours, theirs = losses.detail_bands(picture[sharp]), losses.detail_bands(batch.footage[sharp])
            parts["detail"] = weights.detail * losses.detail_l1(ours, theirs, weight[sharp])
            parts["texture"] = weights.texture * losses.texture_l1(
                ours, theirs, (weight * face.clamp_min(TEXTURE_OFF_FACE))[sharp]
            )
        if self.perceptual is not None:
            with self._autocast():
                parts["perceptual"] = weights.perceptual * self.perceptual(picture, batch.footage)
        return parts

    def _face(self, batch: Batch) -> Tensor:
        """The face region of the window: `[B, 1, R, R]`, 0 or 1."""
        return F.interpolate((batch.uv[:, 2:3] > 0).float(), batch.matte.shape[-2:], mode="nearest")

    def _judge(self, painting: Painting, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The discriminator's part of the generators' loss, and its logits of the footage."""
        weights, sharp = self.preset.losses, batch.sharp
        with self._autocast():
            footage_logits, theirs = self.discriminator(batch.footage[sharp], batch.window_texture[sharp])
            self.discriminator.requires_grad_(False)
            painted_logits, ours = self.discriminator(painting.picture[sharp, :3], batch.window_texture[sharp])
            self.discriminator.requires_grad_(True)
        parts = {"adversarial": weights.adversarial * losses.generator_adversarial(painted_logits)}
        if self.perceptual is None:
            parts["matching"] = weights.perceptual * losses.feature_matching(ours, theirs)
        return parts, footage_logits

    def _teach_discriminator(
        self, painting: Painting, batch: Batch, footage_logits: Tensor, index: int, rate: float
    ) -> dict[str, float]:
        """Update the discriminator on this step's footage and painting."""
        footage, texture = batch.footage[batch.sharp], batch.window_texture[batch.sharp]
        with self._autocast():
            painted_logits, _ = self.discriminator(painting.picture[batch.sharp, :3].detach(), texture)
        loss = losses.discriminator_adversarial(footage_logits, painted_logits)
        told = {"discriminator": float(loss.detach())}
        turn = index // self.preset.adversary_every
        if turn % self.preset.regularise_every == 0:
            footage = footage.detach().requires_grad_(True)
            logits, _ = self.discriminator(footage, texture)
            penalty = losses.r1_penalty(logits, footage)
            loss = loss + penalty * (R1_WEIGHT / 2 * self.preset.regularise_every)
        if self.team.all_well(math.isfinite(float(loss.detach()))):
            loss.backward()
            self._update(self.discriminator, rate, self.discriminator_optimiser)
        return told

    def _update(self, module: nn.Module, rate: float, *optimisers: torch.optim.Optimizer | None) -> None:
        """Let optimisers, which share the parameters of a module, do a step; none where a gradient is not finite."""
        self.team.average_gradients(module)
        norm = nn.utils.clip_grad_norm_(module.parameters(), LARGEST_GRADIENT)
        for optimiser in filter(None, optimisers):
            for group in optimiser.param_groups:
                group["lr"] = rate * group["pace"]
            if torch.isfinite(norm):
                optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def _follow(self, index: int) -> None:
        """Move the averaged weights towards the present ones."""
        preset = self.preset
        batch = preset.batch * self.team.size
        half_life = min(preset.average_samples, max(1.0, AVERAGE_SHARE * (index + 1) * batch))
        share = 1 - 0.5 ** (batch / half_life)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.generators.parameters()), share)

    def _rate(self, index: int, fraction: float) -> float:
        preset = self.preset
        falling = preset.last_rate + (preset.rate - preset.last_rate) * (1 + math.cos(math.pi * min(1.0, fraction))) / 2
        return falling * min(1.0, (index + 1) / WARM_UP) * 0.5**self.caution

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)


def shared_out(generators: Generators, preset: Preset) -> tuple[list[nn.Parameter], dict[str, nn.Parameter]]:
    """The weights that Muon takes, and by name the parameters that AdamW takes.

    The mapping network is AdamW's: it learns of time codes, not of pictures.
    """
    named = dict(generators.named_parameters())
    ours = {
        name: parameter
        for name, parameter in named.items()
        if preset.muon and name.startswith("network.") and ".mapping." not in name and suits(name, parameter)
    }
    return list(ours.values()), {name: parameter for name, parameter in named.items() if name not in ours}


def adamw(parameters: Mapping[str, nn.Parameter], preset: Preset, momentum: float) -> torch.optim.AdamW:
    """AdamW for named parameters; a group's `pace` is the share of the learning rate that it takes."""
    paces: dict[float, list[nn.Parameter]] = {}
    for name, parameter in parameters.items():
        inputs = parameter[0].numel() if name.endswith("weight") and parameter.dim() > 1 else 1
        paces.setdefault(inputs**-0.5 if preset.equalised else 1.0, []).append(parameter)
    groups = [{"params": parameters, "pace": pace} for pace, parameters in paces.items()]
    return torch.optim.AdamW(groups, preset.rate, (momentum, 0.99), fused=True)


def placed(network: Network, device: torch.device) -> Network:
    """Move a network to a device, its weights in the layout that suits convolutions."""
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
