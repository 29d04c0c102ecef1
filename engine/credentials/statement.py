# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest states of a film or picture: a trained model made it, this avatar, with this driver.

An avatar file itself is not signed. It says in plain words where it comes from (`AvatarMetadata.provenance`), and every
manifest names the SHA-256 of the avatar that it was made with: whoever has both can tell that they belong together. A
signature in the avatar would come from a key that anybody can make in a second, and that whoever changed the record
could make too; it would look like a proof of consent, which only people can give. Nor does C2PA have a place for a
manifest inside a safetensors file; one beside it would be lost when the file is passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...neural.avatar_file import file_sha256, read_metadata
from ...neural.versions import own_version

if TYPE_CHECKING:
    from pathlib import Path

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SYNTHETIC, COMPOSITE = f"{SOURCE_TYPES}trainedAlgorithmicMedia", f"{SOURCE_TYPES}compositeWithTrainedAlgorithmicMedia"
"""IPTC's terms for what a trained model made, alone or together with filmed pictures."""
PROVENANCE = "semblance.provenance"
"""Label of our own assertion: the avatar's provenance and the driver, as `Statement.provenance` has them."""
DRIVER = "driver"
"""What the manifest's actions call the ingredient."""


@dataclass(frozen=True)
class Statement:
    """What is stated.

    Attributes:
        composite: filmed pictures are seen too: a plate under the avatar, the driver beside it.
        provenance: of the avatar (`name`, `sha256`, and the fields of `Provenance`) and of the driver (`name`,
            `sha256`; None where there is none). JSON values.
        driver: a file to be noted as an ingredient; None where there is none.
    """

    composite: bool
    provenance: dict[str, Any]
    driver: Path | None = None

    def manifest(self, title: str, driver_named: bool) -> dict[str, Any]:
        """The manifest of a file called `title`, as C2PA's library takes it.

        `driver_named` tells whether the ingredient `DRIVER` will be added.
        """
        maker = {"name": "Semblance", "version": own_version() or "unknown"}
        made: dict[str, Any] = {
            "action": "c2pa.created",
            "digitalSourceType": COMPOSITE if self.composite else SYNTHETIC,
            "softwareAgent": maker,
        }
        if driver_named:
            made["parameters"] = {"ingredientIds": [DRIVER]}
        return {
            "title": title,
            "claim_generator_info": [maker],
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": [made]}},
                {"label": PROVENANCE, "data": self.provenance},
            ],
        }


def statement_of(avatar: Path, driver: Path | None, *, composite: bool = False) -> Statement:
    """Return what is to be stated of what `avatar` did when `driver` (a file, or a dataset's folder) drove it.

    Raises:
        UserError: the avatar is missing or damaged.
    """
    said = read_metadata(avatar)
    of_avatar = {"name": avatar.name, "sha256": file_sha256(avatar), "kind": said.kind}
    of_avatar |= said.provenance.model_dump(mode="json")
    is_file = driver is not None and driver.is_file()
    of_driver = driver and {"name": driver.name, "sha256": file_sha256(driver) if is_file else ""}
    return Statement(composite, {"avatar": of_avatar, "driver": of_driver}, driver if is_file else None)
