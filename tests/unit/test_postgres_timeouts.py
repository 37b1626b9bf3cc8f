"""URLs and timeouts of connections to PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from twelvelabs_async import InvalidInputError, LedgerError, workers
from twelvelabs_async.ingest._ledger_argument import is_database, resolve_ledger

conninfo = pytest.importorskip("psycopg.conninfo")
postgres = pytest.importorskip("twelvelabs_async.ingest._postgres")


def test_every_wait_for_the_database_has_a_timeout() -> None:
    parameters = conninfo.conninfo_to_dict(postgres.with_connection_timeouts("postgresql://anna@db.example/videos"))
    assert (parameters["user"], parameters["host"], parameters["dbname"]) == ("anna", "db.example", "videos")
    assert {name: int(parameters[name]) for name in postgres.CONNECTION_TIMEOUTS} == postgres.CONNECTION_TIMEOUTS


def test_a_timeout_in_the_url_is_kept() -> None:
    parameters = conninfo.conninfo_to_dict(
        postgres.with_connection_timeouts("postgresql://db.example/videos?connect_timeout=3")
    )
    assert (parameters["connect_timeout"], parameters["tcp_user_timeout"]) == ("3", "10000")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://[::1/videos",
        "postgresql://db/videos?colour=secret",
        "postgresql://anna:secret%zz@db/videos",
        "postgresql://anna:se@secret@db/videos",
        "postgresql://anna:secret/word@db/videos",
        "postgresql://anna:1/secret@db/videos",
        "host=db port=secret",
        "host=db password='secret",
    ],
)
def test_an_invalid_url_is_rejected_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInputError, match="percent-encoded") as caught:
        postgres.with_connection_timeouts(url)
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize("url", ["mysql://anna:secret@db/videos", "PostgreSQL+psycopg://anna:secret@db/videos"])
def test_a_ledger_url_with_an_unsupported_scheme_is_rejected(url: str) -> None:
    with pytest.raises(InvalidInputError, match="got a URL with") as caught:
        resolve_ledger(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        ("host=db dbname=videos password=secret", True),
        (" dbname = videos", True),
        ("postgres://db/videos", True),
        ("holiday.ledger", False),
        ("camera=3.ledger", False),
        ("./host=db", False),
    ],
)
def test_a_database_is_distinguished_from_a_path(ledger: str, expected: bool) -> None:  # noqa: FBT001  # a parametrized value
    assert is_database(ledger) is expected


async def test_the_proactor_event_loop_is_rejected_before_a_connection_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asyncio, "ProactorEventLoop", type(asyncio.get_running_loop()), raising=False)
    ledger = pytest.importorskip("twelvelabs_async.ingest.postgres_ledger").PostgresLedger("postgresql://h/videos")
    for operation in (ledger.open, ledger.exists, lambda: workers.retry_stalled("postgresql://h/videos")):
        with pytest.raises(LedgerError, match="SelectorEventLoop"):
            await operation()
