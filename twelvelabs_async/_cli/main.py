"""The command line: registers the commands, runs one of them and returns its exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from difflib import get_close_matches
from types import FrameType
from typing import Any, Final

from cyclopts import CycloptsError, UnknownCommandError

from twelvelabs_async._cli.exit_codes import ExitCode, exit_code_for_error
from twelvelabs_async._cli.help import CommandLine
from twelvelabs_async._cli.signals import handle_signals
from twelvelabs_async._cli.streams import SafeStream, safe_standard_output
from twelvelabs_async._version import __version__
from twelvelabs_async.errors import TwelveLabsError

TERMINATION_SIGNALS: Final = ("SIGTERM", "SIGHUP")

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("commands:demo", "Ingest and search three sample videos with a local emulator; needs no API key."),
    "ingest": ("ingest:ingest", "Upload and index videos concurrently; run the same command again to resume."),
    "ledger": ("ingest:ledger_app", "Show or export what an ingestion has recorded."),
    "search": ("commands:search", "Search the videos of an index."),
    "indexes": ("commands:indexes_app", "List, create and delete indexes."),
    "videos": ("commands:videos_app", "List, show and delete the videos of an index."),
    "export": (
        "commands:export_index",
        "Write the videos of an index, with their metadata and vectors, to a Parquet, CSV or JSON lines file.",
    ),
    "analyze": ("commands:analyze", "Generate text or JSON about a video. Each analysis is billed."),
    "embed": ("commands:embed", "Embed text, an image, audio or a video of up to 10 minutes. Each call is billed."),
    "api": (
        "commands:api",
        "Send any request and print the JSON of its response, with the retries and rate limits of the other commands.",
    ),
    "limits": ("commands:limits", "Show the rate limits that are known, and how they are known."),
    "doctor": (
        "commands:doctor",
        "Check API key, clock, API version, rate limits and undocumented behavior of the API.",
    ),
    "worker": (
        "ingest:worker",
        "Process files submitted with `ingest --submit`, until interrupted. Run any number of workers on any machine.",
    ),
    "status": (
        "ingest:worker_status",
        "Show the status of files submitted with `ingest --submit`; exit code 1 if any failed. Needs no API key.",
    ),
    "emulator": (
        "commands:emulator",
        "Run an emulator of the API until interrupted; prints its base URL, its API key and the URL of its dashboard.",
    ),
    "docs": (
        "commands:docs",
        "Print the manual of this version: its table of contents, one page, or all of it. Needs no network.",
    ),
    "completion": ("commands:completion", "Print the completion script of a shell."),
}
"""Name of each command, its module and function, and the first sentence of its docstring."""

HAS_OWN_HELP: Final[Mapping[str, Mapping[str, Any]]] = {"emulator": {"help_flags": []}}
"""Commands that take `--help` themselves."""

NO_CONSOLE: Final[Any] = object()
"""Keeps cyclopts from loading rich; `CommandLine` and `run` print what cyclopts would print."""

app: Final = CommandLine(
    name="twelvelabs-async",
    help="Upload, index and search videos with Twelve Labs.",
    help_format="plaintext",
    version=__version__,
    suppress_keyboard_interrupt=False,
)


def handle_termination_like_interrupt() -> AbstractContextManager[None]:
    """Raise SIGINT within the block when another signal asks the process to end."""
    return handle_signals(TERMINATION_SIGNALS, _interrupt)


def end_at_next_interrupt() -> None:
    """End the process immediately at a further Ctrl-C: it has been interrupted, and prints its last line."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _end)


def _end(_signal: int, _frame: FrameType | None) -> None:
    os._exit(ExitCode.INTERRUPTED)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a job that a shell has started in the background
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


app.summaries = {name: sentence for name, (_, sentence) in COMMANDS.items()}
for _name, (_path, _) in COMMANDS.items():
    _options: dict[str, Any] = {} if _path.endswith("_app") else {"version_flags": []}  # an app defines its own
    app.command(f"twelvelabs_async._cli.{_path}", name=_name, **_options, **HAS_OWN_HELP.get(_name, {}))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors of the package are printed without a traceback."""
    _escape_unencodable_output()
    with safe_standard_output() as output:
        code = _run(arguments)
        if output.error is None:
            return code
        return _fail(
            f"cannot write to standard output: {output.error.strerror or output.error}", code or ExitCode.OUTPUT_ERROR
        )


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with handle_termination_like_interrupt():
            code = app(
                arguments,
                console=NO_CONSOLE,
                error_console=NO_CONSOLE,
                result_action="return_value",
                exit_on_error=False,
                print_error=False,
            )
        return int(code or ExitCode.OK)
    except UnknownCommandError as error:
        return _fail(_unknown_command(error), ExitCode.USAGE_ERROR)
    except CycloptsError as error:
        return _fail(str(error), ExitCode.USAGE_ERROR)
    except KeyboardInterrupt:
        if arguments is None:  # the process ends after this command
            end_at_next_interrupt()
        stream = SafeStream(sys.stderr)
        stream.write("error: interrupted\n")  # an import that was interrupted leaves modules which nothing can use
        stream.flush()
        return ExitCode.INTERRUPTED
    except TwelveLabsError as error:
        return _fail(str(error), exit_code_for_error(error))
    except OSError as error:  # such as a path that is too long
        return _fail(str(error), ExitCode.FAILED)


def _unknown_command(error: UnknownCommandError) -> str:
    """Return the message of an error; cyclopts does not list commands that are imported when they are used."""
    if error.app is not app or not error.unused_tokens:
        return str(error)
    similar = get_close_matches(error.unused_tokens[0], COMMANDS, n=3) or COMMANDS
    return f"unknown command {error.unused_tokens[0]!r}; commands: {', '.join(similar)}"


def _fail(text: str, code: int) -> int:
    from twelvelabs_async._cli.console import Screen  # noqa: PLC0415  # loads rich

    Screen().error(text)
    return code


def _escape_unencodable_output() -> None:
    """Print characters of filenames that the terminal cannot encode as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
