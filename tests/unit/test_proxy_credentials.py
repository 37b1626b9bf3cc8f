"""User names and passwords of proxies."""

from __future__ import annotations

from base64 import b64decode

import pytest

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError
from twelvelabs_async._http.connections import resolve_proxy

API = "https://api.example/v1.3"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("user:secret", "user:secret"),
        ("us%40er:p%3Aw%2F", "us@er:p:w/"),
        ("m\u00fcller:p\u00e4ss", "m\u00fcller:p\u00e4ss"),
        ("user:%D0%BF\u0430", "user:\u043f\u0430"),
        ("user", "user:"),
    ],
)
def test_credentials_of_a_proxy_are_sent_as_utf_8(written: str, sent: str) -> None:
    proxy = resolve_proxy(f"http://{written}@proxy.example:3128", API)
    assert proxy.headers is not None
    scheme, _, credentials = proxy.headers["Proxy-Authorization"].partition(" ")
    assert (scheme, b64decode(credentials).decode()) == ("Basic", sent)
    assert str(proxy.url) == "http://proxy.example:3128"
    assert credentials not in repr(proxy.headers)


def test_a_proxy_without_credentials_gets_no_headers() -> None:
    assert resolve_proxy("http://proxy.example:3128", API).headers is None


def test_a_user_name_with_a_colon_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match="proxy must be a URL like"):
        AsyncTwelveLabs("key", proxy="http://us%3Aer:secret@proxy.example:3128")
