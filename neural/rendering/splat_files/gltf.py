# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats as glTF 2.0 with Khronos' extension KHR_gaussian_splatting, in one binary file or as JSON with data inside.

Axes are glTF's: x right, y up, z towards the viewer, in metres.
"""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from ....protocol.splats import SH_0

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ....protocol.splats import Gaussians

EXTENSION = "KHR_gaussian_splatting"
POINTS, FLOAT, ARRAY_BUFFER = 0, 5126, 34962
TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}
MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942


def glb_of(splats: Gaussians, name: str = "Splats") -> bytes:
    """Return the bytes of a .glb, for `splats` in OpenCV's axes."""
    said, data = document(splats, name)
    text = json.dumps(said, separators=(",", ":")).encode()
    chunks = b"".join(
        struct.pack("<II", len(chunk), kind) + chunk
        for kind, chunk in ((JSON_CHUNK, text + b" " * (-len(text) % 4)), (BINARY_CHUNK, data))
    )
    return struct.pack("<III", MAGIC, VERSION, 12 + len(chunks)) + chunks


def gltf_of(splats: Gaussians, name: str = "Splats") -> bytes:
    """Return the bytes of a .gltf that needs no other file, for `splats` in OpenCV's axes."""
    said, data = document(splats, name)
    said["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(data).decode("ascii")
    return json.dumps(said).encode()


def document(splats: Gaussians, name: str) -> tuple[dict[str, Any], bytes]:
    """Return the JSON and the buffer that it speaks of; its length divides by four."""
    turned = splats.turned_over()
    colours = np.clip(0.5 + SH_0 * turned.harmonics, 0, 1)
    attributes: dict[str, NDArray[np.float32]] = {
        "POSITION": turned.positions,
        "COLOR_0": np.concatenate([colours, turned.opacities[:, None]], -1),  # for programs that draw points only
        f"{EXTENSION}:ROTATION": turned.rotations[:, [1, 2, 3, 0]],
        f"{EXTENSION}:SCALE": turned.scales,
        f"{EXTENSION}:OPACITY": turned.opacities[:, None],
        f"{EXTENSION}:SH_DEGREE_0_COEF_0": turned.harmonics,
    }
    parts = [np.ascontiguousarray(values, "<f4").tobytes() for values in attributes.values()]
    starts = np.cumsum([0, *(len(part) for part in parts)])
    accessors: list[dict[str, Any]] = [
        {"bufferView": index, "componentType": FLOAT, "count": len(values), "type": TYPES[values.shape[1]]}
        for index, values in enumerate(attributes.values())
    ]
    accessors[0]["min"], accessors[0]["max"] = (
        bound.astype(float).tolist() for bound in (turned.positions.min(0), turned.positions.max(0))
    )
    appearance = {
        "kernel": "ellipse",
        "colorSpace": "srgb_rec709_display",
        "sortingMethod": "cameraDistance",
        "projection": "perspective",
    }
    said: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "Semblance"},
        "extensionsUsed": [EXTENSION],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": name}],
        "meshes": [
            {
                "name": name,
                "primitives": [
                    {
                        "attributes": {each: index for index, each in enumerate(attributes)},
                        "mode": POINTS,
                        "extensions": {EXTENSION: appearance},
                    }
                ],
            }
        ],
        "accessors": accessors,
        "bufferViews": [
            {"buffer": 0, "byteOffset": int(start), "byteLength": len(part), "target": ARRAY_BUFFER}
            for start, part in zip(starts, parts, strict=False)
        ],
        "buffers": [{"byteLength": int(starts[-1])}],
    }
    return said, b"".join(parts)
