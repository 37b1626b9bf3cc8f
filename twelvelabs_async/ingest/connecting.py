"""How to reach a database that may go away without a word."""

from __future__ import annotations

from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

BOUNDS: Final = {
    "connect_timeout": 10,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""By the names of libpq, in seconds, but `tcp_user_timeout` in milliseconds.

Without them a connection whose peer has vanished is waited for as long as the system sees fit, which may be hours.
"""


def bounded(url: str) -> str:
    """Return where the database is, with a bound for each wait of which that says nothing."""
    try:
        return make_conninfo("", **{**BOUNDS, **conninfo_to_dict(url)})
    except ProgrammingError:
        return url  # whoever connects says what is wrong with it
