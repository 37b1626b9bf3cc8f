"""A network namespace for each worker, joined by a bridge that leads nowhere else; needs root and Debian's iproute2."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Generator

Wish = Literal["auto", "on", "off"]

BRIDGE: Final = "tlfleet"
NET: Final = "10.213.7.0/24"
HOST: Final = "10.213.7.1"
"""Where the platform, the database and the budget store listen, for workers in namespaces."""


@attrs.frozen
class Place:
    """Where workers run."""

    host: str = ""
    """The address at which they find the others; empty is this machine's own."""
    names: tuple[str, ...] = ()
    """Their namespaces."""

    def command(self, number: int) -> list[str]:
        """What goes before the command of one of them. It becomes that command, so that a kill hits the worker."""
        return ["ip", "netns", "exec", self.names[number % len(self.names)]] if self.names else []


@contextmanager
def namespaces(wish: Wish, size: int) -> Generator[Place]:
    """Namespaces for as long as the block, as far as they are wished for and the machine allows them.

    Raises:
        SystemExit: They are wished for in any case, and the machine does not allow them.
    """
    if wish == "off":
        yield Place()
        return
    names = tuple(f"{BRIDGE}-{number}" for number in range(size))
    try:
        try:
            _remove(names)  # what a run that was killed has left
            _make(names)
            place = Place(HOST, names)
        except (OSError, subprocess.CalledProcessError) as error:
            if wish == "on":
                raise SystemExit(f"no network namespaces here: {error}") from None
            place = Place()
        yield place
    finally:
        _remove(names)


def _make(names: tuple[str, ...]) -> None:
    _ip(f"link add {BRIDGE} type bridge")
    _ip(f"addr add {HOST}/24 dev {BRIDGE}")
    _ip(f"link set {BRIDGE} up")
    for number, name in enumerate(names):
        _ip(f"netns add {name}")
        _ip(f"link add {name} type veth peer name eth0 netns {name}")
        _ip(f"link set {name} master {BRIDGE} up")
        _ip(f"-n {name} addr add {HOST.rpartition('.')[0]}.{number + 2}/24 dev eth0")
        _ip(f"-n {name} link set eth0 up")


def _remove(names: tuple[str, ...]) -> None:
    """Whatever of it is there."""
    for command in (*(f"{kind} del {name}" for name in names for kind in ("link", "netns")), f"link del {BRIDGE}"):
        try:
            _ip(command)
        except (OSError, subprocess.CalledProcessError):  # it was not made
            continue


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True, capture_output=True)  # noqa: S607  # wherever Debian has it
