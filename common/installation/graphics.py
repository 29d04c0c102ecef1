# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a machine what it is and which graphics cards it has. Nothing here raises: what cannot be asked is not there."""

from __future__ import annotations

import os
import platform as machine_names
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from .torch_builds import Capability, Graphics, Platform

MAKERS = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
"""By PCI's number of the vendor."""
NAMES = {"nvidia": "nvidia", "geforce": "nvidia", "amd": "amd", "radeon": "amd", "intel": "intel"}
"""Words in the names of Windows' display drivers."""
DISPLAY_CLASS = "0x03"
SMI_PLACES = ("/usr/lib/wsl/lib/nvidia-smi", r"C:\Windows\System32\nvidia-smi.exe")
"""Where NVIDIA's tool lies when it is not on the path: inside WSL, and on Windows."""
PATIENCE = 20.0
"""Seconds that a driver may take to wake a card."""
WINDOWS_ADAPTERS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"


def this_platform() -> Platform:
    """What this machine runs."""
    name = machine_names.machine().lower()
    return Platform(sys.platform, "arm64" if name in ("arm64", "aarch64") else "x86_64", is_wsl())


def is_wsl() -> bool:
    """Tell whether this is the Linux inside Windows."""
    with suppress(OSError):
        return "microsoft" in Path("/proc/sys/kernel/osrelease").read_text().lower()
    return False


def graphics_of_this_machine() -> Graphics:
    """Ask NVIDIA's driver and the system about the graphics cards; may take seconds while a card wakes."""
    if sys.platform == "darwin":
        return Graphics()
    makers = makers_in_registry() if sys.platform == "win32" else makers_on_bus(Path("/sys/bus/pci/devices"))
    tool = shutil.which("nvidia-smi") or next((place for place in SMI_PLACES if Path(place).is_file()), None)
    if tool is None:
        return Graphics(makers=makers)
    code, text = ask(tool, "driver_version,compute_cap,name")
    if code != 0 and "compute_cap" in text:  # drivers before 2021 do not know the word
        code, text = ask(tool, "driver_version,name")
    return read_answer(code, text, makers)


def ask(tool: str, fields: str) -> tuple[int, str]:
    """Return the exit code and the output of NVIDIA's tool, asked for some fields of every card."""
    command = [tool, f"--query-gpu={fields}", "--format=csv,noheader"]
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
            creationflags=hidden,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        return 1, f"silent for {PATIENCE:.0f} seconds"
    except OSError as error:
        return 1, error.strerror or "it cannot be run"
    return done.returncode, done.stdout or done.stderr


def read_answer(code: int, text: str, makers: frozenset[str]) -> Graphics:
    """Read what NVIDIA's tool printed: a line `driver, capability, name` (or `driver, name`) for each card."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rows = [[field.strip() for field in line.split(",")] for line in lines]
    driver = rows[0][0] if rows else ""
    if code != 0 or not re.match(r"\d+\.", driver):
        if "No devices were found" in text and "nvidia" not in makers:
            return Graphics(makers=makers)
        return Graphics(makers=makers, complaint=lines[0].rstrip(".") if lines else "it said nothing")
    cards = tuple((row[-1], read_capability(row[1]) if len(row) > 2 else None) for row in rows)
    return Graphics(driver, cards, makers | {"nvidia"})


def read_capability(text: str) -> Capability | None:
    """Read "8.6"; None for what is none."""
    found = re.fullmatch(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def makers_on_bus(devices: Path) -> frozenset[str]:
    """Whose display adapters are on Linux's PCI bus."""
    found = set()
    for device in devices.glob("*") if devices.is_dir() else ():
        with suppress(OSError):
            if (device / "class").read_text().startswith(DISPLAY_CLASS):
                found.add(MAKERS.get((device / "vendor").read_text().strip(), ""))
    return frozenset(found - {""})


def makers_in_registry() -> frozenset[str]:
    """Whose display adapters Windows has drivers for."""
    names: list[str] = []
    if sys.platform == "win32":
        import winreg

        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, WINDOWS_ADAPTERS) as adapters:
            for number in range(winreg.QueryInfoKey(adapters)[0]):
                with suppress(OSError), winreg.OpenKey(adapters, winreg.EnumKey(adapters, number)) as adapter:
                    names.append(str(winreg.QueryValueEx(adapter, "DriverDesc")[0]))
    return makers_named(names)


def makers_named(names: list[str]) -> frozenset[str]:
    """Whose cards have these names."""
    return frozenset(
        maker for name in names for word, maker in NAMES.items() if word in re.findall(r"[a-z]+", name.lower())
    )
