from __future__ import annotations

import pytest
from yarl import URL

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError
from twelvelabs_async._http.connections import FROM_ENVIRONMENT, parse_no_proxy, parse_proxy_url, resolve_proxy

API = "https://api.example/v1.3"
STORAGE = URL("https://storage.example/part?signature=1")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example:3128/", "http://proxy.example:3128"),
        ("HTTP://Proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("localhost:3128", "http://localhost:3128"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("[::1]:3128", "http://[::1]:3128"),
        (" proxy.example ", "http://proxy.example"),
        ("https://proxy.example", "https://proxy.example"),
        ("http://user:secret@proxy.example:3128", "http://user:secret@proxy.example:3128"),
        ("user:secret@proxy.example:3128", "http://user:secret@proxy.example:3128"),
    ],
)
def test_a_proxy_url_is_parsed_as_in_curl(text: str, url: str) -> None:
    assert parse_proxy_url(text, "proxy") == URL(url)


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h", "SOCKS5"])
def test_a_socks_proxy_is_rejected_with_a_hint(scheme: str) -> None:
    with pytest.raises(InvalidInputError, match=r"proxy is a SOCKS proxy .* aiohttp-socks"):
        AsyncTwelveLabs("tlk_x", proxy=f"{scheme}://user:secret@proxy.example:1080")


@pytest.mark.parametrize("text", ["", " ", "http://", "ftp://proxy.example", "http://a:b", "http://a b", "http://["])
def test_an_invalid_proxy_url_is_rejected(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^proxy must be a URL like http://proxy\.example:3128"):
        AsyncTwelveLabs("tlk_x", proxy=text)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_proxy_of_the_environment_is_used_for_https(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "proxy.example:3128")
    proxy = resolve_proxy(FROM_ENVIRONMENT, API)
    assert proxy.for_url(URL(API)) == proxy.for_url(STORAGE) == URL("http://proxy.example:3128")
    assert (proxy.name, proxy.source) == ("proxy.example:3128", name)


def test_https_proxy_takes_precedence_over_all_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://all.example:1080")
    monkeypatch.setenv("HTTPS_PROXY", "http://https.example:3128")
    assert resolve_proxy(FROM_ENVIRONMENT, API).name == "https.example:3128"


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:8080/v1.3", "http://api.example/v1.3", "https://localhost/v1.3"]
)
def test_the_environment_proxy_is_not_used_for_plain_http_or_localhost(
    monkeypatch: pytest.MonkeyPatch, base_url: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    assert resolve_proxy(FROM_ENVIRONMENT, base_url).for_url(URL(base_url)) is None


def test_no_proxy_is_used_if_the_environment_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_proxy(FROM_ENVIRONMENT, API).name is None
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")  # for http only
    assert resolve_proxy(FROM_ENVIRONMENT, API).name is None
    monkeypatch.setenv("HTTPS_PROXY", "")
    assert resolve_proxy(FROM_ENVIRONMENT, API).name is None


def test_a_socks_proxy_in_the_environment_is_an_error_only_if_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example:1080")
    with pytest.raises(InvalidInputError, match="HTTPS_PROXY is a SOCKS proxy"):
        AsyncTwelveLabs("tlk_x")
    AsyncTwelveLabs("tlk_x", proxy=None)
    AsyncTwelveLabs("tlk_x", trust_env=False)
    AsyncTwelveLabs("tlk_x", base_url="http://127.0.0.1:1/v1.3")
    AsyncTwelveLabs("tlk_x", proxy="http://other.example:3128")
    monkeypatch.setenv("NO_PROXY", "twelvelabs.io")
    AsyncTwelveLabs("tlk_x")


def test_an_explicit_proxy_is_used_for_https_only() -> None:
    proxy = resolve_proxy("http://proxy.example:3128", API)
    assert proxy.for_url(URL(API)) == proxy.for_url(STORAGE) == URL("http://proxy.example:3128")
    assert proxy.for_url(URL("http://storage.example/")) is None
    assert resolve_proxy("proxy.example:1", "http://127.0.0.1/v1.3").for_url(URL("http://127.0.0.1/v1.3")) is None


def test_a_proxy_that_would_see_the_key_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match="show the API key to the proxy"):
        AsyncTwelveLabs("tlk_x", base_url="http://api.example/v1.3", allow_http=True, proxy="http://proxy.example:3128")


@pytest.mark.parametrize(
    ("entries", "host", "bypassed"),
    [
        ("api.example", "api.example", True),
        ("API.example", "api.EXAMPLE", True),
        ("api.example", "other.example", False),
        ("example", "api.example", True),
        (".example", "api.example", True),
        ("*.example", "api.example", True),
        ("xample", "api.example", False),
        ("api.example:443", "api.example", True),
        ("api.example:8443", "api.example", False),
        (".example:443", "api.example", True),
        ("a.test, api.example ,b.test", "api.example", True),
        ("a.test api.example", "api.example", True),
        ("*", "api.example", True),
        ("", "api.example", False),
        (",,", "api.example", False),
        (".", "api.example", False),
        ("api.example", "api.example.", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("::1", "::1", True),
        ("[fd00::1]:443", "fd00::1", True),
        ("[fd00::1]:80", "fd00::1", False),
    ],
)
def test_no_proxy_matches_hosts_suffixes_networks_and_ports(entries: str, host: str, *, bypassed: bool) -> None:
    assert parse_no_proxy(entries)(host, 443) is bypassed
