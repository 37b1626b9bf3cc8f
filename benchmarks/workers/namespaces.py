"""A network namespace for each worker, connected by an isolated bridge. Needs root and iproute2."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Generator

NamespaceMode = Literal["auto", "on", "off"]

BRIDGE_NAME: Final = "tlworkers"
SUBNET: Final = "10.213.7.0/24"
BRIDGE_HOST: Final = "10.213.7.1"
"""Host on which the emulator, the database and the rate-limit store listen for workers in namespaces."""


@attrs.frozen
class Placement:
    """The network in which the workers run."""

    host: str = ""
    """Host to which the workers connect; empty for the loopback interface."""
    namespaces: tuple[str, ...] = ()
    """Namespaces of the workers."""

    def command_prefix(self, number: int) -> list[str]:
        """Return the prefix of a worker's command. `ip` replaces itself with the worker, so it gets the signals."""
        return ["ip", "netns", "exec", self.namespaces[number % len(self.namespaces)]] if self.namespaces else []


@contextmanager
def namespaces(mode: NamespaceMode, size: int) -> Generator[Placement]:
    """Create the namespaces, and delete them at the end.

    Raises:
        SystemExit: The mode is `on`, and the namespaces cannot be created.
    """
    if mode == "off":
        yield Placement()
        return
    names = tuple(f"{BRIDGE_NAME}-{number}" for number in range(size))
    try:
        try:
            _remove(names)  # left over from a run that was killed
            _create(names)
            placement = Placement(BRIDGE_HOST, names)
        except (OSError, subprocess.CalledProcessError) as error:
            if mode == "on":
                raise SystemExit(f"cannot create network namespaces: {error}") from None
            placement = Placement()
        yield placement
    finally:
        _remove(names)


def _create(names: tuple[str, ...]) -> None:
    _ip(f"link add {BRIDGE_NAME} type bridge")
    _ip(f"addr add {BRIDGE_HOST}/24 dev {BRIDGE_NAME}")
    _ip(f"link set {BRIDGE_NAME} up")
    for number, name in enumerate(names):
        _ip(f"netns add {name}")
        _ip(f"link add {name} type veth peer name eth0 netns {name}")
        _ip(f"link set {name} master {BRIDGE_NAME} up")
        _ip(f"-n {name} addr add {BRIDGE_HOST.rpartition('.')[0]}.{number + 2}/24 dev eth0")
        _ip(f"-n {name} link set eth0 up")


def _remove(names: tuple[str, ...]) -> None:
    """Delete the namespaces and links that exist."""
    for command in (*(f"{kind} del {name}" for name in names for kind in ("link", "netns")), f"link del {BRIDGE_NAME}"):
        try:
            _ip(command)
        except (OSError, subprocess.CalledProcessError):  # does not exist
            continue


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True, capture_output=True)  # noqa: S607  # `ip` is in PATH
