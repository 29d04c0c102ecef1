# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows' Credential Manager: short secrets that Windows keeps for its user. On other systems it keeps nothing."""

from __future__ import annotations

import ctypes
from typing import Any

GENERIC, ON_THIS_MACHINE = 1, 2


class Credential(ctypes.Structure):
    """`CREDENTIALW` of wincred.h."""

    _fields_ = (
        ("flags", ctypes.c_uint32),
        ("kind", ctypes.c_uint32),
        ("target", ctypes.c_wchar_p),
        ("comment", ctypes.c_wchar_p),
        ("written", ctypes.c_uint64),
        ("size", ctypes.c_uint32),
        ("blob", ctypes.c_void_p),
        ("persist", ctypes.c_uint32),
        ("attribute_count", ctypes.c_uint32),
        ("attributes", ctypes.c_void_p),
        ("alias", ctypes.c_wchar_p),
        ("user", ctypes.c_wchar_p),
    )


def library() -> Any:
    """The system's library; None elsewhere."""
    loader = getattr(ctypes, "WinDLL", None)
    return loader("advapi32") if loader else None


def keep(name: str, secret: str) -> bool:
    """Keep a secret under a name; tell whether that was done."""
    system = library()
    if system is None:
        return False
    data = secret.encode()
    buffer = ctypes.create_string_buffer(data, len(data))
    credential = Credential(
        kind=GENERIC,
        target=name,
        size=len(data),
        blob=ctypes.cast(buffer, ctypes.c_void_p),
        persist=ON_THIS_MACHINE,
        user="semblance",
    )
    return bool(system.CredWriteW(ctypes.byref(credential), 0))


def find(name: str) -> str:
    """The secret of a name; empty for none."""
    system = library()
    found = ctypes.POINTER(Credential)()
    if system is None or not system.CredReadW(ctypes.c_wchar_p(name), GENERIC, 0, ctypes.byref(found)):
        return ""
    try:
        return ctypes.string_at(found.contents.blob, found.contents.size).decode("utf-8", "replace")
    finally:
        system.CredFree(found)
