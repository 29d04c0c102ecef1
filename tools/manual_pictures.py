# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes one of the manual's pictures in a Blender with a window (1600 x 900), from what `run.py demo` has made.

    blender --factory-startup --window-geometry 0 0 1600 900 --python tools/manual_pictures.py -- PICTURE DEMO OUT

`PICTURE` is one of `PICTURES`, `DEMO` the demo's folder, `OUT` where `PICTURE.webp` goes. Wants
X11 and ImageMagick; `SEMBLANCE_ENGINE_PYTHON` names the engine's Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from math import radians
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from mathutils import Euler

if TYPE_CHECKING:
    from collections.abc import Callable

here: Any = bpy.context
ops: Any = bpy.ops
WIDTH = 1200
"""Of the pictures that are saved."""
QUALITY = 82
BEYOND = 56
"""A frame of the demo's performance that its avatar was not trained for."""
SECONDS_TO_DRAW, SECONDS_BETWEEN_LOOKS, MOST_SECONDS = 25.0, 3.0, 900.0


@dataclass(frozen=True)
class Picture:
    """What a picture shows.

    Attributes:
        begin: opens a file, or begins what takes long.
        arrange: changes what is shown by then.
        panels: of the tab *Semblance*, those that are open.
        ready: tells whether what takes long has come far enough.
        scrolled: pixels by which the side bar is scrolled down.
    """

    begin: Callable[[Path], None]
    arrange: Callable[[], None]
    panels: tuple[str, ...]
    ready: Callable[[], bool] = lambda: True
    scrolled: int = 0


def open_demo(demo: Path) -> None:
    """Open the demo's scene in the window as it is; its avatar is shown a moment later."""
    from semblance.blender_addon.ui import first_look

    ops.wm.open_mainfile(filepath=str(demo / "demo.blend"), load_ui=False)
    first_look.mark_unseen(here.scene)  # files of earlier versions are not
    first_look.after_loading()


def key_block(name: str):
    """An expression of the demo's head."""
    return head().data.shape_keys.key_blocks[name]


def head():
    """The head in the window."""
    return next((each for each in here.scene.objects if each.semblance.is_head), None)


def viewport() -> None:
    """The neural picture beside a slider."""
    here.scene.frame_set(20)
    key_block("jawOpen").value = 0.7


def animate() -> None:
    """Face, Takes, Driving."""
    ops.semblance.add_controls()


def beyond() -> None:
    """A frame in which a performance goes farther than the avatar knows it."""
    here.scene.frame_set(BEYOND)


def head_in_3d_view() -> None:
    """A head in 3D from the side, through the view's own lens."""
    space = view_area().spaces.active
    space.region_3d.view_perspective = "PERSP"
    space.region_3d.view_rotation = Euler((radians(84), 0, radians(28))).to_quaternion()
    space.region_3d.view_location, space.region_3d.view_distance = head().parent.location, 0.6
    space.lens = 60


def sequence() -> None:
    """Plate and frames as strips."""
    from semblance.blender_addon.ui import sequence_view

    sequence_view.show(here, bpy.data.scenes[f"{here.scene.name} Sequence"])


def new_avatar(demo: Path) -> None:
    """The head that has come from the photo."""
    view_area().spaces.active.show_region_ui = True
    bpy.app.timers.register(open_tab, first_interval=1.0)
    ops.semblance.new_avatar(filepath=str(demo / "astronaut.png"))


def nothing() -> None:
    """What is shown is as it is wanted."""


def half_built() -> bool:
    """Begin to build once there is a head; tell whether half is done."""
    from semblance.blender_addon.ui import activity, job_watch

    if head() is None:
        return False
    job = job_watch.known.build.job
    if job is None and not activity.running():
        head().semblance.consent = "Public domain: NASA's portrait of Eileen Collins"
        ops.semblance.build_avatar()
    return job is not None and job.stage == "Training" and job.fraction > 0.5


def open_tab() -> None:
    """Turn the side bar to our tab."""
    from semblance.blender_addon.ui import first_look

    first_look.open_tab()


AVATAR, HEAD, FACE = "SEMBLANCE_PT_avatar", "SEMBLANCE_PT_head", "SEMBLANCE_PT_face"
RENDER, TAKES = "SEMBLANCE_PT_output", "SEMBLANCE_PT_takes"
SLIDERS = ("SEMBLANCE_PT_face_eyes", "SEMBLANCE_PT_face_jaw")
PICTURES = {
    "new_avatar": Picture(new_avatar, nothing, (AVATAR, HEAD), lambda: head() is not None),
    "build": Picture(new_avatar, nothing, (AVATAR, "SEMBLANCE_PT_build"), half_built, 330),
    "viewport": Picture(open_demo, viewport, (FACE, *SLIDERS, RENDER)),
    "animate": Picture(open_demo, animate, (FACE, TAKES, "SEMBLANCE_PT_driving")),
    "beyond": Picture(open_demo, beyond, ("SEMBLANCE_PT_beyond", HEAD)),
    "head_in_3d_view": Picture(open_demo, head_in_3d_view, (HEAD, RENDER)),
    "sequence": Picture(open_demo, sequence, ()),
}


def view_area():
    """The window's 3D view."""
    return next(each for each in here.window_manager.windows[0].screen.areas if each.type == "VIEW_3D")


def register_with(panels: tuple[str, ...]) -> None:
    """Register this checkout's add-on with only these panels open."""
    folder = Path(tempfile.mkdtemp())
    (folder / "semblance").symlink_to(Path(__file__).resolve().parent.parent, target_is_directory=True)
    sys.path.insert(0, str(folder))
    import semblance
    from semblance.blender_addon import modules

    for module in modules():
        for each in getattr(module, "CLASSES", ()):
            if each.__name__.startswith("SEMBLANCE_PT_"):
                closed = {"DEFAULT_CLOSED"} if each.__name__ not in panels else set()
                each.bl_options = (getattr(each, "bl_options", set()) - {"DEFAULT_CLOSED"}) | closed
    semblance.register()


def take(out: Path) -> None:
    """Save what the screen shows as a WebP file. (Blender's own screenshots are black with some drivers.)"""
    sizes = ["-resize", f"{WIDTH}x", "-quality", str(QUALITY)]
    subprocess.run(["import", "-window", "root", *sizes, str(out)], check=True)


def main() -> None:
    """Take the picture that the command line names, then end Blender."""
    name, demo, out = sys.argv[sys.argv.index("--") + 1 :]
    picture = PICTURES[name]
    os.environ.setdefault("SEMBLANCE_HOME", str(Path(demo, "home")))
    here.preferences.view.show_splash = False
    register_with(picture.panels)
    waited = 0.0

    def scroll() -> None:
        area = view_area()
        region = next(each for each in area.regions if each.type == "UI")
        with here.temp_override(window=here.window_manager.windows[0], area=area, region=region):
            ops.view2d.scroll_down(deltay=picture.scrolled)

    def look() -> float | None:
        nonlocal waited
        waited += SECONDS_BETWEEN_LOOKS
        if not picture.ready() and waited < MOST_SECONDS:
            return SECONDS_BETWEEN_LOOKS
        arrange()
        bpy.app.timers.register(end, first_interval=SECONDS_TO_DRAW)
        return None

    def end() -> None:
        take(Path(out, f"{name}.webp").absolute())
        os._exit(0)  # nothing here is to be saved

    def arrange() -> None:
        with here.temp_override(window=here.window_manager.windows[0]):
            picture.arrange()
        if picture.scrolled:
            scroll()

    def begin() -> None:
        picture.begin(Path(demo).absolute())
        bpy.app.timers.register(look, first_interval=SECONDS_BETWEEN_LOOKS, persistent=True)

    bpy.app.timers.register(begin, first_interval=2.0)


if __name__ == "__main__":
    main()
