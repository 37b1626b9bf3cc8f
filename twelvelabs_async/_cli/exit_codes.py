"""Exit codes of the commands."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from twelvelabs_async.errors import APIError, InvalidInputError, QuotaExhaustedError, TwelveLabsError, UploadError

if TYPE_CHECKING:
    from twelvelabs_async.ingest import Summary


class ExitCode(IntEnum):
    """Exit code of a command; `EXIT_CODES` explains them."""

    OK = 0
    FAILED = 1
    USAGE_ERROR = 2
    API_ERROR = 3
    OUTPUT_ERROR = 74  # EX_IOERR
    QUOTA_EXHAUSTED = 75  # EX_TEMPFAIL
    INTERRUPTED = 130


EXIT_CODES: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "success",
    ExitCode.FAILED: "some items failed or were not begun, would be rejected, or the index does not exist",
    ExitCode.USAGE_ERROR: "invalid arguments, or no API key",
    ExitCode.API_ERROR: "the API rejected a request or cannot be reached",
    ExitCode.OUTPUT_ERROR: "the report or standard output could not be written; the items are ingested",
    ExitCode.QUOTA_EXHAUSTED: "quota exhausted; run the same command again later",
    ExitCode.INTERRUPTED: "interrupted; run the same command to resume",
}


def exit_code_for_error(error: TwelveLabsError) -> ExitCode:
    """Return the exit code for an error that ended a command."""
    match error:
        case InvalidInputError():
            return ExitCode.USAGE_ERROR
        case QuotaExhaustedError():
            return ExitCode.QUOTA_EXHAUSTED
        case APIError():
            return ExitCode.API_ERROR
        case UploadError(__cause__=APIError() as cause):
            return exit_code_for_error(cause)
        case _:
            return ExitCode.FAILED


def exit_code_for_summary(summary: Summary, *, allow_rejected: bool = False) -> ExitCode:
    """Return the exit code for the summary of an ingestion.

    Args:
        summary: The summary.
        allow_rejected: Whether items that were rejected, and would fail again, do not count as failed.
    """
    failed = summary.failed - summary.rejected if allow_rejected else summary.failed
    match summary.stop_reason:
        case "auth" | "outage":
            return ExitCode.API_ERROR
        case "quota":
            return ExitCode.QUOTA_EXHAUSTED
        case "drained":
            return ExitCode.INTERRUPTED
        case _:
            return ExitCode.FAILED if failed or summary.skipped else ExitCode.OK
