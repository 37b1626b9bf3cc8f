"""Which proxy a request uses.

Only https goes through a proxy: it sees the name of the host, and neither the API key nor the content. Plain http and
this machine itself are reached directly. The environment is read once, when the client is created.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import attrs
from yarl import URL

from twelvelabs_async._options import is_loopback, masked
from twelvelabs_async.errors import InvalidInputError

FROM_ENVIRONMENT: Final = "environment"
"""Value of `proxy=` that reads `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`."""


def _never(_host: str, _port: int) -> bool:
    return False


@attrs.frozen(eq=False, repr=False)
class ProxySettings:
    """The proxy of a client, if it has one."""

    url: URL | None = attrs.field(default=None, repr=False)
    """URL with credentials; None connects directly."""
    source: str = ""
    """Origin of the URL: `proxy=` or a variable of the environment."""
    bypasses: Callable[[str, int], bool] = attrs.field(default=_never, repr=False)
    """Returns whether a host and port is reached directly."""

    @property
    def name(self) -> str | None:
        """Host and port, without credentials."""
        return None if self.url is None else f"{self.url.host}:{self.url.port}"

    def for_url(self, url: URL) -> URL | None:
        """Return the proxy for a request to `url`."""
        if self.url is None or url.scheme != "https" or self.bypasses(url.host or "", url.port or 443):
            return None
        return self.url


def resolve_proxy(explicit: str | None, base_url: str, *, required: bool = True) -> ProxySettings:
    """Return the proxy that `proxy=` names, or that of the environment.

    Args:
        explicit: URL of a proxy, None for none, or `FROM_ENVIRONMENT`.
        base_url: Base URL of the API.
        required: Whether a proxy of the environment that cannot be used is an error; else it is ignored.

    Raises:
        InvalidInputError: The URL is not that of an http proxy, or the API key would be visible to the proxy.
    """
    if explicit is None:
        return ProxySettings()
    target = URL(base_url)
    if explicit != FROM_ENVIRONMENT:
        if target.scheme == "http" and not is_loopback(target.host or ""):
            raise InvalidInputError("proxy= with an http:// base_url would show the API key to the proxy; use https://")
        return ProxySettings(parse_proxy_url(explicit, "proxy"), "proxy=")
    found = _from_environment()
    if found is None:
        return ProxySettings()
    text, source, bypasses = found
    del found

    def reached_directly(host: str, port: int) -> bool:
        return is_loopback(host) or bypasses(host, port)

    if target.scheme != "https" or reached_directly(target.host or "", target.port or 443):
        required = False  # calls do not use it; at most parts of files would
    try:
        return ProxySettings(parse_proxy_url(text, source), source, reached_directly)
    except InvalidInputError:
        if required:
            raise
        return ProxySettings()


def parse_proxy_url(text: str, name: str) -> URL:
    """Parse the URL of a proxy; one without a scheme is an http proxy.

    Raises:
        InvalidInputError: It is not the URL of an http or https proxy; `name` says where it is from.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"{name} must be a URL like http://proxy.example:3128, got {type(text).__name__}")
    text = masked(text)  # a traceback may show it
    url: URL | None
    try:
        url = URL(text.strip() if "://" in text else f"http://{text.strip()}")
        host, _ = url.host, url.port
    except ValueError:
        host = url = None
    if url is None:
        raise InvalidInputError(f"{name} must be a URL like http://proxy.example:3128")
    scheme = url.scheme
    if scheme in {"http", "https"} and host and not any(character.isspace() for character in host):
        return url.origin() if url.raw_user is None else url.with_path("")
    del url  # a traceback would show the password in it
    if scheme.startswith("socks"):
        raise InvalidInputError(
            f"{name} is a SOCKS proxy ({scheme}://{host}); use an http:// proxy, or install aiohttp-socks and "
            "pass session= with its connector"
        )
    raise InvalidInputError(f"{name} must be a URL like http://proxy.example:3128, got one of {scheme}://")


def _from_environment() -> tuple[str, str, Callable[[str, int], bool]] | None:
    """Return the proxy of the environment, or of the settings of Windows or macOS, its name, and who bypasses it."""
    proxies = getproxies_environment()
    if proxies:
        scheme = next((scheme for scheme in ("https", "all") if proxies.get(scheme)), None)
        if scheme is None:
            return None
        entries = parse_no_proxy(proxies.get("no", ""))
        name = f"{scheme}_proxy"
        return masked(proxies[scheme]), name if os.environ.get(name) else name.upper(), entries
    system = getproxies().get("https")
    return None if system is None else (masked(system), "the system's proxy", lambda host, _: bool(proxy_bypass(host)))


def parse_no_proxy(text: str) -> Callable[[str, int], bool]:
    """Return a function that says whether `NO_PROXY` names a host and port.

    Entries are separated by commas: a host, which includes its subdomains, with or without a leading dot or `*.`; an IP
    address or network; each with an optional port; or `*`, which is every host.
    """
    entries = [entry.strip().lower() for entry in text.replace(",", " ").split()]

    def bypasses(host: str, port: int) -> bool:
        name = host.lower().rstrip(".")
        return any(_matches(entry, name, port) for entry in entries)

    return bypasses


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, separator, port_text = entry.rpartition(":")
    if separator and port_text.isdecimal() and (":" not in name or name.startswith("[")):
        if int(port_text) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").strip(".")
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        return bool(entry) and (host == entry or host.endswith(f".{entry}"))
