# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the networks are and how they are trained: `preview`, `standard`, `final`."""

from __future__ import annotations

from dataclasses import dataclass

from ....common.errors import UserError
from ..networks.config import PortraitConfig


@dataclass(frozen=True)
class LossWeights:
    """What each loss counts; 0 leaves it out.

    Attributes:
        l1: between picture and footage; background: what a background pixel counts in it; face: what a pixel of the
            face region counts more than one of hair or clothes; expressive: what one of mouth or eyes counts more.
        l2: squared error, weighted likewise.
        detail: L1 between the finer Haar bands.
        texture: difference of the local energy of these bands: how strong detail is, wherever it lies.
        lattice: L1 between the local means of these bands off the face: detail that repeats from cell to cell.
        mask: L1 of the predicted mask; alpha: of the painted alpha.
        perceptual: VGG19, or feature matching where its weights are absent.
        adversarial: the discriminator's.
    """

    l1: float = 1.0
    l2: float = 0.0
    background: float = 1.0
    face: float = 0.0
    expressive: float = 0.0
    detail: float = 0.0
    texture: float = 0.0
    lattice: float = 0.0
    mask: float = 3.0
    alpha: float = 1.0
    perceptual: float = 0.3
    adversarial: float = 1.0


@dataclass(frozen=True)
class OptimiserConfig:
    """How weights follow their gradients: AdamW, and Muon where it is asked for.

    Attributes:
        learning_rate: at the start; final_learning_rate: at the end (cosine).
        equalised: weights of many inputs learn more slowly, each layer in proportion to how large its weights are
            (StyleGAN's equalised learning rate, as published).
        beta1: of AdamW for the generators; the discriminator's is 0.
        muon_update_rms: size of Muon's steps over the learning rate, for the weights of the portrait network; 0 leaves
            them to AdamW, as published.
    """

    learning_rate: float
    final_learning_rate: float
    equalised: bool
    beta1: float
    muon_update_rms: float


@dataclass(frozen=True)
class ScheduleConfig:
    """How long training takes, and what it does when.

    Attributes:
        seconds: training time unless told.
        batch_size: samples a step.
        adversary_start: share of the training after which the discriminator joins; adversary_every: then, one step
            in so many uses it.
        r1_every: one discriminator step in so many has the R1 penalty (lazy regularisation).
        ema_half_life: of the averaged weights, in samples, once training is long.
        freeze_after: step after which the feature generators rest; their maps are then tuned directly, which the
            published code does not do.
    """

    seconds: float
    batch_size: int
    adversary_start: float
    adversary_every: int
    r1_every: int
    ema_half_life: float
    freeze_after: int


@dataclass(frozen=True)
class AugmentationConfig:
    """How samples differ from the footage's frames.

    Attributes:
        slide_every: one step in so many has the window anywhere; in the others it is centred (Sec. 3.2).
        random_time_code: share of the steps in which all samples get the time code of some frame; 0 as published.
        bent: share, below 1, of a batch's samples that are bent (see `bending`), unless its window slides; 0 as
            published.
    """

    slide_every: int
    random_time_code: float
    bent: float


@dataclass(frozen=True)
class Preset:
    """A size of network with its training.

    Attributes:
        name: "preview", "standard", "final".
        network: sizes of the portrait network.
        discriminator: its channels at R/2, R/4, ... 4.
        optimiser, schedule, augmentation: how it is trained.
        losses: what counts how much.
    """

    name: str
    network: PortraitConfig
    discriminator: tuple[int, ...]
    optimiser: OptimiserConfig
    schedule: ScheduleConfig
    augmentation: AugmentationConfig
    losses: LossWeights


PREVIEW = Preset(
    name="preview",
    network=PortraitConfig(
        resolution=256,
        feature_channels=16,
        picture_channels=4,
        generator=(64, 64, 64, 48, 32),
        foreground_encoder=(16, 32, 48, 64),
        foreground_decoder=(48, 32, 16),
        foreground_skips=2,
        portrait_encoder=(32, 48, 64, 96),
        portrait_decoder=(64, 48, 32, 16),
        portrait_skips=3,
        direct=True,
        noise_levels=0,
        time_octaves=5,
        face_lookup="fine",
        face_in_front=True,
    ),
    discriminator=(16, 32, 48, 64, 64, 64),
    optimiser=OptimiserConfig(
        learning_rate=2e-3,
        final_learning_rate=4e-4,
        equalised=False,
        beta1=0.9,
        muon_update_rms=0.4,
    ),
    schedule=ScheduleConfig(
        seconds=450,
        batch_size=2,
        adversary_start=0.35,
        adversary_every=4,
        r1_every=8,
        ema_half_life=400,
        freeze_after=150,
    ),
    augmentation=AugmentationConfig(slide_every=6, random_time_code=0.8, bent=0.5),
    losses=LossWeights(
        l2=4.0,
        background=0.3,
        face=1.0,
        expressive=3.0,
        detail=1.25,
        texture=8.0,
        lattice=3.0,
        mask=0.3,
        alpha=0.3,
        perceptual=1.0,
        adversarial=0.2,
    ),
)

STANDARD = Preset(
    name="standard",
    network=PortraitConfig(
        resolution=512,
        feature_channels=64,
        picture_channels=4,
        generator=(256, 256, 256, 128, 64),
        foreground_encoder=(32, 64, 128, 128),
        foreground_decoder=(128, 64, 64),
        foreground_skips=2,
        portrait_encoder=(64, 128, 256, 256),
        portrait_decoder=(256, 256, 128, 64, 48),
        portrait_skips=4,
        direct=True,
        noise_levels=2,
        time_octaves=8,
        face_in_front=True,
    ),
    discriminator=(32, 64, 128, 256, 256, 256, 256),
    optimiser=OptimiserConfig(
        learning_rate=2e-3,
        final_learning_rate=2e-4,
        equalised=False,
        beta1=0.9,
        muon_update_rms=0.0,
    ),
    schedule=ScheduleConfig(
        seconds=1800,
        batch_size=4,
        adversary_start=0.1,
        adversary_every=1,
        r1_every=16,
        ema_half_life=5000,
        freeze_after=10000,
    ),
    augmentation=AugmentationConfig(slide_every=2, random_time_code=0.8, bent=0.0),
    losses=LossWeights(background=0.5, detail=0.5, texture=0.5, lattice=1.0, alpha=1.0, adversarial=0.3),
)

FINAL = Preset(
    name="final",
    network=PortraitConfig(
        resolution=1024,
        feature_channels=256,
        picture_channels=3,
        generator=(512, 512, 512, 512, 512),
        foreground_encoder=(32, 256, 256, 256),
        foreground_decoder=(256, 256, 128),
        foreground_skips=1,
        portrait_encoder=(128, 512, 512, 512),
        portrait_decoder=(512, 512, 512, 256, 128, 64),
        portrait_skips=2,
        direct=False,
        noise_levels=3,
        gain=1.0,
        face_lookup="nearest",
        texture_margin=128,
        background_stretch=2.0,
    ),
    discriminator=(32, 128, 256, 512, 512, 512, 512, 512),
    optimiser=OptimiserConfig(
        learning_rate=2e-3,
        final_learning_rate=2e-3,
        equalised=True,
        beta1=0.0,
        muon_update_rms=0.0,
    ),
    schedule=ScheduleConfig(
        seconds=2 * 3600,
        batch_size=3,
        adversary_start=0.0,
        adversary_every=1,
        r1_every=16,
        ema_half_life=9600,
        freeze_after=10000,
    ),
    augmentation=AugmentationConfig(slide_every=2, random_time_code=0.0, bent=0.0),
    losses=LossWeights(),
)
"""The published network and training (Sec. 3.3; hyper-parameters of the published code)."""

PRESETS = {preset.name: preset for preset in (PREVIEW, STANDARD, FINAL)}


def preset_named(name: str) -> Preset:
    """The preset of that name.

    Raises:
        UserError: there is none.
    """
    if name not in PRESETS:
        raise UserError(f"There is no preset called {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def smaller_preset(preset: Preset) -> Preset | None:
    """Our next smaller preset by resolution, also for one that is a changed copy of ours; None for the smallest."""
    smaller = [each for each in (PREVIEW, STANDARD) if each.network.resolution < preset.network.resolution]
    return smaller[-1] if smaller else None
