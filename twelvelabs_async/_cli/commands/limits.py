"""The command `limits`."""

from __future__ import annotations

from twelvelabs_async._cli.arguments import Flag, run_with_key


def limits(
    *,
    rate_limit_store: str | None = None,
    organization: str | None = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Show the rate limits that are known, and how they are known.

    Examples:
      twelvelabs-async limits
      twelvelabs-async limits --rate-limit-store sqlite:///limits.db --json

    Documentation: https://docs.twelvelabs.io/docs/get-started/rate-limits

    With --rate-limit-store, the limits that other processes have learned: live on a terminal, once otherwise. Without
    it, this command sends one list request, and none that is billed or limited by day.

    Args:
        rate_limit_store: URL of a rate-limit store shared by several processes: sqlite:///limits.db or
            redis://host:6379/0.
        organization: Name of the organization in the store; the default is a hash of the API key.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per rate-limit window on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.limits import show_limits

    screen = Screen(json=json)
    command = show_limits(
        rate_limit_store=rate_limit_store, organization=organization, base_url=base_url, screen=screen
    )
    return run_with_key(command)
