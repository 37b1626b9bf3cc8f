"""The command `doctor`."""

from __future__ import annotations

from twelvelabs_async._cli.arguments import Flag, run_with_key


def doctor(*, session: Flag = False, base_url: str | None = None, json: Flag = False) -> int:
    """Check API key, clock, API version, rate limits and undocumented behavior of the API.

    Examples:
      twelvelabs-async doctor
      twelvelabs-async doctor --session --json

    API: https://docs.twelvelabs.io/v1.3/api-reference/introduction

    Exit codes: 0 if there is no problem, 1 if a check found one, 2 without an API key, 3 if the API rejects the key or
    cannot be reached.

    Sends a dozen read requests, which are not billed. The report contains no key and no content; attach it to a bug
    report.

    Args:
        session: Also create an upload session, to report the part size; nothing is uploaded, and the session expires.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per check on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.doctor import run_doctor

    screen = Screen(json=json)
    return run_with_key(run_doctor(session=session, base_url=base_url, screen=screen))
