from __future__ import annotations

import asyncio
import copy
import math
import pickle
import ssl
import traceback
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pprint import pformat
from typing import Any

import attrs
import pytest
import yarl
from rich.pretty import pretty_repr
from support import KEY

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError, TwelveLabs
from twelvelabs_async._options import DEFAULT_BASE_URL, Options, Secret, resolve_base_url

URL = "TWELVELABS_BASE_URL"
URL_OBJECT = yarl.URL("https://api.example/v1.3")
FIRST, SECOND = "TWELVELABS_API_KEY", "TWELVE_LABS_API_KEY"


def key_of(client: AsyncTwelveLabs) -> str:
    return client._settings.api_key.reveal()


def test_the_key_comes_from_the_argument_then_from_two_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match=FIRST):
        AsyncTwelveLabs()
    monkeypatch.setenv(SECOND, "two")
    assert key_of(AsyncTwelveLabs()) == "two"
    monkeypatch.setenv(FIRST, "one")
    assert key_of(AsyncTwelveLabs()) == "one"
    assert key_of(AsyncTwelveLabs("zero")) == "zero"
    monkeypatch.setenv(FIRST, "")
    assert key_of(AsyncTwelveLabs()) == "two"


def test_an_empty_key_is_not_replaced_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable must not make the client use another account."""
    monkeypatch.setenv(FIRST, "one")
    with pytest.raises(InvalidInputError):
        AsyncTwelveLabs("")


@pytest.mark.parametrize(
    "invalid", [KEY + "\n", "\r\n" + KEY, KEY + "\r\nX-Evil: 1", KEY + "\x00", f" {KEY}", KEY + "é"]
)
def test_p15_a_key_that_cannot_be_a_header_is_rejected_and_not_shown(
    invalid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FIRST, invalid.replace("\x00", "\x01"))
    for explicit in (invalid, None):
        with pytest.raises(InvalidInputError) as caught:
            AsyncTwelveLabs(explicit)
        assert KEY not in str(caught.value)
        assert KEY not in repr(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080/v1.3",
        "http://127.0.0.1/v1.3",
        "http://127.8.9.1:1",
        "http://[::1]:99/v1.3",
        "http://api.localhost",
        "https://proxy.example/tl/v1.3",
    ],
)
def test_p14_plain_http_is_allowed_for_localhost(url: str) -> None:
    assert resolve_base_url(url, allow_http=False) == url
    assert resolve_base_url(url + "/", allow_http=False) == url


@pytest.mark.parametrize(
    "invalid",
    [
        "http://api.twelvelabs.io/v1.3",
        "http://localhost.evil.example/v1.3",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://10.0.0.1",
        "http://[fe80::1]",
        "HTTP://evil.example",
    ],
)
def test_p14_plain_http_to_another_host_is_rejected_unless_allowed(
    invalid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInputError):
        AsyncTwelveLabs(KEY, base_url=invalid)
    monkeypatch.setenv(URL, invalid)
    with pytest.raises(InvalidInputError):
        AsyncTwelveLabs(KEY)
    if "@" not in invalid:
        assert AsyncTwelveLabs(KEY, base_url=invalid, allow_http=True).base_url == invalid


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        "api.twelvelabs.io",
        "ftp://api.twelvelabs.io",
        "file:///etc/passwd",
        "https://",
        "https:///v1.3",
        "https://host/v1.3?x=1",
        "https://host/v1.3#x",
        "https://user:password@host/v1.3",
        "https://[::1/v1.3",
        "https://host:port/v1.3",
        "https://host:99999/v1.3",
        "https://host:0/v1.3",
        "https://a\\b",
        "https://a..b",
        "https://.example",
        "https://" + "a" * 70 + ".example",
        "https://" + "a." * 130 + "example",
        "https://a;b",
    ],
)
def test_p18_an_invalid_base_url_raises_invalid_input_error(invalid: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        AsyncTwelveLabs(KEY, base_url=invalid)
    assert "password" not in str(caught.value).replace("a password", "")


def test_p14_an_explicit_base_url_takes_precedence_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert AsyncTwelveLabs(KEY).base_url == DEFAULT_BASE_URL
    monkeypatch.setenv(URL, "https://other.example/v1.3/")
    assert AsyncTwelveLabs(KEY).base_url == "https://other.example/v1.3"
    assert AsyncTwelveLabs(KEY, base_url=DEFAULT_BASE_URL).base_url == DEFAULT_BASE_URL
    monkeypatch.setenv(URL, "")
    assert AsyncTwelveLabs(KEY).base_url == DEFAULT_BASE_URL


def printed_forms(value: object) -> str:
    """Return the string representations of an object."""
    return "\n".join([repr(value), str(value), f"{value}", pformat(value), ascii(value)])


def test_p15_the_key_is_not_in_any_string_representation() -> None:
    client = AsyncTwelveLabs(KEY)
    for value in (
        client,
        client._settings,
        client._executor,
        client._executor.transport,
        client._settings.api_key,
        client.assets,
    ):
        assert KEY not in printed_forms(value)
        assert KEY not in printed_forms(getattr(value, "__dict__", None))
        assert KEY not in printed_forms([getattr(value, name, None) for name in getattr(value, "__slots__", ())])
    assert KEY not in printed_forms({"headers": client._executor.transport._default_headers})


def test_p15_a_traceback_with_locals_does_not_show_the_key() -> None:

    def fail(key: str) -> None:
        raise OSError(len(key))

    with pytest.raises(OSError) as caught:  # noqa: PT011  # any message
        fail(Secret(KEY).reveal())
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "key = '***'" in text
    assert KEY not in text.replace(f"Secret({KEY!r})", "")


@pytest.mark.parametrize("copy_function", [copy.copy, copy.deepcopy, pickle.dumps])
def test_p15_a_key_is_not_copied_or_pickled(copy_function: Callable[[object], object]) -> None:
    client = AsyncTwelveLabs(KEY)
    for value in [Secret(KEY)] if copy_function is copy.copy else [Secret(KEY), client._settings, client]:
        with pytest.raises(TypeError) as caught:
            copy_function(value)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("name", ["timeout", "max_wait", "idle_timeout", "connect_timeout"])
@pytest.mark.parametrize(
    "invalid", [0, -1, math.nan, -math.inf, "5", timedelta(seconds=5), Decimal(5), 10**400, True, b"5"]
)
def test_invalid_timeouts_are_rejected(name: str, invalid: Any) -> None:
    if name == "max_wait" and invalid == 0:
        AsyncTwelveLabs(KEY, max_wait=0)
        return
    with pytest.raises(InvalidInputError, match=name):
        AsyncTwelveLabs(KEY, **{name: invalid})
    if name != "connect_timeout":
        with pytest.raises(InvalidInputError, match=name):
            AsyncTwelveLabs(KEY).with_options(**{name: invalid})


INVALID_SETTINGS: list[tuple[str, Any]] = [
    ("api_key", b"tlk"),
    ("api_key", 5),
    ("base_url", 5),
    ("base_url", URL_OBJECT),
    ("base_url", b"https://api.example/v1.3"),
    ("base_url", "https://api.example/v1.3 "),
    ("base_url", "https://api example/v1.3"),
    ("base_url", "https://api.example/v1.3\n"),
    ("connect_timeout", math.inf),
    ("session", "x"),
    ("rate_limit_store", 5),
    ("organization", 5),
    ("on_event", 5),
    ("clock", 5),
    ("trace_configs", 5),
    ("trace_configs", [5]),
    ("trace_configs", None),
    ("trace_configs", [None]),
    ("ssl", 5),
    ("ssl", "x"),
    ("ssl", {"a": 1}),
    ("ssl", False),
    ("ssl", True),
    ("ssl", 0),
    ("ssl", ""),
    ("ssl", []),
    ("allow_http", None),
    ("trust_env", "no"),
    ("allow_http", "no"),
]


@pytest.mark.parametrize(("name", "value"), INVALID_SETTINGS, ids=repr)
def test_p18_a_setting_of_a_wrong_type_is_rejected_by_name_when_the_client_is_created(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=name.replace("api_key", "API key|api_key")):
        make_client(**{"api_key": KEY, name: value})


def test_p18_the_tls_settings_of_a_server_are_rejected() -> None:
    with pytest.raises(InvalidInputError, match="ssl must be an SSLContext for clients"):
        AsyncTwelveLabs(KEY, ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def make_client(**settings: Any) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(**settings)


def test_a_host_with_an_umlaut_is_encoded() -> None:
    client = AsyncTwelveLabs(KEY, base_url="https://bücher.example/größe/v1.3")
    assert client.base_url == "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe/v1.3"


@pytest.mark.parametrize("host", ["my_service", "a-b.example.", "10.0.0.1", "[2001:db8::1]", "a" * 63 + ".example"])
def test_names_of_hosts_and_ip_addresses_are_accepted(host: str) -> None:
    assert AsyncTwelveLabs(KEY, base_url=f"https://{host}/v1.3").base_url == f"https://{host}/v1.3"


@pytest.mark.parametrize("kind", [AsyncTwelveLabs, TwelveLabs])
@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": "5"},
        {"base_url": "ftp://x"},
        {"session": "x"},
        {"api_key": KEY + "\n"},
        {"api_key": KEY.encode()},
        {"base_url": f"https://{KEY}@h/v1.3"},
        {"proxy": f"ftp://u:{KEY}@h"},
    ],
    ids=str,
)
def test_p15_a_rejected_setting_shows_no_secret_in_a_traceback_with_locals(kind: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        kind(**{"api_key": KEY, **settings})
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    package_frames = [frame for frame in report.stack if "twelvelabs_async" in frame.filename]
    assert package_frames
    assert KEY not in str([frame.locals for frame in package_frames])


def test_an_uninitialized_client_has_a_repr() -> None:
    assert repr(object.__new__(AsyncTwelveLabs)) == "AsyncTwelveLabs()"
    assert repr(object.__new__(TwelveLabs)) == "TwelveLabs()"


@pytest.mark.parametrize("length", [10, 500])
def test_p15_the_key_is_masked_in_a_traceback_of_rich(length: int) -> None:
    """Rich truncates long strings before it calls repr."""
    key = Secret("tlk_" + "k" * length).reveal()
    for max_string in (4, 80):
        assert "k" not in pretty_repr({"key": key}, max_string=max_string).replace("key", "")


@pytest.mark.parametrize("name", ["max_retries", "connection_limit"])
@pytest.mark.parametrize("invalid", [-1, 1.5, True, "3", None])
def test_invalid_counts_are_rejected(name: str, invalid: Any) -> None:
    with pytest.raises(InvalidInputError, match=name):
        AsyncTwelveLabs(KEY, **{name: invalid})


def test_with_options_validates_its_options_and_does_not_change_the_client() -> None:
    client = AsyncTwelveLabs(KEY, timeout=7, max_retries=1)
    view = client.with_options(timeout=9)
    assert attrs.asdict(view._executor.options) == attrs.asdict(Options(timeout=9, max_retries=1))
    assert attrs.asdict(client._executor.options) == attrs.asdict(Options(timeout=7, max_retries=1))
    assert view._executor.limiter is client._executor.limiter
    assert view._executor.retry_budget is client._executor.retry_budget
    assert view._executor.transport is client._executor.transport
    with pytest.raises(InvalidInputError):
        client.with_options(max_retries=-1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_outage": "never"}, "on_outage must be one of wait, stop"),
        ({"on_outage": object()}, "on_outage must be one of wait, stop"),
        ({"on_event": {}}, "on_event must be a function"),
    ],
    ids=range(3),
)
async def test_options_of_an_ingestion_are_checked_when_it_is_created(options: dict[str, Any], message: str) -> None:
    async with AsyncTwelveLabs("tlk_x") as client:
        with pytest.raises(InvalidInputError, match=message):
            client.ingest([], index_id="i", **options)


@pytest.mark.parametrize(
    "options",
    [{"concurrency": 0}, {"timeout": -1}, {"lookup_timeout": math.nan}, {"on_outage": "never"}, {"transfer": "ftp"}],
    ids=str,
)
def test_options_of_a_worker_are_checked_when_it_is_created(options: dict[str, Any]) -> None:
    # Outside of an event loop: the first import of the workers reads files of psycopg.
    pytest.importorskip("twelvelabs_async.workers")
    asyncio.run(_create_worker(options))


async def _create_worker(options: dict[str, Any]) -> None:
    async with AsyncTwelveLabs("tlk_x") as client:
        with pytest.raises(InvalidInputError, match=next(iter(options))):
            client.worker("postgresql://localhost/videos", **options)
