from __future__ import annotations

import copy
import math
import pickle
import traceback
from collections.abc import Callable
from pprint import pformat
from typing import Any

import pytest
from support import KEY

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError
from twelvelabs_async.settings import DEFAULT_BASE_URL, Options, Secret, find_base_url

URL = "TWELVELABS_BASE_URL"
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


def test_an_empty_key_is_not_replaced_by_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever passes an empty variable must not find out that another account was used."""
    monkeypatch.setenv(FIRST, "one")
    with pytest.raises(InvalidInputError):
        AsyncTwelveLabs("")


@pytest.mark.parametrize("bad", [KEY + "\n", "\r\n" + KEY, KEY + "\r\nX-Evil: 1", KEY + "\x00", f" {KEY}", KEY + "é"])
def test_p15_a_key_that_cannot_be_a_header_is_refused_and_not_shown(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FIRST, bad.replace("\x00", "\x01"))
    for explicit in (bad, None):
        with pytest.raises(InvalidInputError) as caught:
            AsyncTwelveLabs(explicit)
        assert KEY not in str(caught.value)
        assert KEY not in repr(caught.value)


@pytest.mark.parametrize(
    "good",
    [
        "http://localhost:8080/v1.3",
        "http://127.0.0.1/v1.3",
        "http://127.8.9.1:1",
        "http://[::1]:99/v1.3",
        "http://api.localhost",
        "https://proxy.example/tl/v1.3",
    ],
)
def test_p14_plain_http_is_for_this_machine(good: str) -> None:
    assert find_base_url(good, allow_http=False) == good
    assert find_base_url(good + "/", allow_http=False) == good


@pytest.mark.parametrize(
    "bad",
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
def test_p14_plain_http_to_another_machine_is_refused_unless_asked_for(
    bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInputError):
        AsyncTwelveLabs(KEY, base_url=bad)
    monkeypatch.setenv(URL, bad)
    with pytest.raises(InvalidInputError):
        AsyncTwelveLabs(KEY)
    if "@" not in bad:
        assert AsyncTwelveLabs(KEY, base_url=bad, allow_http=True).base_url == bad


@pytest.mark.parametrize(
    "bad",
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
    ],
)
def test_p18_what_is_no_address_is_refused_by_an_error_of_ours(bad: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        AsyncTwelveLabs(KEY, base_url=bad)
    assert "password" not in str(caught.value).replace("a password", "")


def test_p14_an_explicit_address_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert AsyncTwelveLabs(KEY).base_url == DEFAULT_BASE_URL
    monkeypatch.setenv(URL, "https://other.example/v1.3/")
    assert AsyncTwelveLabs(KEY).base_url == "https://other.example/v1.3"
    assert AsyncTwelveLabs(KEY, base_url=DEFAULT_BASE_URL).base_url == DEFAULT_BASE_URL
    monkeypatch.setenv(URL, "")
    assert AsyncTwelveLabs(KEY).base_url == DEFAULT_BASE_URL


def everything(value: object) -> str:
    """All that printing can get out of an object and those within it."""
    return "\n".join([repr(value), str(value), f"{value}", pformat(value), ascii(value)])


def test_p15_the_key_is_not_in_anything_that_is_printed() -> None:
    client = AsyncTwelveLabs(KEY)
    for thing in (client, client._settings, client._api, client._api.session, client._settings.api_key, client.assets):
        assert KEY not in everything(thing)
        assert KEY not in everything(getattr(thing, "__dict__", None))
        assert KEY not in everything([getattr(thing, name, None) for name in getattr(thing, "__slots__", ())])
    assert KEY not in everything({"headers": client._api.session._headers(_no_body())})


def _no_body() -> Any:
    return type("NoBody", (), {"headers": {}})()


def test_p15_a_traceback_with_locals_does_not_show_the_key() -> None:

    def fail(key: str) -> None:
        raise OSError(len(key))

    with pytest.raises(OSError) as caught:  # noqa: PT011  # its text is no matter
        fail(Secret(KEY).reveal())
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "key = '***'" in text
    assert KEY not in text.replace(f"Secret({KEY!r})", "")


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_p15_a_key_is_not_copied_or_pickled(duplicate: Callable[[object], object]) -> None:
    client = AsyncTwelveLabs(KEY)
    for thing in [Secret(KEY)] if duplicate is copy.copy else [Secret(KEY), client._settings, client]:
        with pytest.raises(TypeError) as caught:
            duplicate(thing)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("name", ["timeout", "max_wait", "idle_timeout", "connect_timeout"])
@pytest.mark.parametrize("bad", [0, -1, math.nan, -math.inf])
def test_patience_is_a_number_above_zero(name: str, bad: float) -> None:
    with pytest.raises(InvalidInputError, match=name):
        AsyncTwelveLabs(KEY, **{name: bad})  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("name", ["max_retries", "connection_limit"])
@pytest.mark.parametrize("bad", [-1, 1.5, True, "3", None])
def test_counts_are_whole_numbers(name: str, bad: Any) -> None:
    with pytest.raises(InvalidInputError, match=name):
        AsyncTwelveLabs(KEY, **{name: bad})


def test_options_of_a_view_are_checked_too_and_leave_the_client_as_it_is() -> None:
    client = AsyncTwelveLabs(KEY, timeout=7, max_retries=1)
    view = client.with_options(timeout=9)
    assert view._api.options == Options(timeout=9, max_retries=1)
    assert client._api.options == Options(timeout=7, max_retries=1)
    assert view._api.limiter is client._api.limiter
    assert view._api.quota is client._api.quota
    assert view._api.session is client._api.session
    with pytest.raises(InvalidInputError):
        client.with_options(max_retries=-1)
