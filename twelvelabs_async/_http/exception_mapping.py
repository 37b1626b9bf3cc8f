"""Maps exceptions of aiohttp, TLS and the system to those of this package.

No message contains a URL, because it may be signed, or the credentials of a proxy.
"""

from __future__ import annotations

import os
import ssl
from http import HTTPStatus
from typing import Final

import aiohttp

from twelvelabs_async._http.connections import UnsolicitedDataError
from twelvelabs_async.errors import APIConnectionError, APITimeoutError

TRANSIENT_PROXY_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses of a proxy after which the connection may succeed."""

_DATE_ERRORS: Final = frozenset({9, 10})
"""Codes of OpenSSL: the certificate is not valid yet, or has expired."""

_NAME_ERRORS: Final = frozenset({62, 63, 64})
"""Codes of OpenSSL: the host, e-mail or IP address is another one."""


def map_exception(
    error: Exception, host: str, *, sent: bool = True, proxy: str | None = None, idle_timeout: float | None = None
) -> APIConnectionError:
    """Return the error for an exception of a request.

    Args:
        error: The exception.
        host: Host of the request.
        sent: Whether the head of the request was written to a connection.
        proxy: Host and port of the proxy, if there is one.
        idle_timeout: Seconds after which a `TimeoutError` was raised.
    """
    drop_tracebacks(error)
    failure = _map(error, host if proxy is None else f"{host} by way of the proxy {proxy}", idle_timeout)
    failure.sent = sent
    return failure


def drop_tracebacks(error: BaseException) -> None:
    """Drop the tracebacks of an exception and its causes: aiohttp may keep them, and with them the caller's frames."""
    chain: BaseException | None = error
    while chain is not None:
        chain.__traceback__ = None
        chain = chain.__cause__ or chain.__context__


def _map(error: Exception, host: str, idle_timeout: float | None) -> APIConnectionError:
    failure = _connecting_failure(error, host)
    if failure is not None:
        return failure
    match error:
        case aiohttp.ClientResponseError():
            return APIConnectionError(message=f"{host} sent an invalid HTTP response: {error.message}")
        case aiohttp.ClientPayloadError():
            return APIConnectionError(
                message=f"{host} closed the connection in the middle of the response", retryable=True
            )
        case aiohttp.ServerDisconnectedError():
            return APIConnectionError(message=f"{host} closed the connection without a response", retryable=True)
        case TimeoutError() if idle_timeout is not None:
            return APITimeoutError(message=f"no data to or from {host} for {idle_timeout:g} s", retryable=True)
        case OSError():
            reason = _reason(error)
            return APIConnectionError(message=f"the connection to {host} was lost: {reason}", retryable=True)
        case _:
            return APIConnectionError(message=f"the request to {host} failed: {type(error).__name__}", retryable=True)


def _connecting_failure(error: Exception, host: str) -> APIConnectionError | None:
    """Return the error for an exception before there is a connection; None for another exception."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return APIConnectionError(message=_certificate_message(error.certificate_error, host))
        case aiohttp.ServerFingerprintMismatch():
            return APIConnectionError(message=f"the certificate of {host} does not have the expected fingerprint")
        case UnsolicitedDataError():
            return APIConnectionError(message=f"{host} sent data before the request", retryable=True)
        case aiohttp.ConnectionTimeoutError():
            return APITimeoutError(message=f"timed out connecting to {host}", retryable=True)
        case aiohttp.ClientConnectorError():
            reason = error.os_error.strerror or type(error.os_error).__name__
            return APIConnectionError(message=f"cannot connect to {host}: {reason}", retryable=True)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return APIConnectionError(message="not the URL of a server")
        case aiohttp.ClientHttpProxyError():
            return _proxy_error(error, host)
        case _:
            return None


def _reason(error: OSError) -> str:
    """Return what the system says of an error; the texts of aiohttp contain the URL."""
    if not isinstance(error, aiohttp.ClientError):
        return error.strerror or type(error).__name__
    return "the other side has closed it" if error.errno is None else os.strerror(error.errno)


def _proxy_error(error: aiohttp.ClientHttpProxyError, host: str) -> APIConnectionError:
    """Return the error of a proxy that refused to connect; the server has no part in it."""
    hint = ""
    if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        hint = "; put the user name and the password into the URL of the proxy"
    return APIConnectionError(
        message=f"cannot connect to {host}: the proxy answered {error.status} {error.message}{hint}",
        retryable=error.status in TRANSIENT_PROXY_STATUSES,
    )


def _certificate_message(error: Exception, host: str) -> str:
    """Say whether the date, the name or the authority of a certificate is wrong, and what helps."""
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)
    if code in _DATE_ERRORS:
        return f"the certificate of {host} is not valid today ({reason}); check the clock of this machine"
    if code in _NAME_ERRORS:
        return f"the certificate of {host} is for another name ({reason}); check base_url"
    return (
        f"the certificate of {host} is not trusted ({reason}); if a company's proxy signs the certificates here, set "
        "SSL_CERT_FILE to a file that contains its authority, too, or pass ssl="
    )
