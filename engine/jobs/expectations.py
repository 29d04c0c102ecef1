# SPDX-License-Identifier: GPL-3.0-or-later
"""How quickly this machine trains: measured once a device and version, mended by every build, kept in the home."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

from ...common.file_format import FileFormat
from ...common.files import written_whole
from ...neural.device import device_facts
from ...neural.radiance import presets as radiance
from ...neural.styleavatar.training import presets as portraits
from ...neural.training.curves import CURVES_FILE, read_curve
from ...neural.versions import own_version
from ...protocol.expectations import Expectation

if TYPE_CHECKING:
    from pathlib import Path

    from ...common.home import Home

FORMAT = FileFormat("semblance-rates", 1)
STEPS = {"preview": 1_500, "standard": 45_000, "final": 60_000}
"""Steps of portraits that presets are meant to do in their time: `preview` on two cores, the others on a large GPU."""
LEAST_SECONDS = 20.0
"""A build that trained for less says nothing of the rate."""
POINTS = 50


def expectations(home: Home) -> list[Expectation]:
    """What to expect of every preset of every kind on this machine."""
    rates = read_rates(home)
    times = [("portrait", name, each.schedule.seconds, STEPS[name]) for name, each in portraits.PRESETS.items()]
    times += [("splats", name, each.splats_seconds, 0) for name, each in radiance.PRESETS.items()]
    times += [("field", name, each.field_seconds, 0) for name, each in radiance.PRESETS.items()]
    return [
        Expectation(kind, preset, float(seconds), steps, rates.get(f"{kind} {preset}", 0.0))
        for kind, preset, seconds, steps in times
    ]


def expectation(home: Home, kind: str, preset: str) -> Expectation:
    """What to expect of one."""
    return next(each for each in expectations(home) if (each.kind, each.preset) == (kind, preset))


def is_measured(home: Home) -> bool:
    """Tell whether something is known of how quickly this machine trains."""
    return bool(read_rates(home))


def read_rates(home: Home) -> dict[str, float]:
    """Steps a second on this device with this version, by kind and preset; nothing where nothing was measured."""
    said = everything(home).get(device_key())
    return {str(name): float(rate) for name, rate in said.items()} if isinstance(said, dict) else {}


def note_rates(home: Home, rates: dict[str, float]) -> None:
    """Keep what was measured on this device; other figures of it stay."""
    kept = everything(home)
    kept[device_key()] = read_rates(home) | rates
    with written_whole(home.rates) as partial:
        partial.write_text(json.dumps(FORMAT.header | {"devices": kept}), encoding="utf-8")


def note_training(home: Home, kind: str, preset: str, work: Path) -> None:
    """Keep how quickly the training in the folder `work` went, where it was long enough to tell."""
    curve = read_curve(work / CURVES_FILE, POINTS)
    if len(curve.steps) > 1 and (seconds := curve.seconds[-1] - curve.seconds[0]) > LEAST_SECONDS:
        note_rates(home, {f"{kind} {preset}": (curve.steps[-1] - curve.steps[0]) / seconds})


def everything(home: Home) -> dict[str, Any]:
    """What is kept of all devices; nothing where the file is damaged or of another version: it is measured again."""
    try:
        said = json.loads(home.rates.read_text(encoding="utf-8"))
        return dict(said["devices"]) if said["version"] == FORMAT.version else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def device_key() -> str:
    """What tells one device, and what trains on it, from others; the threads of a processor change with its load."""
    facts = device_facts()
    name = facts.name if facts.device != "cpu" else f"{platform.machine()}, {os.cpu_count()} cores"
    return f"{name}, PyTorch {facts.torch}, Semblance {own_version()}"
