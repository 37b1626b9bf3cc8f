"""Which addresses stay within this machine."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Say whether other machines cannot be reached by this name, nor reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
