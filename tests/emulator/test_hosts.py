"""Requests with the host name of another site are rejected, because its pages could use DNS rebinding."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator
from twelvelabs_async.emulator._net import host_rejection


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:80", True),
        ("localhost", True),
        ("api.localhost:80", True),
        ("[::1]:80", True),
        ("192.168.0.1", True),
        ("emulator.test:80", True),
        ("EMULATOR.test", True),
        (None, True),
        ("", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example@localhost.evil.example", False),
        ("[evil", False),
        ("localhost:80:80", True),
    ],
)
def test_only_own_hosts_are_allowed(host: str | None, allowed: bool) -> None:  # noqa: FBT001
    assert (host_rejection(host, ("emulator.test",)) is None) is allowed


async def test_another_host_is_rejected_on_every_path(emulator: Emulator) -> None:
    origin = emulator.base_url.removesuffix("/v1.3")
    paths = [
        f"{origin}/v1.3/indexes",
        f"{origin}/v1.3/nothing",
        f"{origin}/",
        f"{origin}/_emulator/",
        f"{origin}/_emulator/state",
        f"{emulator.storage_url}/files/{'0' * 24}",
        f"{emulator.storage_url}/",
    ]
    headers = {"Host": "evil.example", "x-api-key": emulator.api_key}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in paths:
            async with session.get(path) as response:
                assert response.status == 403, path
                assert "evil.example" in (await response.json())["message"]
    assert len(emulator.requests) == 0


async def test_a_page_of_another_site_may_use_the_api(emulator: Emulator) -> None:
    """An application under development is served from another port."""
    headers = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site", "x-api-key": emulator.api_key}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{emulator.base_url}/indexes") as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize("name", ["a b", "a/b", "user@host", ""])
def test_a_public_host_must_be_a_host(name: str) -> None:
    with pytest.raises(ValueError, match="public_host must be a host name or an address"):
        Emulator(public_host=name)


async def test_the_public_host_is_allowed(serve: Callable[..., Awaitable[Emulator]]) -> None:
    emulator = await serve(public_host="Emulator.test")
    port = emulator.base_url.rpartition(":")[2]
    headers = {"Host": "emulator.test", "x-api-key": emulator.api_key}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"http://127.0.0.1:{port}/indexes") as response,
    ):
        assert response.status == 200
