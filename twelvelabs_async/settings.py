"""What a client is told once: key, address, deadlines and limits. Values only; nothing here does I/O."""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

import attrs
from typing_extensions import override

from twelvelabs_async.errors import InvalidInputError

DEFAULT_BASE_URL: Final = "https://api.twelvelabs.io/v1.3"
DEFAULT_TIMEOUT: Final = 60.0
"""Seconds for one whole call."""

LONG_TIMEOUT: Final = 600.0
"""Seconds for one whole call of an operation that answers when its work is done."""

WORKS_FOR_MINUTES: Final = frozenset({"POST /analyze", "POST /embed", "POST /embed-v2", "POST /responses"})
"""Operations whose answer is the work itself."""

Priority = Literal["interactive", "bulk"]
"""Which calls go first where a limit makes them wait: those of people, or those of jobs."""

KEY_VARIABLES: Final = ("TWELVELABS_API_KEY", "TWELVE_LABS_API_KEY")
URL_VARIABLE: Final = "TWELVELABS_BASE_URL"


class _Masked(str):
    """Text that is itself on the wire and stars in a `repr`, so that a traceback with locals does not tell it."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return "'***'"


class Secret:
    """A text that no `repr`, `str`, `vars`, copy or pickle shows."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = _Masked(text)

    def reveal(self) -> str:
        """The text, still masked where it is shown by `repr`."""
        return self.__text

    @override
    def __repr__(self) -> str:
        return "Secret('***')"

    @override
    def __reduce__(self) -> Any:
        raise TypeError("an API key is not to be copied or pickled")


def find_api_key(explicit: str | None) -> Secret:
    """The key from the argument, else from the environment.

    Raises:
        InvalidInputError: There is none, or it cannot be the value of a header.
    """
    key = explicit if explicit is not None else next(filter(None, map(os.environ.get, KEY_VARIABLES)), None)
    if not key:
        raise InvalidInputError(f"no API key: pass api_key=, or set {KEY_VARIABLES[0]}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInputError("the API key holds a character that no key has (a space, a line break or the like)")
    return Secret(key)


def find_base_url(explicit: str | None, *, allow_http: bool) -> str:
    """The address from the argument, else from the environment, else the platform's, without a trailing slash.

    Raises:
        InvalidInputError: It is no address, or plain `http` to another machine without `allow_http`.
    """
    text = (explicit if explicit is not None else os.environ.get(URL_VARIABLE) or DEFAULT_BASE_URL).rstrip("/")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise InvalidInputError(f"base_url is not an address like {DEFAULT_BASE_URL}: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInputError(f"base_url is not an address like {DEFAULT_BASE_URL}: {parts.hostname or text!r}")
    if parts.username is not None or parts.password is not None:
        raise InvalidInputError("base_url holds a user name or a password; the key is passed as api_key=")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname):
        raise InvalidInputError(f"http:// would show the key to everybody on the way to {parts.hostname}; use https://")
    return text


def is_loopback(host: str) -> bool:
    """Whether the name or address stays on this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def positive(_: Any, attribute: attrs.Attribute[Any], value: float) -> None:
    """Validator: a number above zero."""
    if not value > 0:
        raise InvalidInputError(f"{attribute.name} must be above 0, not {value!r}")


def natural(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validator: a whole number, zero or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidInputError(f"{attribute.name} must be a whole number, 0 or more, not {value!r}")


def one_of(words: Any) -> Callable[[Any, attrs.Attribute[Any], object], None]:
    """Validator: one of the words of a `Literal`."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in get_args(words):
            raise InvalidInputError(f"{attribute.name} must be one of {', '.join(get_args(words))}, not {value!r}")

    return check


@attrs.frozen(kw_only=True)
class Options:
    """What may differ from call to call; `client.with_options(...)` changes a copy."""

    timeout: float | None = attrs.field(default=None, validator=attrs.validators.optional(positive))
    """Deadline of one whole call in seconds: queue, attempts and waits together. None goes by the operation, and leaves
    out the queue for a rate limit, of which `max_wait` says how long it may be."""
    max_retries: int = attrs.field(default=3, validator=natural)
    """How often a failed call is repeated; 0 sends once."""
    max_wait: float = attrs.field(default=120.0, validator=positive)
    """Seconds of waiting for a rate limit beyond which `QuotaExhaustedError` is raised at once."""
    idle_timeout: float = attrs.field(default=60.0, validator=positive)
    """Seconds without a byte after which an upload or a stream counts as dead; these have no total deadline."""
    priority: Priority = attrs.field(default="interactive", validator=one_of(Priority))
    """Whether calls that wait for a limit go before others of this client, or after them."""

    def deadline(self, operation: str) -> float:
        """Seconds that one call of `operation` may take."""
        if self.timeout is not None:
            return self.timeout
        return LONG_TIMEOUT if operation in WORKS_FOR_MINUTES else DEFAULT_TIMEOUT


@attrs.frozen(kw_only=True)
class Settings:
    """What a client is opened with, and keeps."""

    api_key: Secret
    """Sent as `x-api-key`, to the origin of `base_url` only."""
    base_url: str
    """Address with the version, without a trailing slash."""
    connection_limit: int = attrs.field(default=100, validator=natural)
    """Connections open at once, to all hosts together; 0 is no limit."""
    connect_timeout: float = attrs.field(default=10.0, validator=positive)
    """Seconds to open one connection."""
    trust_env: bool = False
    """Use the proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`), read once."""
    user_agent: str = "twelvelabs-async"
    """Sent with each call."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of `base_url`."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"
