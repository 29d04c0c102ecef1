# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of engines on other machines, kept by the system's keyring; where there is none, in a file that only this
user may read. No bpy, and nothing here waits.

What talks to the keyring are the system's own tools: `secret-tool` (GNOME, KDE), `security` (macOS), and Windows'
Credential Manager. Tokens reach them by standard input wherever others could list the words of a command.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.files import write_privately
from ...protocol.address import is_token
from ..words import translated
from . import windows_credentials

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SERVICE = "Semblance engine"
FILE = "engine_tokens.json"
SECONDS_TO_UNLOCK = 60.0
"""For which a keyring may ask its user for a password."""

_known: dict[tuple[Path, str], str] = {}
"""Tokens that were looked up or kept since Blender began, by home and URL."""


def keyring() -> str:
    """What this system's keyring is called; empty where there is none."""
    if sys.platform == "win32":
        return "Windows Credential Manager"
    if sys.platform == "darwin":
        return "macOS Keychain" if shutil.which("security") else ""
    return "keyring of this system" if shutil.which("secret-tool") else ""


def keeping(home: Path, url: str, token: str) -> Generator[str, None, str]:
    """Keep the token of an engine; returns where, for a sentence.

    Raises:
        UserError: no token can have such characters, or it cannot be kept.
    """
    token = token.strip()
    if not token or not is_token(token):
        raise UserError(
            "The token holds characters that no token has, or none; copy it anew from engine.json in the engine's home."
        )
    _known[home, url] = token
    if keyring() and (yield from kept_by_keyring(url, token)):
        write(home, {known: text for known, text in read(home).items() if known != url})
        return keyring()
    write(home, {**read(home), url: token})
    return translated("file {file}, which only you may read", file=home / FILE)


def finding(home: Path, url: str) -> Generator[str, None, str]:
    """Find the token of an engine; returns it, empty where none is kept."""
    if (home, url) not in _known:
        token = read(home).get(url, "")
        if not token and keyring():
            token = yield from found_in_keyring(url)
        if not token:
            return ""
        _known[home, url] = token
    return _known[home, url]


def kept_by_keyring(url: str, token: str) -> Generator[str, None, bool]:
    """Have the keyring keep a token; returns whether it did."""
    if sys.platform == "win32":
        return windows_credentials.keep(f"{SERVICE} {url}", token)
    if sys.platform == "darwin":  # its interactive mode reads commands from standard input
        words = f'add-generic-password -U -s "{SERVICE}" -a "{url}" -w "{token}"\n'.replace("$", "\\$")
        return (yield from answered(["security", "-i"], words)) is not None and bool(
            (yield from found_in_keyring(url)) == token
        )
    words = ["secret-tool", "store", f"--label={SERVICE} {url}", "service", SERVICE, "url", url]
    return (yield from answered(words, token)) is not None


def found_in_keyring(url: str) -> Generator[str, None, str]:
    """The token that the keyring has; empty for none."""
    if sys.platform == "win32":
        return windows_credentials.find(f"{SERVICE} {url}")
    if sys.platform == "darwin":
        words = ["security", "find-generic-password", "-s", SERVICE, "-a", url, "-w"]
    else:
        words = ["secret-tool", "lookup", "service", SERVICE, "url", url]
    return ((yield from answered(words, "")) or "").strip()


def answered(command: list[str], said: str) -> Generator[str, None, str | None]:
    """Run one of the system's tools, yielding until it has ended; returns what it printed, None where it failed."""
    try:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return None
    began = time.monotonic()
    try:
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.write(said)
            process.stdin.close()
        while process.poll() is None:
            if time.monotonic() - began > SECONDS_TO_UNLOCK:
                return None
            yield "Asking the system's keyring"
        assert process.stdout is not None
        return process.stdout.read() if process.returncode == 0 else None
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def read(home: Path) -> dict[str, str]:
    """The tokens in the file, by URL."""
    with suppress(OSError, ValueError):
        said = json.loads((home / FILE).read_text(encoding="utf-8"))
        if isinstance(said, dict):
            return {str(url): token for url, token in said.items() if isinstance(token, str) and is_token(token)}
    return {}


def write(home: Path, tokens: dict[str, str]) -> None:
    """Write the file; without tokens, there is none."""
    if tokens:
        write_privately(home / FILE, json.dumps(tokens))
    else:
        (home / FILE).unlink(missing_ok=True)
