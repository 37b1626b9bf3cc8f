"""Starting and stopping the emulator, as a process and in Python."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import aiohttp
import httpx
import pytest
from processes import PIPE, start_process

from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.emulator.__main__ import main


@asynccontextmanager
async def run_emulator(*arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    command = (sys.executable, "-W", "error", "-m", "twelvelabs_async.emulator", *arguments)
    async with start_process(*command, stdout=PIPE, stderr=PIPE) as process:
        yield process


async def read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def test_the_official_client_uploads_a_large_file_to_the_command(tmp_path: Path) -> None:
    """The official client does not send the `upload_headers` of the session."""
    twelvelabs = pytest.importorskip("twelvelabs")
    path = tmp_path / "film.mp4"
    path.write_bytes(samples.video(60, size=12 << 20))

    def upload(url: str, key: str) -> str:
        with httpx.Client() as connection:
            client = twelvelabs.TwelveLabs(base_url=url, api_key=key, httpx_client=connection)
            return str(client.assets.retrieve(client.multipart_upload.upload_file(path).asset_id).filename)

    async with run_emulator() as process:
        assert await asyncio.to_thread(upload, await read_line(process), await read_line(process)) == path.name


@pytest.mark.parametrize(("switch", "status"), [("--upload-headers", 403), ("--no-upload-headers", 200)])
async def test_an_option_controls_whether_upload_headers_are_required(switch: str, status: int) -> None:
    async with run_emulator(switch) as process:
        url, key = await read_line(process), await read_line(process)
        async with aiohttp.ClientSession(headers={"x-api-key": key}) as session:
            body = {"filename": "film.mp4", "type": "video", "total_size": 3}
            async with session.post(f"{url}/assets/multipart-uploads", json=body) as response:
                part = (await response.json())["upload_urls"][0]["url"]
            async with session.put(part, data=b"abc") as response:
                assert response.status == status


@pytest.mark.skipif(sys.platform == "win32", reason="these signals are not sent there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_prints_its_url_and_stops_on_a_signal(number: signal.Signals) -> None:
    async with run_emulator("--port", "0", "--api-key", "sesame", "--plan", "free", "--seed", "1") as process:
        url, key = await read_line(process), await read_line(process)
        assert url.endswith("/v1.3")
        assert key == "sesame"
        assert await read_line(process) == f"dashboard: {url.removesuffix('/v1.3')}/_emulator/"
        assert await read_line(process) == f"export TWELVELABS_BASE_URL={url}"
        assert [await read_line(process) for _ in range(2)] == [
            f"export {name}=sesame" for name in ("TWELVELABS_API_KEY", "TWELVE_LABS_API_KEY")
        ]
        async with aiohttp.ClientSession(headers={"x-api-key": key}) as session:
            async with session.get(f"{url}/indexes") as response:
                assert response.status == 200
            process.send_signal(number)
            _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "expected_text"),
    [
        (("--host", "0.0.0.0"), "pass --allow-remote"),  # noqa: S104
        (("--host", "nowhere.invalid", "--allow-remote"), "cannot listen on nowhere.invalid"),
        (("--host", "192.0.2.1", "--allow-remote"), "cannot listen on 192.0.2.1"),
        (("--data-dir", __file__), "test_main.py: "),
        (("--port", "{port}"), "cannot listen on port {port} of 127.0.0.1: address already in use"),
        (("--storage-port", "{port}"), "cannot listen on port {port} of 127.0.0.1"),
    ],
)
def test_a_failed_start_is_explained_in_one_line(
    arguments: tuple[str, ...], expected_text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        formatted_arguments = [argument.format(port=port) for argument in arguments]
        with pytest.raises(SystemExit) as caught:
            main(formatted_arguments)
    output, errors = capsys.readouterr()
    assert (caught.value.code, output) == (2, "")
    (message,) = errors.splitlines()
    assert expected_text.format(port=port) in message


async def test_a_failed_start_has_exit_code_2() -> None:
    command = (sys.executable, "-m", "twelvelabs_async", "emulator", "--host", "0.0.0.0")  # noqa: S104
    async with start_process(*command, stdout=PIPE, stderr=PIPE) as process:
        output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("options", [("--search", "words"), ()])
async def test_the_command_returns_hits_for_every_query_by_default(options: tuple[str, ...]) -> None:
    async with run_emulator(*options, "--timing", "immediate") as process:
        url, key = await read_line(process), await read_line(process)
        async with aiohttp.ClientSession(headers={"x-api-key": key}) as session:
            body = {"index": "films", "filename": "red.mp4"}
            async with session.post(f"{url.removesuffix('/v1.3')}/_emulator/videos", json=body) as response:
                index = (await response.json())["index_id"]
            query = aiohttp.FormData(
                {"index_id": index, "query_text": "otter", "search_options": "visual"}, default_to_multipart=True
            )
            async with session.post(f"{url}/search", data=query) as response:
                assert bool((await response.json())["data"]) is not bool(options)


@pytest.mark.parametrize("timing", ["immediate", "seconds=0", "polls=1", "asset=0,indexing=30", "realtime=0"])
async def test_an_option_of_the_command_sets_the_timing(timing: str) -> None:
    async with run_emulator("--timing", timing) as process:
        url = await read_line(process)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url.removesuffix('/v1.3')}/_emulator/timing") as response,
        ):
            assert await response.json() == asdict(Timing.parse(timing))


@pytest.mark.parametrize(
    ("option", "reason"), [("slow", b"'slow'"), ("speed=1", b"unknown timing speed"), ("asset=-1", b"non-negative")]
)
async def test_the_command_explains_an_invalid_timing(option: str, reason: bytes) -> None:
    async with run_emulator("--timing", option) as process:
        _, errors = await process.communicate()
        assert process.returncode == 2
        assert reason in errors


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com", "192.168.0.1"])  # noqa: S104
async def test_a_host_reachable_from_other_machines_must_be_allowed(host: str) -> None:
    with pytest.raises(ValueError, match="allow_remote"):
        Emulator(host=host)
    Emulator(host=host, allow_remote=True)


async def test_urls_are_available_after_the_start_only() -> None:
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


async def test_a_port_in_use_leaves_no_socket_open() -> None:
    async with Emulator() as first:
        port = int(first.storage_url.rpartition(":")[2])
        second = Emulator(storage_port=port)
        with pytest.raises(OSError, match="address"):
            await second.start()
        with pytest.raises(RuntimeError):
            _ = second.base_url


@pytest.mark.own_emulator
async def test_the_state_survives_a_restart(
    restart: Callable[[], Awaitable[Callable[..., Awaitable[tuple[int, object]]]]],
    make_index: Callable[..., Awaitable[str]],
) -> None:
    index = await make_index()
    call = await restart()
    assert (await call("GET", f"/indexes/{index}"))[0] == 200


async def test_stopping_twice_has_no_effect(
    call: Callable[..., Awaitable[tuple[int, object]]], emulator: Emulator
) -> None:
    assert (await call("GET", "/indexes"))[0] == 200
    await emulator.stop()
    await emulator.stop()
    with pytest.raises(aiohttp.ClientError):
        await call("GET", "/indexes")


async def test_urls_can_have_another_host() -> None:
    async with Emulator(public_host="emulator.test") as emulator:
        assert emulator.base_url.startswith("http://emulator.test:")
        assert emulator.storage_url.startswith("http://emulator.test:")
