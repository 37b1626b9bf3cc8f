"""`twelvelabs-async`, or `python -m twelvelabs_async`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec


def main() -> int:
    """Run the command line; returns the exit code."""
    missing = [name for name in ("cyclopts", "rich") if find_spec(name) is None]
    if missing:
        sys.stderr.write(f"the command line needs {' and '.join(missing)}: pip install 'twelvelabs-async[cli]'\n")
        return 2
    try:
        run: Callable[[], int] = import_module("twelvelabs_async.cli.main").run
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
