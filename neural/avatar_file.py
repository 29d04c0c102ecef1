# SPDX-License-Identifier: GPL-3.0-or-later
"""What an avatar file says of itself, and the check of its header before anything else of it is believed.

An avatar is a safetensors file: 8 bytes with the length of a JSON header, the header, the tensors. The header's
`__metadata__` holds `format`, `version` and `description`: the JSON of `AvatarMetadata`. No PyTorch is needed here.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from math import prod
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.spatial.transform import Rotation

from ..common.errors import UserError
from ..common.file_format import FileFormat
from ..tracking.heads.camera import PinholeCamera
from ..tracking.heads.head import ARKIT_NAMES
from ..tracking.performances.performance import Crop, Performance
from ..tracking.performances.plate_light import LIGHT_SIDE
from ..tracking.performances.rest import rest_expression, rest_performance, rest_pose
from ..tracking.performances.trained_range import TrainedRange

FORMAT = FileFormat("semblance-avatar", 2)
MOST_HEADER = 16 << 20
"""Bytes of the largest header that is read; a real one has a few hundred thousand."""
ITEM_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
"""Bytes of each type of number that an avatar's tensors may have."""
THUMBNAIL_SIZE = 128

Finite = Annotated[float, Field(allow_inf_nan=False)]
Row3 = Annotated[tuple[Finite, ...], Field(min_length=3, max_length=3)]
Expression = Annotated[tuple[Finite, ...], Field(min_length=len(ARKIT_NAMES), max_length=len(ARKIT_NAMES))]
Coefficients = Annotated[tuple[Finite, ...], Field(max_length=4096)]


class Plain(BaseModel):
    """Values that are checked when they are read and never change; what a newer minor writer adds is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Rest(Plain):
    """The person at rest: what relative driving counts from.

    Attributes:
        expression: `[52]`; rotation: three rows; translation: metres; gaze: (pitch, yaw) left, then right, radians.
    """

    expression: Expression
    rotation: tuple[Row3, Row3, Row3]
    translation: Row3
    gaze: tuple[tuple[Finite, Finite], tuple[Finite, Finite]]


class Range(Plain):
    """The least and the greatest of each value of a parameter."""

    low: Coefficients
    high: Coefficients


class Trained(Plain):
    """What training saw of one parameter: see `tracking.performances.trained_range.Extent`."""

    low: Coefficients
    high: Coefficients
    deviation: Coefficients
    samples: Annotated[str, Field(max_length=1 << 16)]
    reach: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Provenance(Plain):
    """Where an avatar comes from.

    Attributes:
        source: name of the footage (no folders: an avatar is passed on).
        footage_sha256: of the file that the dataset was made from; empty where tracking noted none.
        consent: what the person shown agreed to, in the words in which it was stated; consent_by: who stated it;
            consent_for: what for; consent_date: when it was noted, ISO 8601, UTC. Empty where nobody stated any.
        matting: what cut the person out; head_only: what removed the clothes. Empty where tracking noted nothing.
        date: when it was built, ISO 8601, UTC.
        steps: training steps; train_share: the first share of the footage, which was trained on.
        versions: of Semblance, PyTorch, ...; fallbacks: sentences on what was done without.
    """

    source: str = ""
    footage_sha256: str = ""
    consent: str = ""
    consent_by: str = ""
    consent_for: str = ""
    consent_date: str = ""
    matting: str = ""
    head_only: str = ""
    date: str = ""
    steps: int = 0
    train_share: Annotated[float, Field(ge=0, le=1)] = 0.8
    versions: dict[str, str] = {}
    fallbacks: tuple[str, ...] = ()


class AvatarMetadata(Plain):
    """Everything in an avatar file that is no tensor.

    Attributes:
        kind: name of its kind (`kinds`).
        network: configuration of the network.
        head: name of the head; head_path, head_sha256: file of a head that does not come with Semblance, else empty
            (the hash also where the avatar was built on a machine without that file).
        identity, texture: the person's coefficients.
        camera, crop, fps: of the footage's central window; crop is None where there was no footage.
        rest: the person at rest.
        resolution: side of the pictures in pixels.
        preset: name of the training preset.
        ranges: what training saw, by parameter: `expression` (52), `rotation` (pitch, yaw, roll; radians),
            `translation` (metres), `gaze` (left pitch, left yaw, right pitch, right yaw; radians). Empty where the
            footage's motion is not known.
        trained: by parameter, how far expression and pose may go before they are beyond what training saw
            (`trained_range`). Empty where that is not known.
        time_code: default for rendering.
        light: `[LIGHT_SIDE * LIGHT_SIDE, 3]`, row by row: by what the clean plate is multiplied in the avatar's window
            to be in the light of the time code (`plate_light`). Empty where that is not known.
        thumbnail: base64 of a small PNG; empty when there is none.
        provenance: where it comes from.
    """

    kind: str
    network: dict[str, Any]
    head: str
    head_path: str = ""
    head_sha256: str = ""
    identity: Coefficients
    texture: Coefficients
    camera: PinholeCamera
    crop: Crop | None = None
    fps: Annotated[float, Field(gt=0, le=1000)]
    rest: Rest
    resolution: Annotated[int, Field(ge=16, le=8192)]
    preset: str = ""
    ranges: dict[str, Range] = {}
    trained: dict[str, Trained] = {}
    time_code: Finite = 0.5
    light: Annotated[tuple[Row3, ...], Field(max_length=LIGHT_SIDE**2)] = ()
    thumbnail: str = ""
    provenance: Provenance = Provenance()

    def to_json(self) -> dict[str, Any]:
        """The metadata as plain JSON values."""
        return self.model_dump(mode="json")

    def rest_performance(self) -> Performance:
        """The person at rest as a performance of one frame, with the person's identity, texture and camera."""
        return rest_performance(self.to_json())

    def trained_range(self) -> TrainedRange | None:
        """What training saw, to hold motion against; None where that is not known.

        Raises:
            UserError: the file is damaged there.
        """
        return TrainedRange.from_json({name: each.model_dump() for name, each in self.trained.items()})


def describe(
    performance: Performance,
    *,
    kind: str,
    network: Mapping[str, Any],
    resolution: int,
    preset: str,
    picture: NDArray[np.uint8],
    provenance: Provenance,
    head_path: Path | None = None,
    time_code: float = 0.5,
    light: NDArray[np.float32] | None = None,
) -> AvatarMetadata:
    """Return the metadata of an avatar trained on the frames of `performance` (the training share only).

    `picture` is any RGB uint8 `[H, W, 3]` of the person, for the thumbnail; `head_path` the file of a head that does
    not come with Semblance, by default where tracking found it (the performance's `extra["head_path"]`); `light
    [LIGHT_SIDE, LIGHT_SIDE, 3]` what the time code's does to the clean plate.
    """
    file = str(head_path or performance.extra.get("head_path", ""))
    return AvatarMetadata(
        kind=kind,
        network=dict(network),
        head=performance.head,
        head_path=file,
        head_sha256=file_sha256(Path(file)) if file and Path(file).is_file() else "",
        identity=plain(performance.identity),
        texture=plain(performance.texture),
        camera=performance.camera,
        crop=performance.crop,
        fps=float(performance.fps),
        rest=rest_of(performance),
        resolution=resolution,
        preset=preset,
        ranges=ranges_of(performance) if performance.crop else {},
        trained=trained_of(performance) if performance.crop else {},
        time_code=time_code,
        light=() if light is None else tuple(plain(gains) for gains in light.reshape(-1, 3)),
        thumbnail=thumbnail_of(picture),
        provenance=provenance.model_copy(update={"date": datetime.now(UTC).isoformat(timespec="seconds")}),
    )


def rest_of(performance: Performance) -> Rest:
    """The person at rest, as relative driving understands it."""
    rotation, translation = rest_pose(performance)
    values = {
        "expression": rest_expression(performance),
        "rotation": rotation,
        "translation": translation,
        "gaze": np.median(performance.gaze, 0),
    }
    return Rest.model_validate({name: np.asarray(each, np.float32).tolist() for name, each in values.items()})


def ranges_of(performance: Performance) -> dict[str, Range]:
    """The least and the greatest of every expression, angle, coordinate and gaze angle."""
    yaw_pitch_roll = Rotation.from_matrix(performance.rotation).as_euler("YXZ")
    values = {
        "expression": performance.expression,
        "rotation": yaw_pitch_roll[:, [1, 0, 2]],
        "translation": performance.translation,
        "gaze": performance.gaze.reshape(-1, 4),
    }
    return {name: Range(low=plain(rows.min(0)), high=plain(rows.max(0))) for name, rows in values.items()}


def trained_of(performance: Performance) -> dict[str, Trained]:
    """What training saw, for warnings beyond it; nothing where it saw too little to tell."""
    known = TrainedRange.of(performance)
    return {name: Trained.model_validate(each) for name, each in known.to_json().items()} if known else {}


def thumbnail_of(picture: NDArray[np.uint8]) -> str:
    """Return the base64 of a small PNG of `picture` (RGB uint8 `[H, W, 3]`)."""
    image = Image.fromarray(picture)
    image.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS)
    return png_text(image)


def png_text(image: Image.Image) -> str:
    """Return the base64 of a picture as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain(values: NDArray[Any]) -> tuple[float, ...]:
    """A row of numbers `[K]` as Python floats that read back as the same float32."""
    return tuple(float(value) for value in np.asarray(values, np.float32))


# --- the file's header ----------------------------------------------------------------------------------------------


def header_of(metadata: AvatarMetadata, plate: NDArray[np.uint8] | None = None) -> dict[str, str]:
    """The `__metadata__` of an avatar file; `plate [R, R, 3]`, RGB, is what the avatar is to be laid over."""
    behind = {} if plate is None else {"plate": png_text(Image.fromarray(plate))}
    return {**FORMAT.text_header, "description": json.dumps(metadata.to_json(), allow_nan=False), **behind}


def read_plate(path: str | Path) -> NDArray[np.uint8] | None:
    """Return the clean plate `[R, R, 3]`, RGB, that an avatar file brings; None where it brings none.

    Raises:
        UserError: it is damaged.
    """
    try:
        text = raw_header(Path(path))[0]["__metadata__"].get("plate")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")) if text else None
    except (ValueError, KeyError, OSError, AttributeError) as error:
        raise UserError(f"{path} is damaged: its plate is no picture; copy it again or build it again.") from error


def read_metadata(path: str | Path) -> AvatarMetadata:
    """Return what an avatar file says of itself, after checking that the file is whole; reads no tensor.

    Raises:
        UserError: the file is absent, damaged, no avatar, or from a newer version.
    """
    return read_header(path)[0]


def read_header(path: str | Path) -> tuple[AvatarMetadata, dict[str, tuple[int, ...]]]:
    """Return an avatar file's metadata and the shape of each of its tensors; errors as in `read_metadata`."""
    path = Path(path)
    damaged = f"{path} is damaged or is not an avatar; copy it again or build the avatar again."
    try:
        header, data_bytes = raw_header(path)
        said = header.pop("__metadata__", None)
        version = FORMAT.version_in(
            said,
            foreign=f"{path} is a safetensors file but not a Semblance avatar; choose an avatar file.",
            newer=f"{path} was written by a newer Semblance; update Semblance to read it.",
            damaged=damaged,
        )
        if version < FORMAT.version:
            raise UserError(f"{path} was built by an older Semblance, for other networks; build the avatar again.")
        metadata = AvatarMetadata.model_validate_json(said["description"])
        return metadata, tensor_shapes(header, data_bytes)
    except FileNotFoundError:
        raise UserError(f"There is no avatar file at {path}.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); choose an avatar file.") from error
    except (ValueError, KeyError, TypeError, ValidationError, RecursionError, OverflowError) as error:
        raise UserError(damaged) from error


def raw_header(path: Path) -> tuple[dict[str, Any], int]:
    """Return the JSON header and the number of bytes that follow it; ValueError where they cannot be right."""
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 2 <= length <= min(MOST_HEADER, size - 8):
            raise ValueError("the header's length cannot be right")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("the header is no dictionary")
    return header, size - 8 - length


def tensor_shapes(header: dict[str, Any], data_bytes: int) -> dict[str, tuple[int, ...]]:
    """Return the tensors' shapes; ValueError unless together they fill the file's data without gap or overlap."""
    shapes, spans = {}, []
    for name, entry in header.items():
        shape = tuple(entry["shape"])
        begin, end = entry["data_offsets"]
        if not all(isinstance(number, int) and number >= 0 for number in (*shape, begin, end)):
            raise ValueError(f"{name} has an impossible shape")
        if prod(shape) * ITEM_SIZES[entry["dtype"]] != end - begin:
            raise ValueError(f"{name} does not fill its place")
        shapes[name] = shape
        spans.append((begin, end))
    spans.sort()
    edges = [0, *(end for _, end in spans)]
    if any(begin != before for (begin, _), before in zip(spans, edges, strict=False)) or edges[-1] != data_bytes:
        raise ValueError("the tensors do not fill the file")
    return shapes
