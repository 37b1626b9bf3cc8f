"""Tests in virtual time."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, virtual_time

NO_TIMEOUT = aiohttp.ClientTimeout(total=None)


def test_a_virtual_day_passes_immediately_and_in_order() -> None:
    async def main() -> list[float]:
        woken: list[float] = []

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append(round(clock.monotonic()))

        clock = virtual_time.LoopClock()
        await asyncio.gather(*(sleep(hours * 3600.0) for hours in (24, 1, 7)))
        assert clock.time() == virtual_time.EPOCH + clock.monotonic()
        return woken

    start = time.monotonic()
    assert virtual_time.run(main()) == [3600, 7 * 3600, 24 * 3600]
    assert time.monotonic() - start < 3600


def test_a_function_in_an_executor_takes_no_virtual_time() -> None:
    async def main() -> float:
        timer = asyncio.ensure_future(asyncio.sleep(0.001))
        await asyncio.to_thread(time.sleep, 0.02)
        assert not timer.done(), "virtual time advanced while the thread was running"
        await timer
        return asyncio.get_running_loop().time()

    assert virtual_time.run(main()) == pytest.approx(0.001, abs=1e-4)


def test_a_function_in_an_executor_may_use_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "_DEADLOCK_TIMEOUT", 0.01)

    async def main() -> float:
        loop = asyncio.get_running_loop()

        def read_clock_from_thread() -> float:
            return asyncio.run_coroutine_threadsafe(read_clock(), loop).result()

        async def read_clock() -> float:
            await asyncio.sleep(0)
            return loop.time()

        return await asyncio.to_thread(read_clock_from_thread)

    assert virtual_time.run(main()) == 0


def test_a_deadlock_raises_runtime_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "_DEADLOCK_TIMEOUT", 0.01)

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="deadlock"):
        virtual_time.run(main())


def test_another_thread_can_wake_the_loop() -> None:
    async def main() -> str:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        thread = threading.Timer(0.01, loop.call_soon_threadsafe, [woken.set])
        thread.start()
        await woken.wait()
        thread.join()
        return "woken"

    assert virtual_time.run(main()) == "woken"


def test_random_numbers_repeat_and_the_random_state_is_restored() -> None:
    async def draw_number() -> float:
        await asyncio.sleep(1)
        return random.random()  # noqa: S311  # no secret

    random.seed(1)
    expected = random.random()  # noqa: S311  # no secret
    random.seed(1)
    first = virtual_time.run(draw_number())
    assert random.random() == expected  # noqa: S311  # no secret
    assert virtual_time.run(draw_number()) == first
    assert virtual_time.run(draw_number(), seed=8) != first


def test_requests_over_real_sockets_take_no_virtual_time() -> None:
    async def main() -> tuple[str, float, float]:
        clock = virtual_time.LoopClock()
        async with (
            Emulator(clock=clock) as emulator,
            aiohttp.ClientSession(headers={"x-api-key": emulator.api_key}, timeout=NO_TIMEOUT) as session,
        ):
            date = ""
            emulator.faults.add("GET /indexes", delay=3600)
            date = ""
            for _ in range(20):
                async with session.get(emulator.base_url + "/indexes") as response:
                    date = response.headers["Date"]
            return date, clock.monotonic(), emulator.requests[-1].time - virtual_time.EPOCH

    date, elapsed, last_request = virtual_time.run(main())
    assert date == "Sun, 17 Mar 2030 18:46:40 GMT"
    assert 3600 <= last_request <= elapsed < 3601
