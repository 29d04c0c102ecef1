# SPDX-License-Identifier: GPL-3.0-or-later
"""The original code's checkpoints (`.pt`) become avatars. Only tensors are read; nothing in a file is executed."""

from __future__ import annotations

import argparse
import pickle
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from ....common.errors import UserError
from ....protocol.inputs import Maps
from ....tracking.datasets.dataset import Dataset
from ....tracking.datasets.original_layout import person_at_rest
from ....tracking.datasets.pictures import read_map
from ...avatar import Avatar
from ...avatar_file import AvatarMetadata, Provenance, file_sha256, plain, rest_of, thumbnail_of
from ..kind import STYLEAVATAR, STYLEUNET
from ..networks.config import PUBLISHED_STYLEUNET
from ..networks.portrait import PortraitNetwork, enlarged
from ..networks.styleunet import StyleUNet
from ..training.presets import FINAL
from .checkpoint import Tensors, numbers, portrait_tensors, styleunet_tensors

if TYPE_CHECKING:
    from ....tracking.performances.performance import Performance

Network = TypeVar("Network", PortraitNetwork, StyleUNet)

GENERATOR = "g_ema"
"""The averaged generator: the part of a checkpoint that paints."""
FACE, BACK = ("feature_face", "skip_face"), ("feature_back", "skip_back")
"""Feature maps that the original code keeps beside the generator: features, and the Haar bands that go with them."""
OURS_ALONE = ("face", "back", "code", "noise_")
"""Beginnings of the names of tensors that no published generator holds."""
FRAMES_A_UNIT = 5000
"""The original's time code of a frame is its index divided by this."""
USUAL_TIME_CODE = 0.5
"""The time code that the original paints with."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds for an avatar: its kind, and the network with its weights."""

    kind: str
    network: PortraitNetwork | StyleUNet


def import_checkpoint(
    checkpoint: Path, avatar: Path, *, dataset: Path | None = None, head_path: Path | None = None
) -> Avatar:
    """Turn a checkpoint of the original StyleAvatar, or StyleUNet for heads (mode 3), into an avatar file.

    Args:
        checkpoint: the `.pt` file.
        avatar: the file to write.
        dataset: the preprocessing folder that the checkpoint was trained on; it tells who it is. Without it the
            avatar has the mean head.
        head_path: file of the head that the maps show, for the avatar to know where it is.

    Raises:
        UserError: a file is damaged, the checkpoint holds anything but tensors, or is of other networks.
    """
    read = read_checkpoint(checkpoint)
    size = read.network.config.resolution
    person = person_of(dataset, size)
    file = head_path or Path(person.extra.get("head_path", ""))
    maps = first_maps(dataset) if dataset else None
    metadata = AvatarMetadata(
        kind=read.kind,
        network=read.network.config.to_json(),
        head=person.head,
        head_path=str(file.absolute()) if file.name else "",
        head_sha256=file_sha256(file) if file.is_file() else "",
        identity=plain(person.identity),
        texture=plain(person.texture),
        camera=person.camera,
        crop=person.crop,
        fps=person.fps,
        rest=rest_of(person),
        resolution=size,
        time_code=seen_time_code(dataset) if dataset else USUAL_TIME_CODE,
        provenance=Provenance(
            source=checkpoint.name, date=datetime.now(UTC).isoformat(timespec="seconds"), train_share=1.0
        ),
    )
    made = Avatar(read.network.eval().requires_grad_(False), metadata)
    if maps is not None:
        thumbnail = thumbnail_of(made.render(maps).rgba[0, ..., :3])
        made = Avatar(made.network, metadata.model_copy(update={"thumbnail": thumbnail}))
    made.save(avatar)
    return made


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what paints in a checkpoint of the original code.

    Raises:
        UserError: it is absent, damaged, holds anything but tensors, or is of other networks.
    """
    checkpoint = load_tensors(path)
    generator = checkpoint.get(GENERATOR)
    if not isinstance(generator, Mapping) or not all(isinstance(each, Tensor) for each in generator.values()):
        raise UserError(f"{path} is no checkpoint of StyleAvatar: it has no {GENERATOR}; choose another file.")
    if numbers(generator, "convs_1"):
        network = filled(lambda: PortraitNetwork(FINAL.network), portrait_tensors, generator, path)
        back = enlarged(feature_map(checkpoint, BACK, network, path), FINAL.network.background_stretch)
        network.bake(feature_map(checkpoint, FACE, network, path), back)
        return Checkpoint(STYLEAVATAR.name, network)
    if len(numbers(generator, "from_rgbs")) == len(PUBLISHED_STYLEUNET.encoder) - 1:
        lone = filled(lambda: StyleUNet(PUBLISHED_STYLEUNET), styleunet_tensors, generator, path)
        return Checkpoint(STYLEUNET.name, lone)
    raise UserError(
        f"{path} is a checkpoint of another mode: an avatar is made of a StyleAvatar, or of a StyleUNet for heads "
        "(mode 3); choose one of these."
    )


def load_tensors(path: Path) -> Mapping[str, Any]:
    """The contents of a `.pt` file: tensors, plain values and the options it was trained with.

    Raises:
        UserError: the file is absent, damaged or holds anything else.
    """
    if not path.is_file():
        raise UserError(f"There is no checkpoint at {path}.")
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            loaded = torch.load(path, "cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # torch raises many kinds for damaged files
        if isinstance(error, pickle.UnpicklingError) and "Unsupported global" in str(error):
            raise UserError(
                f"{path} holds code or objects beside its tensors, so it was not opened and nothing was executed; "
                "choose a checkpoint that you trust."
            ) from None
        raise UserError(f"{path} is damaged or is no checkpoint; copy it again.") from error
    if not isinstance(loaded, Mapping):
        raise UserError(f"{path} is no checkpoint of StyleAvatar; choose another file.")
    return loaded


def filled(
    make: Callable[[], Network], translate: Callable[[Tensors], dict[str, Tensor]], published: Tensors, path: Path
) -> Network:
    """The network that `make` makes, with a published generator's weights.

    Raises:
        UserError: a tensor is missing, of another size, or holds values that are no numbers.
    """
    try:
        tensors = translate(published)
    except KeyError as error:
        raise UserError(f"{path} lacks the tensor {error.args[0]}; copy it again.") from None
    except (IndexError, ValueError):
        tensors = {}
    with torch.device("meta"):  # no memory is taken before the sizes are known to be right
        wanted = {name: each.shape for name, each in make().state_dict().items() if not name.startswith(OURS_ALONE)}
    if {name: each.shape for name, each in tensors.items()} != wanted:
        raise UserError(
            f"{path} is a checkpoint of networks of another size; an avatar needs 256 pixels in, 1024 out, "
            "and a channel multiplier of 2."
        )
    refuse_no_numbers(tensors.values(), path)
    network = make()
    network.load_state_dict({**network.state_dict(), **tensors})
    return network


def feature_map(checkpoint: Mapping[str, Any], names: tuple[str, str], network: PortraitNetwork, path: Path) -> Tensor:
    """The baked features `[1, C + bands, F, F]` of a checkpoint.

    Raises:
        UserError: they are missing, of another size, or hold values that are no numbers.
    """
    parts: list[Tensor] = []
    for name, channels in zip(names, (FINAL.network.feature_channels, FINAL.network.bands), strict=True):
        part = checkpoint.get(name)
        if not isinstance(part, Tensor):
            raise UserError(f"{path} lacks the tensor {name}; copy it again, or save it with a newer StyleAvatar.")
        if part.shape[1:] != (channels, *network.face.shape[2:]) or not len(part):
            raise UserError(f"{path} is damaged: {name} has the shape {list(part.shape)}; copy it again.")
        parts.append(part[:1].float())
    refuse_no_numbers(parts, path)
    return torch.cat(parts, 1)


def refuse_no_numbers(tensors: Iterable[Tensor], path: Path) -> None:
    """Raise UserError where a value of tensors of any shape `[...]` is infinite or no number."""
    if not all(tensor.isfinite().all() for tensor in tensors):
        raise UserError(f"{path} holds values that are no numbers: its training had failed; choose an earlier one.")


def person_of(dataset: Path | None, size: int) -> Performance:
    """Who the avatar is, seen by the camera of a window of `size` pixels.

    Raises:
        UserError: the folder's files are damaged.
    """
    if dataset is None or not (dataset / "dataset.json").is_file():
        return person_at_rest(dataset, 1, size)
    return Dataset.open(dataset).performance()


def seen_time_code(dataset: Path) -> float:
    """A time code that training saw: the usual one, or the middle of footage that does not reach so far."""
    frames = len(list((dataset / "render").glob("*.png")))
    return min(USUAL_TIME_CODE, frames // 2 / FRAMES_A_UNIT)


def first_maps(dataset: Path) -> Maps | None:
    """The maps of a folder's first frame; None where there is none."""
    for path in sorted((dataset / "uv").glob("*.png")):
        return Maps(read_map(path)[None], read_map(dataset / "render" / path.name)[None])
    return None
