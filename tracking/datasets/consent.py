# SPDX-License-Identifier: GPL-3.0-or-later
"""What the person in a dataset agreed to: noted beside the dataset, carried by every avatar that is built on it.

It is a file of its own: what a training goes by stays as it was, and so an interrupted one goes on when the record
comes later.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.file_format import FileFormat
from ...common.files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = FileFormat("semblance-consent", 1)
FILE = "consent.json"


@dataclass(frozen=True)
class Consent:
    """A record of consent.

    Attributes:
        words: what was agreed to, in the words in which it was stated; empty where nothing was.
        by: who stated it; empty where that was not said.
        purpose: what for; empty where that was not said apart from the words.
        date: when it was noted, ISO 8601, UTC; set by `note_consent`.
    """

    words: str = ""
    by: str = ""
    purpose: str = ""
    date: str = ""


NO_CONSENT = Consent()


def note_consent(folder: Path, consent: Consent) -> None:
    """Note a record beside the dataset in `folder`, with the date unless it has one; the same words keep their date.

    Raises:
        UserError: an earlier record is damaged, or the disk is full.
    """
    before = read_consent(folder)
    if (before.words, before.by, before.purpose) == (consent.words, consent.by, consent.purpose):
        return
    said = asdict(consent) | {"date": consent.date or datetime.now(UTC).isoformat(timespec="seconds")}
    with written_whole(folder / FILE) as partial:
        partial.write_text(json.dumps({**FORMAT.header, **said}, indent=1, ensure_ascii=False), encoding="utf-8")


def read_consent(folder: Path) -> Consent:
    """Return the record beside the dataset in `folder`; `NO_CONSENT` where there is none.

    Raises:
        UserError: it is damaged, or was written by a newer version.
    """
    path = folder / FILE
    damaged = f"The record of consent {path} is damaged; remove it and state the consent again."
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return NO_CONSENT
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(damaged) from error
    newer = f"{path} was written by a newer Semblance; update Semblance to read it."
    FORMAT.version_in(header, foreign=damaged, newer=newer, damaged=damaged)
    values = [header.get(name, "") for name in asdict(NO_CONSENT)]
    if not all(isinstance(value, str) for value in values):
        raise UserError(damaged)
    return Consent(*values)
