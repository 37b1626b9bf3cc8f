"""A database that vanishes is not waited for longer than somebody said."""

from __future__ import annotations

import pytest

conninfo = pytest.importorskip("psycopg.conninfo")
connecting = pytest.importorskip("twelvelabs_async.ingest.connecting")


def test_every_wait_has_a_bound() -> None:
    found = conninfo.conninfo_to_dict(connecting.bounded("postgresql://anna@db.example/videos"))
    assert (found["user"], found["host"], found["dbname"]) == ("anna", "db.example", "videos")
    assert {name: int(found[name]) for name in connecting.BOUNDS} == connecting.BOUNDS


def test_what_was_said_holds() -> None:
    found = conninfo.conninfo_to_dict(connecting.bounded("postgresql://db.example/videos?connect_timeout=3"))
    assert (found["connect_timeout"], found["tcp_user_timeout"]) == ("3", "10000")


@pytest.mark.parametrize("url", ["postgresql://[::1/videos", "postgresql://db/videos?colour=red"])
def test_an_address_that_is_none_is_left_to_whoever_connects(url: str) -> None:
    assert connecting.bounded(url) == url
