"""What a failure says: of one step, of the item itself, or of every item. Pure."""

from __future__ import annotations

from twelvelabs_async.errors import APIError, BadRequestError, ProcessingFailedError, TwelveLabsError, UploadError
from twelvelabs_async.errors import UnprocessableEntityError as Unprocessable
from twelvelabs_async.ingest.quota import stops


def may_pass(failure: Exception) -> bool:
    """Whether another try of the whole step may help."""
    if isinstance(failure, UploadError):  # a transfer that broke off; a file that has changed is another matter
        return isinstance(failure.__cause__, APIError)
    return isinstance(failure, APIError) and (failure.retryable or failure.ambiguous)


def in_doubt(failure: Exception) -> bool:
    """Whether the step may have been carried out all the same."""
    return isinstance(failure, APIError) and failure.ambiguous


def is_verdict(failure: Exception) -> bool:
    """Whether the platform has refused the item itself."""
    if stops(failure):
        return False
    refused = isinstance(failure, APIError) and failure.status_code == 413
    return refused or isinstance(failure, ProcessingFailedError | BadRequestError | Unprocessable)


def told(failure: Exception) -> str:
    """A failure in one line."""
    return str(failure) if isinstance(failure, TwelveLabsError) else f"{type(failure).__name__}: {failure}"
