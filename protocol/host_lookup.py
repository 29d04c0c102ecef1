# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks up the addresses of a host without waiting: the system's own way waits, for seconds where no answer comes."""

from __future__ import annotations

import ipaddress
import socket
import threading

Place = tuple[int, int, int, str, tuple[str, int]]
"""An address as `socket.getaddrinfo` gives it."""


class Lookup:
    """The addresses to try for a host.

    Attributes:
        ended: set once they are known, or known not to be.
    """

    def __init__(self, host: str, port: int) -> None:
        self.ended = threading.Event()
        self._host, self._port = host, port
        self._found: list[Place] = []
        self._trouble: OSError | None = None
        if is_at_hand(host):
            self._look_up()
        else:
            threading.Thread(target=self._look_up, daemon=True).start()

    def found(self) -> list[Place]:
        """The addresses, after the end. Raises OSError when the name cannot be looked up or be one."""
        if self._trouble is not None:
            raise self._trouble
        return self._found

    def _look_up(self) -> None:
        try:
            self._found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)  # type: ignore[assignment]
        except UnicodeError:
            self._trouble = OSError(f"{self._host} is no name of a machine")
        except OSError as error:
            self._trouble = error
        self.ended.set()


def is_at_hand(host: str) -> bool:
    """Tell whether a host's address is known without asking anybody."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
