"""What comes back over HTTP: an answer read to its end, one whose body is still coming, or the reason for none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
import attrs

from twelvelabs_async.errors import APIConnectionError, APITimeoutError, MalformedResponseError

LARGEST_ANSWER: Final = 32 * 1024 * 1024
"""Bytes of a decoded answer at most; more is refused while it is read."""


@attrs.frozen(kw_only=True)
class Reply:
    """An answer, read to its end."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Headers, whatever the case of their names."""
    body: bytes = attrs.field(repr=False)
    """The body, decompressed."""


class OpenReply:
    """An answer whose body is still coming."""

    def __init__(self, response: aiohttp.ClientResponse, host: str) -> None:
        self._response = response
        self._host = host
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        """The rest of the body at once; the answer is closed afterwards.

        Raises:
            APIConnectionError: It broke off.
        """
        failure: APIConnectionError
        try:
            return await read_whole(self._response)
        except (aiohttp.ClientError, OSError) as error:
            failure = explain(error, self._host)
        finally:
            self.close()
        raise failure

    async def piece(self, idle: float) -> bytes:
        """The next bytes of the body, as the network cuts them; none at its end.

        Raises:
            APIConnectionError: It broke off, or stood still for `idle` seconds.
        """
        failure: APIConnectionError
        try:
            async with asyncio.timeout(idle):
                return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            failure = explain(error, self._host, idle)
        raise failure

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


async def read_whole(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, decompressed.

    Raises:
        MalformedResponseError: It is larger than `LARGEST_ANSWER`.
    """
    pieces: list[bytes] = []
    size = 0
    content = response.content
    while not content.at_eof():
        piece = await content.readany()
        size += len(piece)
        if size > LARGEST_ANSWER:
            response.close()
            raise MalformedResponseError(
                message=f"the answer is larger than {LARGEST_ANSWER} bytes", status_code=response.status
            )
        pieces.append(piece)
    return b"".join(pieces)


def explain(error: Exception, host: str, idle: float | None = None) -> APIConnectionError:
    """One of our errors for whatever aiohttp or the system raised; their texts may hold a signed URL, ours do not."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ServerFingerprintMismatch():
            return APIConnectionError(message=f"the certificate of {host} cannot be trusted", sent=False)
        case aiohttp.ConnectionTimeoutError():
            return APITimeoutError(message=f"no connection to {host} in time", sent=False, retryable=True)
        case aiohttp.ClientConnectorError():
            why = error.os_error.strerror or type(error.os_error).__name__
            return APIConnectionError(message=f"cannot connect to {host}: {why}", sent=False, retryable=True)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return APIConnectionError(message="not an address of a server", sent=False)
        case aiohttp.ClientResponseError():
            return APIConnectionError(message=f"{host} does not speak HTTP properly: {error.message}")
        case aiohttp.ClientPayloadError():
            return APIConnectionError(message=f"{host} broke off in the middle of its answer", retryable=True)
        case aiohttp.ServerDisconnectedError():
            return APIConnectionError(message=f"{host} closed the connection without an answer", retryable=True)
        case TimeoutError() if idle is not None:
            return APITimeoutError(message=f"not a byte to or from {host} for {idle:g} s", retryable=True)
        case OSError():
            why = error.strerror or type(error).__name__
            return APIConnectionError(message=f"the connection to {host} broke: {why}", retryable=True)
        case _:
            return APIConnectionError(
                message=f"the exchange with {host} failed: {type(error).__name__}", retryable=True
            )
