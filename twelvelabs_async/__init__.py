"""asyncio-first client for the Twelve Labs video understanding API.

Everything public is importable from here, and loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from twelvelabs_async._version import __version__

if TYPE_CHECKING:
    from twelvelabs_async.client import AsyncTwelveLabs
    from twelvelabs_async.clock import Clock, SystemClock
    from twelvelabs_async.codec import from_dict, to_dict
    from twelvelabs_async.embeddings import EmbeddedSegment, EmbeddingView
    from twelvelabs_async.errors import (
        APIConnectionError,
        APIError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ClientStateError,
        ConflictError,
        GoneError,
        InternalServerError,
        InvalidInputError,
        LedgerError,
        LedgerInUseError,
        MalformedResponseError,
        NotFoundError,
        PermissionDeniedError,
        ProcessingFailedError,
        QuotaExhaustedError,
        RateLimitError,
        SearchExpiredError,
        StreamError,
        StructuredOutputError,
        TooManyRequestsError,
        TwelveLabsError,
        UnprocessableEntityError,
        UploadError,
        WaitTimeoutError,
        WebhookSignatureError,
    )
    from twelvelabs_async.events import LimitUpdate, LimitWait
    from twelvelabs_async.herd import Outcome
    from twelvelabs_async.limits import CategoryLimits, WindowLimits
    from twelvelabs_async.models.common import Model, PageInfo, Range, UserMetadata
    from twelvelabs_async.paginator import Page, Paginator
    from twelvelabs_async.request import FilePart, Form, Request
    from twelvelabs_async.streams import EventStream, TextStream
    from twelvelabs_async.uploads.state import UploadProgress, UploadState

_HOMES = {
    "client": ("AsyncTwelveLabs",),
    "clock": ("Clock", "SystemClock"),
    "codec": ("from_dict", "to_dict"),
    "embeddings": ("EmbeddedSegment", "EmbeddingView"),
    "errors": (
        "APIConnectionError",
        "APIError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ClientStateError",
        "ConflictError",
        "GoneError",
        "InternalServerError",
        "InvalidInputError",
        "LedgerError",
        "LedgerInUseError",
        "MalformedResponseError",
        "NotFoundError",
        "PermissionDeniedError",
        "ProcessingFailedError",
        "QuotaExhaustedError",
        "RateLimitError",
        "SearchExpiredError",
        "StreamError",
        "StructuredOutputError",
        "TooManyRequestsError",
        "TwelveLabsError",
        "UnprocessableEntityError",
        "UploadError",
        "WaitTimeoutError",
        "WebhookSignatureError",
    ),
    "events": ("LimitUpdate", "LimitWait"),
    "limits": ("CategoryLimits", "WindowLimits"),
    "models.common": ("Model", "PageInfo", "Range", "UserMetadata"),
    "paginator": ("Page", "Paginator"),
    "request": ("FilePart", "Form", "Request"),
    "streams": ("EventStream", "TextStream"),
    "uploads.state": ("UploadProgress", "UploadState"),
    "herd": ("Outcome",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AsyncTwelveLabs",
    "AuthenticationError",
    "BadRequestError",
    "CategoryLimits",
    "ClientStateError",
    "Clock",
    "ConflictError",
    "EmbeddedSegment",
    "EmbeddingView",
    "EventStream",
    "FilePart",
    "Form",
    "GoneError",
    "InternalServerError",
    "InvalidInputError",
    "LedgerError",
    "LedgerInUseError",
    "LimitUpdate",
    "LimitWait",
    "MalformedResponseError",
    "Model",
    "NotFoundError",
    "Outcome",
    "Page",
    "PageInfo",
    "Paginator",
    "PermissionDeniedError",
    "ProcessingFailedError",
    "QuotaExhaustedError",
    "Range",
    "RateLimitError",
    "Request",
    "SearchExpiredError",
    "StreamError",
    "StructuredOutputError",
    "SystemClock",
    "TextStream",
    "TooManyRequestsError",
    "TwelveLabsError",
    "UnprocessableEntityError",
    "UploadError",
    "UploadProgress",
    "UploadState",
    "UserMetadata",
    "WaitTimeoutError",
    "WebhookSignatureError",
    "WindowLimits",
    "__version__",
    "from_dict",
    "to_dict",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
