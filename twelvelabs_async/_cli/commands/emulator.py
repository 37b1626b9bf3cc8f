"""The command `emulator`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from twelvelabs_async._cli.exit_codes import ExitCode


def emulator(*flags: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Run an emulator of the API until interrupted; prints its base URL, its API key and the URL of its dashboard.

    Examples:
      twelvelabs-async emulator --port 8000

    API: https://docs.twelvelabs.io/v1.3/api-reference/introduction
    """
    from twelvelabs_async.emulator import __main__ as emulator_program

    emulator_program.main(flags, program="twelvelabs-async emulator")
    return ExitCode.OK
