"""Run the emulator as a process: `python -m twelvelabs_async.emulator`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from shlex import quote
from typing import Any, get_args

from twelvelabs_async.emulator._search import SearchMode
from twelvelabs_async.emulator.plans import PlanName
from twelvelabs_async.emulator.server import Emulator
from twelvelabs_async.emulator.timing import Timing

PROGRAM = "python -m twelvelabs_async.emulator"
URL_VARIABLES = ("TWELVELABS_BASE_URL",)
KEY_VARIABLES = ("TWELVELABS_API_KEY", "TWELVE_LABS_API_KEY")
"""Variables from which this client and the official ones read the URL of the API and the key."""

OUTPUT_ERROR = 74
"""Exit code if standard output cannot be written, as in `sysexits.h`."""


def main(arguments: Sequence[str] | None = None, program: str = PROGRAM) -> None:
    """Print the URL of the API, its key, the URL of the dashboard and lines for a shell; serve until interrupted."""
    parser = _parser(program)
    try:
        options = parser.parse_args(arguments)
    except BrokenPipeError:  # of the text of --help, if it is not buffered and argparse does not ignore the error
        _discard_output()
        return
    except SystemExit as end:
        if not end.code and not _write(""):
            raise SystemExit(OUTPUT_ERROR) from None
        raise
    # A signal that arrives before the loop has a handler for it.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser, options))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 1 << 16:
        raise argparse.ArgumentTypeError(f"a port must be from 0 to 65535, got {port}")
    return port


def _parser(program: str) -> argparse.ArgumentParser:
    """Return a parser of the parameters of `Emulator`, by their names."""
    parser = argparse.ArgumentParser(prog=program, description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="port of the API (default: 0, a free one)")
    parser.add_argument("--storage-port", type=_port, default=0, help="port of presigned URLs (default: 0, a free one)")
    parser.add_argument("--api-key", default="emulator", help="API key to accept (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="seed of ids and vectors (default: %(default)s)")
    parser.add_argument(
        "--plan",
        choices=(*get_args(PlanName), "none"),
        default="none",
        help="plan with rate limits (default: %(default)s)",
    )
    parser.add_argument(
        "--search",
        choices=get_args(SearchMode),
        default="nearest",
        help="what a query finds whose words match nothing (default: %(default)s)",
    )
    parser.add_argument(
        "--timing",
        metavar="TIMING",
        type=_parse_timing,
        default=Timing(),
        help="processing times: immediate, seconds=5, polls=3, realtime=0.5 (times the duration of the media), or"
        " fields of Timing such as asset=1,indexing=30 (default: less than a second each)",
    )
    parser.add_argument("--public-host", help="name of this machine in returned URLs (default: the host)")
    parser.add_argument("--fragment-streams", action="store_true", help="split streams within characters and lines")
    parser.add_argument(
        "--upload-headers",
        dest="require_upload_headers",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="require the announced headers with each part of an upload (default: no)",
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", help="directory for objects and uploaded files (default: in memory)"
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="allow a host that is reachable from other machines"
    )
    return parser


def _parse_timing(text: str) -> Timing:
    try:
        return Timing.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


async def _serve(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    try:
        settings: dict[str, Any] = {**vars(options), "plan": None if options.plan == "none" else options.plan}
        emulator = Emulator(**settings)
        await emulator.start()
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {_explain(error)}\n")
    try:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Windows has no signal handlers; there, Ctrl-C raises KeyboardInterrupt.
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        _print_addresses(emulator)
        await stopped.wait()
    finally:
        await emulator.stop()


def _print_addresses(emulator: Emulator) -> None:
    lines = [
        emulator.base_url,
        emulator.api_key,
        f"dashboard: {emulator.dashboard_url}",
        *(f"export {name}={quote(emulator.base_url)}" for name in URL_VARIABLES),
        *(f"export {name}={quote(emulator.api_key)}" for name in KEY_VARIABLES),
    ]
    _write("\n".join(lines) + "\n")


def _write(text: str) -> bool:
    """Write to standard output, with what is buffered; print an error and return False if that fails.

    A pipe whose reader has closed it, such as `head -1`, is no error.
    """
    reason = "it is closed"
    try:
        if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]  # in a process without it
            sys.stdout.write(text)
            sys.stdout.flush()
            return True
    except BrokenPipeError:
        _discard_output()
        return True
    except OSError as error:
        reason = error.strerror or str(error)
        _discard_output()
    sys.stderr.write(f"error: cannot write to standard output: {reason}\n")
    return False


def _discard_output() -> None:
    """Send further output nowhere; Python flushes the stream at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: OSError | ValueError) -> str:
    """Return an error message of one line, with the name of a switch instead of that of a parameter."""
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return " ".join(message.split()).replace("allow_remote=True", "--allow-remote")


if __name__ == "__main__":
    main()
