"""Who may look into the emulator and turn its knobs: programs, and its own page, but no page of somebody else.

A page from anywhere can send requests to this machine from the browser of whoever reads it, and give the emulator's
address a name of its own. Both betray themselves by a header that no page can change.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def refusal(headers: Mapping[str, str], names: Collection[str]) -> str | None:
    """Return why a request must not be answered, nothing if it may.

    Args:
        headers: Of the request.
        names: The names by which the emulator is known, beside `localhost` and addresses of digits.
    """
    host = headers.get("Host", "")
    if not is_known(urlsplit(f"//{host}").hostname or "", names):
        return f"the emulator is not called {host!r}; public_host gives it a name"
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return f"a page of {origin} may not do that"
    if headers.get("Sec-Fetch-Site") == "cross-site":
        return "a page of another site may not do that"
    return None


def is_known(host: str, names: Collection[str]) -> bool:
    """Say whether a host is this emulator; addresses of digits are, for nobody can take one for a name of theirs."""
    if host in names or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
