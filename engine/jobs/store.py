# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's jobs in SQLite: they outlive the engine."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...common.errors import UserError
from ...protocol.jobs import JobKind
from ...protocol.messages import Job, JobState

VERSION = 1
"""Version of the table, kept in the database's `user_version`."""
TABLE = (
    "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, created REAL, revision INTEGER,"
    " worker INTEGER, attempts INTEGER, picture TEXT, job TEXT)"
)
WRITE = (
    "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision,"
    " worker = excluded.worker, attempts = excluded.attempts, picture = excluded.picture, job = excluded.job"
)


@dataclass(frozen=True)
class Record:
    """A job and what only the engine knows of it.

    Attributes:
        job: what Blender sees.
        revision: grows with every change.
        worker: process number of its worker; 0 when it has none.
        attempts: how often a worker was started for it.
        picture: path of its preview; empty when there is none.
    """

    job: Job
    revision: int = 0
    worker: int = 0
    attempts: int = 0
    picture: str = ""


class JobStore:
    """Jobs on disk. Every call is short; `changed` is told after each change."""

    def __init__(self, path: Path, changed: Callable[[], None] = lambda: None) -> None:
        """Open or make the database.

        Raises:
            UserError: the file is damaged, or from a newer Semblance.
        """
        self._path, self._changed = path, changed
        try:
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise UserError(f"The list of jobs {path} is from a newer Semblance; update Semblance to use it.")
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(TABLE)
            self._database.execute(f"PRAGMA user_version={VERSION}")
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"The list of jobs {path} cannot be opened ({error}); move it away and try again."
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def add(self, kind: JobKind, parameters: dict[str, Any]) -> Record:
        """Queue a job and return it."""
        name = secrets.token_hex(6)
        now = time.time()
        record = Record(Job(name, kind, JobState.QUEUED, parameters, created=now, turn=now))
        self._write(record)
        return record

    def get(self, name: str) -> Record | None:
        """The job with this id; None when there is none."""
        rows = self._read("WHERE id = ?", name)
        return rows[0] if rows else None

    def all(self) -> list[Record]:
        """Every job, newest first."""
        return self._read("ORDER BY created DESC, rowid DESC")

    def newest(self, most: int) -> list[Record]:
        """So many of the jobs at most, newest first."""
        return self._read("ORDER BY created DESC, rowid DESC LIMIT ?", most)

    def in_state(self, *states: JobState) -> list[Record]:
        """The jobs in one of these states, in the order of their turns: oldest first, unless that was changed."""
        marks = ", ".join("?" * len(states))
        turn = "coalesce(nullif(json_extract(job, '$.turn'), 0), created)"  # earlier versions wrote none
        return self._read(f"WHERE json_extract(job, '$.state') IN ({marks}) ORDER BY {turn}, rowid", *states)

    def update(
        self,
        name: str,
        *,
        worker: int | None = None,
        attempts: int | None = None,
        picture: str | None = None,
        **changes: Any,
    ) -> Record:
        """Change fields of a job (those of `Job`, and those of `Record` by name) and return it."""
        record = self.get(name)
        assert record is not None, f"no job {name}"
        record = Record(
            job=replace(record.job, **changes),
            revision=record.revision + 1,
            worker=record.worker if worker is None else worker,
            attempts=record.attempts if attempts is None else attempts,
            picture=record.picture if picture is None else picture,
        )
        self._write(record)
        return record

    def remove(self, name: str) -> None:
        """Forget a job."""
        with disk_not_full(self._path):
            self._database.execute("DELETE FROM jobs WHERE id = ?", (name,))
        self._changed()

    def _write(self, record: Record) -> None:
        job, text = record.job, json.dumps(record.job.to_json())
        row = (job.id, job.created, record.revision, record.worker, record.attempts, record.picture, text)
        with disk_not_full(self._path):
            self._database.execute(WRITE, row)
        self._changed()

    def _read(self, condition: str, *values: Any) -> list[Record]:
        rows = self._database.execute(f"SELECT job, revision, worker, attempts, picture FROM jobs {condition}", values)
        return [Record(Job.from_json(json.loads(row[0])), *row[1:]) for row in rows.fetchall()]


@contextmanager
def disk_not_full(path: Path) -> Iterator[None]:
    """Turn SQLite's error for a full disk into a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "full" not in str(error):
            raise
        raise UserError(f"The disk is full: {path} was not written; free some space and try again.") from error
