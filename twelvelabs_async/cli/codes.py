"""Exit codes, and what leads to them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from twelvelabs_async.errors import APIError, InvalidInputError, TwelveLabsError
from twelvelabs_async.ingest import Outcome, stops


class Code(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """Some items failed, or there is no such index."""
    USAGE = 2
    """The command line makes no sense, or there is no key."""
    REFUSED = 3
    """The API refused, or could not be reached."""
    INTERRUPTED = 130
    """By Ctrl-C."""


def of_error(error: TwelveLabsError) -> Code:
    """The code for an error that ended a command."""
    match error:
        case InvalidInputError():
            return Code.USAGE
        case APIError():
            return Code.REFUSED
        case _:
            return Code.FAILED


def of_outcomes(outcomes: Iterable[Outcome]) -> Code:
    """The code for the end of an ingest."""
    code = Code.OK
    for outcome in outcomes:
        if stops(outcome.exception):
            return Code.REFUSED
        if outcome.status != "ready":
            code = Code.FAILED
    return code
