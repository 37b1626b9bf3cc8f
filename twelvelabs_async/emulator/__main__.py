"""`python -m twelvelabs_async.emulator`: the emulator on its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Sequence

from twelvelabs_async.emulator.plans import PLANS
from twelvelabs_async.emulator.server import Emulator

PROGRAM = "python -m twelvelabs_async.emulator"


def main(arguments: Sequence[str] | None = None, program: str = PROGRAM) -> None:
    """Print the address of the API, its key, and where to look inside, and serve until interrupted."""
    options = _parser(program).parse_args(arguments)
    # A signal that arrives before the loop has its handler ends the process as it should.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the API (default: a free one)")
    parser.add_argument("--storage-port", type=int, default=0, help="port of presigned URLs (default: a free one)")
    parser.add_argument("--api-key", default="emulator", help="the one key that is accepted (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="start of ids and vectors (default: %(default)s)")
    parser.add_argument("--plan", choices=(*PLANS, "none"), default="none", help="rate limits")
    parser.add_argument("--public-host", help="name of this machine in addresses, if other than the host")
    parser.add_argument("--awkward-streams", action="store_true", help="cut streams where it hurts")
    parser.add_argument("--no-upload-headers", action="store_true", help="ask for no headers on presigned URLs")
    parser.add_argument("--data", metavar="DIR", help="keep what is uploaded in this directory (default: in memory)")
    parser.add_argument("--allow-remote", action="store_true", help="allow a host that other machines can reach")
    return parser


async def _serve(options: argparse.Namespace) -> None:
    emulator = Emulator(
        api_key=options.api_key,
        host=options.host,
        public_host=options.public_host,
        upload_headers={} if options.no_upload_headers else None,
        port=options.port,
        storage_port=options.storage_port,
        seed=options.seed,
        plan=None if options.plan == "none" else options.plan,
        awkward_streams=options.awkward_streams,
        allow_remote=options.allow_remote,
        data=options.data,
    )
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers; there, an interrupt is an exception.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with emulator:
        print(emulator.base_url, flush=True)
        print(emulator.api_key, flush=True)
        print(f"to look inside: {emulator.page_url}", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    main()
