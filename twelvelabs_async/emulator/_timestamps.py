"""The timestamp formats of the API, and units of time in seconds."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def rfc3339_millis(seconds: float) -> str:
    """Format a time with milliseconds, as the asset and upload endpoints do."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_seconds(seconds: float) -> str:
    """Format a time in whole seconds, as the task endpoints do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micros(seconds: float) -> str:
    """Format a time with microseconds, or without a fraction if it is whole.

    Emulators repeat the ids of indexes; the time at which an index was created distinguishes them.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def parse_rfc3339(value: str) -> float:
    """Parse an RFC 3339 timestamp; one without an offset counts as UTC.

    Raises:
        ValueError: The string is not a timestamp.
    """
    parsed = datetime.fromisoformat(value)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
