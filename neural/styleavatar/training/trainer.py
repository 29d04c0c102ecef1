# SPDX-License-Identifier: GPL-3.0-or-later
"""One training: the networks, their averages and optimisers, and what a step does (Sec. 3.3)."""

from __future__ import annotations

import copy
import logging
import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ...training.ema import follow
from ...training.loss_scale import LossScale
from ...training.muon import Muon, suits_muon
from ...training.optimisers import adamw, advance, clipped, cosine_rate
from ...training.picture_losses import detail_bands, detail_l1, lattice_l1, texture_l1, weighted_l1, weighted_l2
from ...training.recorded_gradients import RecordedGradients, Step
from ..networks.discriminator import Discriminator
from ..networks.portrait import FeatureSource, Painting, PortraitNetwork
from . import losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...pretrained.perceptual import PerceptualLoss
    from ...training.distributed import DistributedGroup
    from .batches import Batch
    from .presets import Preset, ScheduleConfig

log = logging.getLogger(__name__)

Network = TypeVar("Network", bound=nn.Module)

R1_WEIGHT = 5.0
NOT_TOLD = ("total", "norm", "discriminator's total", "discriminator's norm")
"""What a step looks at beside its losses: their sums, and the norms of the gradients."""
FACE_RIM = 9
"""Pixels' side of what is taken off the face about each pixel beside it: asked for more detail there and in hair, whose
places they do not know, small networks paint a regular pattern."""


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


@dataclass(frozen=True)
class Turn:
    """What a step does.

    Attributes:
        generators: the feature generators learn; after `freeze_after` steps their maps do.
        adversary: the discriminator has its turn; regularised: with R1.
    """

    generators: bool
    adversary: bool
    regularised: bool

    @classmethod
    def of(cls, schedule: ScheduleConfig, index: int, fraction: float) -> Turn:
        """That of step `index`, after `fraction` of the training."""
        adversary = fraction >= schedule.adversary_start and index % schedule.adversary_every == 0
        regularised = adversary and index // schedule.adversary_every % schedule.r1_every == 0
        return cls(index < schedule.freeze_after, adversary, regularised)


class Trainer:
    """The state of a training and its step.

    Args:
        preset: sizes, rates and weights of losses.
        group: the processes that train together, and where.
        dtype: of the networks' arithmetic; weights, losses and R1's gradient stay float32.
        perceptual: VGG19's loss; None for feature matching.
        seed: of the networks' first weights.

    Attributes:
        setbacks: how often training was lost; each halves the learning rate.
        recordings: on a GPU that trains alone, what steps are replayed from; None has each step done plainly.
        scale: of the losses in float16. A step whose gradients overflow teaches nothing and is no loss of training.
    """

    def __init__(
        self,
        preset: Preset,
        group: DistributedGroup,
        dtype: torch.dtype,
        perceptual: PerceptualLoss | None,
        seed: int,
    ) -> None:
        self.preset, self.group, self.device, self.dtype = preset, group, group.device, dtype
        self.setbacks, self.scale = 0, LossScale(group.device)
        device, optimiser = group.device, preset.optimiser
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.generators = on_device(Generators(preset), device)
            discriminator = Discriminator(preset.network.resolution, preset.discriminator)
        self.discriminator = on_device(discriminator, device)
        self.average = copy.deepcopy(self.generators).requires_grad_(False)
        self.perceptual = on_device(perceptual, device) if perceptual else None
        painting, rest = shared_out(self.generators, preset)
        rate, equalised = optimiser.learning_rate, optimiser.equalised
        self.generators_optimiser = adamw(rest, rate, optimiser.beta1, equalised=equalised)
        self.painting_optimiser = (
            Muon([{"params": painting, "rate_scale": 1.0}], rate, optimiser.muon_update_rms) if painting else None
        )
        judging = dict(self.discriminator.named_parameters())
        self.discriminator_optimiser = adamw(judging, rate, 0.0, equalised=equalised)
        alone = group.world_size == 1  # what processes tell each other is not recorded
        learning = (self.generators, self.discriminator)
        self.recordings = RecordedGradients(learning) if device.type == "cuda" and alone else None

    def averaged_network(self, steps: int, identity: float) -> PortraitNetwork:
        """The averaged network after `steps` steps, ready to render a video."""
        if steps <= self.preset.schedule.freeze_after:
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
        schedule = self.preset.schedule
        if index == schedule.freeze_after:
            with self._autocast():
                self.generators.bake(batch.identity)
                self.average.bake(batch.identity)
        turn = Turn.of(schedule, index, fraction)
        made = self._made(batch, turn, breathe)
        told = dict(zip(made, values_of(*made.values()), strict=True))
        whole, length, judged, judging = (told.pop(name, 0.0) for name in NOT_TOLD)
        rate, sound = self._rate(index, fraction), self.group.all(math.isfinite(whole))
        painting = [each for each in (self.generators_optimiser, self.painting_optimiser) if each]
        advance(painting, rate, sound=sound and math.isfinite(length))
        if sound:
            batch_size = schedule.batch_size * self.group.world_size
            follow(self.average, self.generators, index, batch_size, schedule.ema_half_life)
        fair = sound and (not turn.adversary or self.group.all(math.isfinite(judged)))
        if turn.adversary:
            advance([self.discriminator_optimiser], rate, sound=fair and math.isfinite(judging))
        if self.dtype == torch.float16:
            self._mind_float16(finite=fair, overflown=not (math.isfinite(length) and math.isfinite(judging)))
        return told if sound else told | {"total": math.nan}

    def forget_step(self) -> None:
        """Drop what a step that failed half-way left."""
        for optimiser in self.optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        if self.recordings is not None:
            self.recordings.forget()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _made(self, batch: Batch, turn: Turn, breathe: Callable[[], None]) -> dict[str, Tensor]:
        """See `_gradients`, recorded where that can be had."""
        if self.recordings is None:
            return self._gradients(batch, turn, breathe)
        step = Step(
            self.dtype,
            course=(self.preset.losses, turn.generators, len(batch.footage)),
            sort=(turn, batch.bent, batch.identity if turn.generators else None),
            inputs=batch.data,
            plain=lambda: self._gradients(batch, turn, breathe),
            recordable=lambda data: self._gradients(batch.of_data(data), turn, lambda: None),
        )
        return self.recordings.make(step)

    def _gradients(self, batch: Batch, turn: Turn, breathe: Callable[[], None]) -> dict[str, Tensor]:
        """Leave gradients with all weights that are to learn; return the losses, of no dimension, by name.

        With them come those of `NOT_TOLD`. Nothing waits for a GPU, and nothing is drawn.
        """
        source, network = self.generators.source, self.generators.network
        with self._autocast():
            maps: tuple[Tensor, Tensor] = source(batch.identity) if turn.generators else (network.face, network.back)
            painting = network.paint(batch.uv, batch.texture, batch.time_code, *maps, batch.window)
        breathe()
        made = self._supervised(painting, batch)
        judged: Tensor | None = None
        if turn.adversary:
            of_adversary, judged = self._adversarial(painting, batch)
            made |= of_adversary
        total = torch.stack(list(made.values())).sum()
        made |= {"total": total, "norm": self._backward(total, self.generators)}
        breathe()
        if judged is not None:
            made |= self._judging(painting, batch, judged, turn)
        return {name: loss.detach() for name, loss in made.items()}

    def _supervised(self, painting: Painting, batch: Batch) -> dict[str, Tensor]:
        """The losses that compare with the footage."""
        weights, picture = self.preset.losses, painting.picture[:, :3]
        face = self._face(batch)
        person = weights.background + (1 - weights.background) * batch.matte
        weight = person + weights.face * face + weights.expressive * batch.expressive
        parts = {
            "l1": weights.l1 * weighted_l1(picture, batch.footage, weight),
            "mask": weights.mask * losses.mask_l1(painting.mask, batch.matte),
        }
        if painting.picture.shape[1] == 4:
            parts["alpha"] = weights.alpha * self._alpha(painting.picture[:, 3:], batch.matte * 2 - 1)
        if weights.l2:
            parts["l2"] = weights.l2 * weighted_l2(picture, batch.footage, weight)
        if weights.detail or weights.texture:
            sharp, inner = batch.sharp, -F.max_pool2d(-face, FACE_RIM, 1, FACE_RIM // 2)
            ours, theirs = detail_bands(picture[sharp]), detail_bands(batch.footage[sharp])
            parts["detail"] = weights.detail * detail_l1(ours, theirs, weight[sharp])
            if weights.lattice:
                parts["lattice"] = weights.lattice * lattice_l1(ours, theirs, (weight * (1 - inner))[sharp])
            parts["texture"] = weights.texture * texture_l1(ours, theirs, (weight * inner)[sharp])
        if self.perceptual is not None:
            with self._autocast():
                parts["perceptual"] = weights.perceptual * self.perceptual(picture, batch.footage)
        return parts

    def _alpha(self, painted: Tensor, matte: Tensor) -> Tensor:
        """The loss of alpha `[B, 1, R, R]`: that of the colours, so that an edge is as soft in one as in the other."""
        weights, everywhere = self.preset.losses, torch.ones_like(matte)
        soft = weights.l2 / weights.l1 * weighted_l2(painted, matte, everywhere) if weights.l2 else 0.0
        return weighted_l1(painted, matte, everywhere) + soft

    def _face(self, batch: Batch) -> Tensor:
        """The face region of the window: `[B, 1, R, R]`, 0 or 1."""
        return F.interpolate((batch.uv[:, 2:3] > 0).float(), batch.matte.shape[-2:], mode="nearest")

    def _adversarial(self, painting: Painting, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The discriminator's part of the generators' loss, and its logits of the footage."""
        weights, sharp = self.preset.losses, batch.sharp
        with self._autocast():
            footage_logits, theirs = self.discriminator(batch.footage[sharp], batch.window_texture[sharp])
            with frozen(self.discriminator):
                painted_logits, ours = self.discriminator(painting.picture[sharp, :3], batch.window_texture[sharp])
        parts = {"adversarial": weights.adversarial * losses.generator_adversarial(painted_logits)}
        if self.perceptual is None:
            parts["matching"] = weights.perceptual * losses.feature_matching(ours, theirs)
        return parts, footage_logits

    def _judging(self, painting: Painting, batch: Batch, footage_logits: Tensor, turn: Turn) -> dict[str, Tensor]:
        """The gradients and the losses of the discriminator, for this step's footage and painting."""
        footage, texture = batch.footage[batch.sharp], batch.window_texture[batch.sharp]
        with self._autocast():
            painted_logits, _ = self.discriminator(painting.picture[batch.sharp, :3].detach(), texture)
        loss = adversarial = losses.discriminator_adversarial(footage_logits, painted_logits)
        if turn.regularised:
            footage = footage.detach().requires_grad_(True)
            logits, _ = self.discriminator(footage, texture)
            penalty = losses.r1_penalty(logits, footage)
            loss = adversarial + penalty * (R1_WEIGHT / 2 * self.preset.schedule.r1_every)
        norm = self._backward(loss, self.discriminator)
        return {"discriminator": adversarial, "discriminator's total": loss, "discriminator's norm": norm}

    def _backward(self, loss: Tensor, network: nn.Module) -> Tensor:
        """Leave gradients by a loss with a network's weights; return their norm, of no dimension."""
        scale = self.scale.factor if self.dtype == torch.float16 else None
        (loss if scale is None else loss * scale).backward()
        return clipped(network, self.group, scale)

    def _mind_float16(self, *, finite: bool, overflown: bool) -> None:
        """Fit the losses' scale to a step's gradients; where `finite` losses or that do not help, leave float16."""
        if finite and not (overflown and self.scale.is_one):
            self.scale.see(overflown=overflown)
            return
        log.warning("float16 spoils this training, so it goes on in float32, which is slower.")
        self.dtype = torch.float32

    def _rate(self, index: int, fraction: float) -> float:
        optimiser = self.preset.optimiser
        return cosine_rate(
            optimiser.learning_rate, optimiser.final_learning_rate, index, fraction, halvings=self.setbacks
        )

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Keep a network's weights from learning of what is done in the body, also where the body fails."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def values_of(*numbers: Tensor) -> list[float]:
    """The values of tensors of no dimension. The processor waits for the GPU once, not once for each."""
    values: list[float] = torch.stack(numbers).tolist()
    return values


def shared_out(generators: Generators, preset: Preset) -> tuple[list[nn.Parameter], dict[str, nn.Parameter]]:
    """The weights that Muon takes, and by name the parameters that AdamW takes.

    The mapping network is AdamW's: it learns of time codes, not of pictures.
    """
    named = dict(generators.named_parameters())
    ours = {
        name: parameter
        for name, parameter in named.items()
        if preset.optimiser.muon_update_rms
        and name.startswith("network.")
        and ".mapping." not in name
        and suits_muon(name, parameter)
    }
    return list(ours.values()), {name: parameter for name, parameter in named.items() if name not in ours}


def on_device(network: Network, device: torch.device) -> Network:
    """Move a network to a device, its weights in the layout that suits convolutions."""
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
