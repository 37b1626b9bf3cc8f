"""Exit codes, and what leads to them."""

from __future__ import annotations

from enum import IntEnum

from twelvelabs_async.errors import APIError, InvalidInputError, QuotaExhaustedError, TwelveLabsError
from twelvelabs_async.ingest import Summary


class Code(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """Some items failed, or there is no such index."""
    USAGE = 2
    """The command line makes no sense, or there is no key."""
    REFUSED = 3
    """The API refused, or could not be reached."""
    LATER = 75
    """A quota is used up: the same command goes on when it is back. What the field calls EX_TEMPFAIL."""
    INTERRUPTED = 130
    """By Ctrl-C."""


def of_error(error: TwelveLabsError) -> Code:
    """The code for an error that ended a command."""
    match error:
        case InvalidInputError():
            return Code.USAGE
        case QuotaExhaustedError():
            return Code.LATER
        case APIError():
            return Code.REFUSED
        case _:
            return Code.FAILED


def of_summary(summary: Summary) -> Code:
    """The code for the end of an ingestion."""
    match summary.stopped:
        case "auth":
            return Code.REFUSED
        case "quota":
            return Code.LATER
        case "drained":
            return Code.INTERRUPTED
        case _:
            return Code.FAILED if summary.failed or summary.skipped else Code.OK
