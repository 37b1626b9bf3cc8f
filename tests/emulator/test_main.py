"""Somebody starts and stops the emulator, from a shell or from a program."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator


@asynccontextmanager
async def running(*arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    command = (sys.executable, "-W", "error", "-m", "twelvelabs_async.emulator", *arguments)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


@pytest.mark.skipif(sys.platform == "win32", reason="these signals are not sent there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_tells_its_address_and_stops_when_told(number: signal.Signals) -> None:
    async with running("--port", "0", "--api-key", "sesame", "--plan", "free", "--seed", "1") as process:
        url, key = await line(process), await line(process)
        assert url.endswith("/v1.3")
        assert key == "sesame"
        assert await line(process) == f"to look inside: {url.removesuffix('/v1.3')}/_emulator/"
        async with aiohttp.ClientSession(headers={"x-api-key": key}) as session:
            async with session.get(f"{url}/indexes") as response:
                assert response.status == 200
            process.send_signal(number)
            _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")


async def test_the_command_refuses_to_be_seen_from_outside() -> None:
    async with running("--host", "0.0.0.0") as process:  # noqa: S104
        _, errors = await process.communicate()
        assert process.returncode
        assert b"allow_remote" in errors


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com", "192.168.0.1"])  # noqa: S104
async def test_other_machines_stay_out_unless_allowed(host: str) -> None:
    with pytest.raises(ValueError, match="allow_remote"):
        Emulator(host=host)
    Emulator(host=host, allow_remote=True)


async def test_addresses_are_known_after_the_start_only() -> None:
    emulator = Emulator()
    with pytest.raises(RuntimeError):
        _ = emulator.base_url
    async with emulator:
        assert emulator.base_url.startswith("http://127.0.0.1:")
        assert emulator.storage_url.split(":")[-1] != emulator.base_url.split(":")[-1].split("/")[0]
        with pytest.raises(RuntimeError):
            await emulator.start()
    with pytest.raises(RuntimeError):
        _ = emulator.storage_url


async def test_a_port_that_is_taken_leaves_nothing_open() -> None:
    async with Emulator() as first:
        port = int(first.storage_url.rpartition(":")[2])
        second = Emulator(storage_port=port)
        with pytest.raises(OSError, match="address"):
            await second.start()
        with pytest.raises(RuntimeError):
            _ = second.base_url


async def test_the_state_survives_a_restart(
    restart: Callable[[], Awaitable[Callable[..., Awaitable[tuple[int, object]]]]],
    make_index: Callable[..., Awaitable[str]],
) -> None:
    index = await make_index()
    call = await restart()
    assert (await call("GET", f"/indexes/{index}"))[0] == 200


async def test_stopping_twice_is_no_mistake(
    call: Callable[..., Awaitable[tuple[int, object]]], emulator: Emulator
) -> None:
    assert (await call("GET", "/indexes"))[0] == 200
    await emulator.stop()
    await emulator.stop()
    with pytest.raises(aiohttp.ClientError):
        await call("GET", "/indexes")


async def test_addresses_can_name_another_host() -> None:
    async with Emulator(public_host="emulator.test") as emulator:
        assert emulator.base_url.startswith("http://emulator.test:")
        assert emulator.storage_url.startswith("http://emulator.test:")
