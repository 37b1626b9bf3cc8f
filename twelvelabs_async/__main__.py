"""`twelvelabs-async`, or `python -m twelvelabs_async`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from types import FrameType

from twelvelabs_async._cli.signals import handle_signals


def main() -> int:
    """Run the command line and return the exit code."""
    missing = [name for name in ("cyclopts", "rich") if find_spec(name) is None]
    if missing:
        from twelvelabs_async._text import install_command  # noqa: PLC0415  # loads much, before Ctrl-C is handled

        sys.stderr.write(f"the command line needs {' and '.join(missing)}: {install_command('cli')}\n")
        return 2
    with handle_signals(("SIGINT", "SIGTERM", "SIGHUP"), _end):  # an import may swallow what a handler raises
        run: Callable[[], int] = import_module("twelvelabs_async._cli.main").run
    return run()


def _end(_signal: int, _frame: FrameType | None) -> None:
    """End the process with one line."""
    with suppress(OSError):
        os.write(2, b"error: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
