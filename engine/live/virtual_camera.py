# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that other programs see: v4l2loopback on Linux, OBS on Windows and macOS (pyvirtualcam)."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from ...common.errors import UserError
from ...tracking.media.video import over_black

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...tracking.heads.arrays import Image

PACKAGE = 'python -m pip install "pyvirtualcam>=0.15"'
DRIVERS = {
    "linux": "sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback exclusive_caps=1 card_label=Semblance",
    "win32": "winget install OBSProject.OBSStudio",
    "darwin": "brew install --cask obs",
}
"""The one command that brings the driver, by `sys.platform`."""
AND_THEN = {"darwin": " (then press Start Virtual Camera in OBS once, and stop it)"}


class VirtualCamera:
    """Opens a camera of the size of the first picture."""

    def __init__(self, module: Any, fps: float) -> None:
        self._module, self._fps = module, fps
        self._camera: Any = None

    def show(self, picture: Image, _time: float) -> bool:
        """Send a picture; another size than the first one's opens the camera anew.

        Raises:
            UserError: there is no driver.
        """
        rgb = over_black(picture)
        height, width = rgb.shape[:2]
        if self._camera is None or (self._camera.height, self._camera.width) != (height, width):
            self.close()
            self._camera = self._opened(width, height)
        self._camera.send(rgb)
        return True

    def tell(self, words: str) -> None:
        """A camera has no place for words."""

    def close(self) -> None:
        """Give the device back."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _opened(self, width: int, height: int) -> Any:
        try:
            return self._module.Camera(width=width, height=height, fps=self._fps)
        except RuntimeError as error:
            why = (str(error).splitlines() or ["no driver"])[0].rstrip(".")
            driver = DRIVERS.get(sys.platform, DRIVERS["linux"])
            then = AND_THEN.get(sys.platform, "")
            raise UserError(
                f"There is no virtual camera to write to ({why}); get its driver with: {driver}{then}"
            ) from error


@contextmanager
def virtual_camera(fps: float) -> Iterator[VirtualCamera]:
    """Give a sink that other programs see as a camera.

    Raises:
        UserError: pyvirtualcam is not installed; with the first picture: there is no driver.
    """
    try:
        import pyvirtualcam
    except ImportError as error:
        raise UserError(f"A virtual camera needs pyvirtualcam; install it with: {PACKAGE}") from error
    with closing(VirtualCamera(pyvirtualcam, fps)) as camera:
        yield camera
