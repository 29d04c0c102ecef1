# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracking dataset: a folder that is all that training needs.

Layout (the original StyleAvatar preprocessing folder, plus two files)::

    image/000001.jpg   RGB, the crop enlarged 1.5 times: `image_size` pixels square
    back/000001.png    matte, grey, 0 background to 255 foreground, same window and size
    uv/000001.png      UV map of the central window, `MAP_SIZE` square, 16 bit a channel: R=u, G=v, B=mask
    render/000001.png  texture map of the central window, 8 bit RGB
    performance.npz    one frame per picture, in the same order
    dataset.json       this description

In the layout "styleavatar" all pictures are PNG of 8 bits a channel, and `id.txt` and `exp.txt` say who it is: the
original code trains on it. A folder that the original wrote lacks the last two files and is a dataset all the same.
"""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ...common.errors import UserError
from ...common.file_format import FileFormat
from ...common.files import written_whole
from ..performances.maps import MAP_SIZE
from ..performances.performance import Performance
from . import original_layout

FORMAT = FileFormat("semblance-dataset", 1)
ENLARGED = 1.5
"""The images show this many times the central window, for the sliding window (Sec. 3.1)."""


class Layout(enum.StrEnum):
    """How a dataset keeps its pictures: small and deep, or as the original code reads them."""

    SEMBLANCE = "semblance"
    STYLEAVATAR = "styleavatar"


@dataclass(frozen=True)
class Dataset:
    """A tracking dataset on disk.

    Attributes:
        folder: where it lies.
        size: pixels of the central window's side; images are `size * 1.5`.
        names: stem of each frame ("000001"), aligned with the performance's frames.
        sound: path of a file with the footage's sound; empty when it has none.
        layout: how the pictures are kept.
    """

    folder: Path
    size: int
    names: tuple[str, ...]
    sound: str = ""
    layout: Layout = Layout.SEMBLANCE

    @property
    def image_size(self) -> int:
        """Side of the enlarged images in pixels."""
        return round(self.size * ENLARGED)

    @property
    def description(self) -> Path:
        """The file that is as old as the dataset's contents."""
        return self.folder / (original_layout.IDENTITY_FILE if self.is_foreign else "dataset.json")

    @property
    def performance_file(self) -> Path:
        """The file of the performance, which a foreign folder lacks."""
        return self.folder / "performance.npz"

    @property
    def is_foreign(self) -> bool:
        """True where the original code wrote the folder: its motion is not known."""
        return not self.performance_file.is_file() and original_layout.is_original(self.folder)

    def performance(self) -> Performance:
        """The performance that belongs to the frames; the person at rest where the folder is foreign.

        Raises:
            UserError: it is missing or damaged.
        """
        if self.is_foreign:
            return original_layout.person_at_rest(self.folder, len(self.names), self.size)
        return Performance.load(self.performance_file)

    def image(self, name: str) -> Path:
        """Path of a footage picture."""
        return self.folder / "image" / f"{name}.{'jpg' if self.layout is Layout.SEMBLANCE else 'png'}"

    def matte(self, name: str) -> Path:
        """Path of a matte."""
        return self.folder / "back" / f"{name}.png"

    def uv_map(self, name: str) -> Path:
        """Path of a UV map."""
        return self.folder / "uv" / f"{name}.png"

    def texture_map(self, name: str) -> Path:
        """Path of a texture map."""
        return self.folder / "render" / f"{name}.png"

    def save(self) -> None:
        """Write `dataset.json`: the last file of a dataset, whose presence says that the rest is whole.

        Raises:
            UserError: the disk is full.
        """
        description = {**FORMAT.header, **asdict(self)}
        del description["folder"]
        with written_whole(self.folder / "dataset.json") as partial:
            partial.write_text(json.dumps(description, indent=1), encoding="utf-8")

    @classmethod
    def open(cls, folder: str | Path) -> Dataset:
        """Open a dataset folder.

        Raises:
            UserError: the folder is no dataset, is unfinished or comes from a newer version.
        """
        folder = Path(folder)
        damaged = f"{folder / 'dataset.json'} is damaged; run `semblance track` again."
        try:
            description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            if original_layout.is_original(folder):
                return cls.of_original(folder)
            raise UserError(f"{folder} is not a finished dataset; run `semblance track` to make one.") from None
        except ValueError:
            raise UserError(damaged) from None
        FORMAT.version_in(
            description,
            foreign=f"{folder} is not a Semblance dataset.",
            newer=f"{folder} was written by a newer Semblance; update Semblance to read it.",
            damaged=damaged,
        )
        layout = Layout(description.get("layout", Layout.SEMBLANCE))
        return cls(folder, int(description["size"]), tuple(description["names"]), description["sound"], layout)

    @classmethod
    def of_original(cls, folder: Path) -> Dataset:
        """Open a folder that the original StyleAvatar preprocessing wrote.

        Raises:
            UserError: a picture is missing, or the pictures do not show the enlarged window.
        """
        names = original_layout.frame_names(folder)
        side = original_layout.image_side(folder, names[0])
        size = round(side / ENLARGED)
        if size % MAP_SIZE:
            raise UserError(
                f"The pictures in {folder / 'image'} are {side} pixels wide and do not show the window enlarged; run "
                f"the original preprocessing with a crop size of {round(1024 * ENLARGED)}."
            )
        return cls(folder, size, names, layout=Layout.STYLEAVATAR)
