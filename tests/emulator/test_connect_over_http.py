"""Connections to storage providers that are created over HTTP, for programs in other languages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
Connect = Callable[[dict[str, Any]], Awaitable[tuple[int, Any]]]


@pytest.fixture
def connect_account(emulator: Emulator, session: aiohttp.ClientSession) -> Connect:
    url = emulator.base_url.removesuffix("/v1.3") + "/_emulator/connections"

    async def send(body: dict[str, Any]) -> tuple[int, Any]:
        async with session.post(url, json=body) as response:
            return response.status, await response.json()

    return send


async def test_files_of_an_account_that_was_connected_over_http_are_imported(
    call: SendRequest, connect_account: Connect
) -> None:
    status, created = await connect_account({"files": {"film": "film.mp4"}, "custom_id": "me"})
    assert status == 201
    path = f"/connections/{created['connection_id']}"
    assert (await call("GET", path))[1]["custom_id"] == "me"
    status, imported = await call(
        "POST", f"{path}/imports", json={"items": [{"source_id": "film"}, {"source_id": "song"}]}
    )
    assert (status, [item["action"] for item in imported["items"]]) == (202, ["created", "rejected"])


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://app.example.com/done", 200),
        ("http://localhost:3000/done?a=b", 200),
        ("com.example.app:/done", 200),
        ("done", 400),
        ("app.example.com/done", 400),
        ("https://app.example.com/a b", 400),
    ],
)
async def test_a_redirect_uri_must_be_a_uri(call: SendRequest, uri: str, expected: int) -> None:
    body = {"provider": "google_drive", "redirect_uri": uri}
    assert (await call("POST", "/connections:authorize", json=body))[0] == expected


async def test_a_connection_over_http_may_be_unusable(call: SendRequest, connect_account: Connect) -> None:
    _, created = await connect_account({"status": "expired"})
    status, error = await call("POST", f"/connections/{created['connection_id']}/picker-token")
    assert (status, error["code"]) == (409, "connection_not_active")


@pytest.mark.parametrize("body", [{"status": "lost"}, {"provider": "dropbox"}, {"files": ["film"]}, {"name": "a"}])
async def test_an_invalid_connection_over_http_is_rejected(connect_account: Connect, body: dict[str, Any]) -> None:
    status, error = await connect_account(body)
    assert status == 400
    assert error["error"]
