# SPDX-License-Identifier: GPL-3.0-or-later
"""Which build of PyTorch fits a machine, and why it is not one for its GPU.

Sources: which builds of release 2.13 there are (CPU, CUDA 12.6, CUDA 13.0, ROCm 7.2) and for which compute
capabilities, PyTorch's RELEASE.md ("CUDA Support Matrix", pytorch/pytorch pull requests 187075 and 197555);
that code for x.y runs on every x.z with z >= y, the CUDA programming guide ("Binary Compatibility");
the oldest driver, the CUDA release notes ("CUDA Driver": 12.x from 525 on Linux and 528 on Windows by minor version
compatibility, 13.x from 580). The local version that the wheel on PyPI stands for differs by system: CUDA 13.0 on
Linux, none of CUDA on Windows and macOS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UserError

TORCH = "2.13.0"
PYPI = ""
"""An index of this name is the one that pip is set to use."""
INDEX = "https://download.pytorch.org/whl/"
OVERRIDE_VARIABLE = "SEMBLANCE_TORCH"
"""Names a build by hand."""

Capability = tuple[int, int]


@dataclass(frozen=True)
class Platform:
    """What a machine runs.

    Attributes:
        system: as `sys.platform` says: "linux", "win32", "darwin".
        machine: "x86_64" or "arm64".
        wsl: it is the Linux inside Windows, whose driver is Windows' own.
    """

    system: str
    machine: str = "x86_64"
    wsl: bool = False


@dataclass(frozen=True)
class Graphics:
    """The graphics cards of a machine, as far as its drivers tell.

    Attributes:
        driver: version of NVIDIA's driver ("580.95.05"); empty where there is none that answers.
        cards: name and compute capability of each NVIDIA card that the driver sees; None where it does not say.
        makers: whose cards are built in, driver or not: of "nvidia", "amd", "intel".
        complaint: what NVIDIA's driver said instead of an answer.
    """

    driver: str = ""
    cards: tuple[tuple[str, Capability | None], ...] = ()
    makers: frozenset[str] = frozenset()
    complaint: str = ""


@dataclass(frozen=True)
class Build:
    """A build of PyTorch.

    Attributes:
        name: as PyTorch's indexes are called; title: as people call it.
        driver: oldest major version of NVIDIA's driver, by system; capabilities: what it has code for.
        download, disk: megabytes of PyTorch and what it needs of CUDA, as wheels and installed, by system.
    """

    name: str
    title: str
    driver: dict[str, int]
    capabilities: tuple[Capability, ...]
    download: dict[str, int]
    disk: dict[str, int]

    def drives(self, platform: Platform, driver: int) -> bool:
        """Tell whether a driver is new enough."""
        return driver >= self.driver[platform.system]

    def has_code_for(self, capability: Capability | None) -> bool:
        """Tell whether a card can run it; one that does not say what it is counts as able to."""
        if capability is None:
            return True
        return any(have[0] == capability[0] and have[1] <= capability[1] for have in self.capabilities)


CPU = Build(
    "cpu",
    "the CPU build",
    {},
    (),
    {"linux": 190, "win32": 122, "darwin": 112},
    {"linux": 760, "win32": 520, "darwin": 420},
)
CUDA_13 = Build(
    "cu130",
    "the build for CUDA 13.0",
    {"linux": 580, "win32": 580},
    ((7, 5), (8, 0), (8, 6), (9, 0), (10, 0), (12, 0)),
    {"linux": 2730, "win32": 1900},
    {"linux": 4600, "win32": 4300},
)
CUDA_12 = Build(
    "cu126",
    "the build for CUDA 12.6",
    {"linux": 525, "win32": 528},
    ((5, 0), (6, 0), (7, 0), (7, 5), (8, 0), (8, 6), (9, 0)),
    {"linux": 2900, "win32": 2500},
    {"linux": 4900, "win32": 4400},
)
ROCM = Build("rocm7.2", "the build for ROCm 7.2", {}, (), {"linux": 4500}, {"linux": 16000})
CUDA_BUILDS = (CUDA_13, CUDA_12)
"""The newest first."""
BUILDS = {build.name: build for build in (CPU, *CUDA_BUILDS, ROCM)}
OLDEST_CARD: Capability = (5, 0)


@dataclass(frozen=True)
class TorchRequirement:
    """What to install.

    Attributes:
        build: name of the build.
        requirement: as pip reads it; index: where it is, empty for pip's own index.
        gpu: it is meant for a GPU that is here.
        sentence: why it is not for a GPU, or which card stays unused, and what would help; empty where all is well.
        download, disk: megabytes, about.
    """

    build: str
    requirement: str
    index: str
    gpu: bool
    sentence: str
    download: int
    disk: int


def torch_requirement(platform: Platform, graphics: Graphics, override: str = "") -> TorchRequirement:
    """Choose the build of PyTorch for a machine; `override` names one by hand ("cpu", "cu126"), or is "" or "auto".

    Of several cards all shall run; where no build has code for all, the most capable one shall.

    Raises:
        UserError: there is no PyTorch for the machine, or not the one asked for.
    """
    require_any_torch(platform)
    if override and override != "auto":
        return chosen_by_hand(platform, override)
    if platform.system == "darwin":
        return requirement(CPU, platform, f"Macs have no CUDA GPU: networks run on the processor; {ELSEWHERE}")
    reason = why_no_cuda(platform, graphics)
    if reason:
        return requirement(CPU, platform, reason)
    driver = major(graphics.driver)
    usable = [build for build in CUDA_BUILDS if build.drives(platform, driver)]
    for able in (all, any):
        for build in usable:
            if able(build.has_code_for(capability) for capability in judged(graphics, able is any)):
                return requirement(build, platform, unused_cards(build, graphics))
    return requirement(CPU, platform, why_no_build(platform, graphics))


def judged(graphics: Graphics, only_best: bool) -> list[Capability | None]:
    """The capabilities that a build must have code for: of all cards, or of the most capable one."""
    capabilities = [capability for _, capability in graphics.cards]
    return [max(capabilities, key=lambda each: each or (0, 0))] if only_best else capabilities


NOT_MADE_FOR = {
    ("darwin", "x86_64"): "PyTorch is no longer made for Macs with Intel processors",
    ("linux", "arm64"): "MediaPipe 0.10.21, which finds faces, is not made for Linux on Arm processors",
    ("win32", "arm64"): "MediaPipe 0.10.21, which finds faces, is not made for Windows on Arm processors",
}
ELSEWHERE = "an engine on a machine with one can be used from here."


def require_any_torch(platform: Platform) -> None:
    """Raise `UserError` where PyTorch, or MediaPipe, which finds faces, is not made for a machine."""
    missing = NOT_MADE_FOR.get((platform.system, platform.machine))
    if missing:
        raise UserError(f"{missing}, so the engine cannot be set up on this one; use an engine on another machine.")


def chosen_by_hand(platform: Platform, override: str) -> TorchRequirement:
    """Return the build that somebody named.

    Raises:
        UserError: there is none of that name for this system.
    """
    build = BUILDS.get({"rocm": ROCM.name, "cuda": CUDA_13.name}.get(override, override))
    if build is None or platform.system not in build.download:
        there = ", ".join(name for name, each in BUILDS.items() if platform.system in each.download)
        raise UserError(f"There is no build {override} of PyTorch for this system; choose one of: auto, {there}.")
    return requirement(build, platform, "")


def requirement(build: Build, platform: Platform, sentence: str) -> TorchRequirement:
    """What to install of a build."""
    system = platform.system
    pypi = CUDA_13 if system == "linux" else CPU
    exact = f"torch=={TORCH}" if build is pypi else f"torch=={TORCH}+{build.name}"
    index = PYPI if build is pypi else INDEX + build.name
    return TorchRequirement(
        build.name, exact, index, build is not CPU, sentence, build.download[system], build.disk[system]
    )


def why_no_cuda(platform: Platform, graphics: Graphics) -> str:
    """Return why no build for CUDA can run, whatever the card; empty where one may."""
    if graphics.complaint:
        return (
            f"NVIDIA's driver does not answer ({graphics.complaint}): networks run on the processor. "
            "Restart the computer, and install the driver again if that does not help; then set up again."
        )
    if graphics.driver and graphics.cards:
        return ""
    if "nvidia" in graphics.makers:
        help_with_it = install_driver(platform, None)
        return f"There is an NVIDIA GPU but no driver of NVIDIA's: networks run on the processor. {help_with_it}"
    if "amd" in graphics.makers:
        hand = (
            f" PyTorch's build for ROCm can be chosen by hand ({ROCM.name}); Semblance has not been tried with it."
            if platform.system == "linux"
            else ""
        )
        return f"AMD's GPUs have no CUDA, which Semblance's kernels need: networks run on the processor.{hand}"
    if "intel" in graphics.makers and not platform.wsl:
        return f"Intel's graphics have no CUDA: networks run on the processor; {ELSEWHERE}"
    if platform.wsl:
        return (
            "No GPU is seen inside WSL: networks run on the processor. If there is an NVIDIA card, install its driver "
            "in Windows (none inside WSL), then set up again."
        )
    return f"There is no NVIDIA GPU: networks run on the processor; {ELSEWHERE}"


def install_driver(platform: Platform, capability: Capability | None) -> str:
    """What to do about a missing driver, or one too old for a card."""
    number = CUDA_13.driver[platform.system]
    last = capability is not None and not CUDA_13.has_code_for(capability) and capability < CUDA_13.capabilities[0]
    which = f"{number}, the last for such cards," if last else f"{number} or newer"
    where = " in Windows (none inside WSL)" if platform.wsl else ""
    return f"Install NVIDIA's driver {which}{where}; then set up again."


def why_no_build(platform: Platform, graphics: Graphics) -> str:
    """Return why none of the builds fits a driver and its cards, and what would help."""
    name, capability = max(graphics.cards, key=lambda card: card[1] or (0, 0))
    number = "" if capability is None else f" (compute capability {capability[0]}.{capability[1]})"
    fitting = [build for build in CUDA_BUILDS if build.has_code_for(capability)]
    if fitting:
        needed = min(build.driver[platform.system] for build in fitting)
        return (
            f"NVIDIA's driver {graphics.driver} is too old: PyTorch {TORCH} needs {needed} or newer for {name}, and "
            f"networks run on the processor. {install_driver(platform, capability)}"
        )
    if capability is not None and capability < OLDEST_CARD:
        return f"{name}{number} is too old for PyTorch {TORCH}, which needs 5.0: networks run on the processor."
    return f"PyTorch {TORCH} has no code for {name}{number} yet: networks run on the processor."


def unused_cards(build: Build, graphics: Graphics) -> str:
    """Return which cards a build has no code for, as a sentence; empty for none."""
    left = [name for name, capability in graphics.cards if not build.has_code_for(capability)]
    return f"{build.title.capitalize()} of PyTorch leaves {' and '.join(left)} unused." if left else ""


def major(version: str) -> int:
    """Return 580 for "580.95.05"; 0 for what is no version."""
    found = re.match(r"\d+", version)
    return int(found.group()) if found else 0
