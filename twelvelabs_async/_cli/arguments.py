"""Types of arguments that several commands take, the check for an API key, and the client of a command."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import Parameter
from cyclopts.validators import Number

from twelvelabs_async._options import API_KEY_VARIABLES
from twelvelabs_async.errors import InvalidInputError

if TYPE_CHECKING:
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async.client import AsyncTwelveLabs

T = TypeVar("T")

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
PositiveInt = Annotated[int, Parameter(validator=Number(gte=1))]
NonNegativeFloat = Annotated[float, Parameter(validator=Number(gte=0))]
PositiveFloat = Annotated[float, Parameter(validator=Number(gt=0))]


def as_text(argument: str) -> str:
    """Return an argument that will be sent, such as a query or a name, decoded as UTF-8 in each locale.

    Do not pass paths: they are opened in the encoding of the locale.
    """
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument


def run_command(command: Coroutine[Any, Any, T]) -> T:
    """Run a command in a selector event loop, also on Windows: PostgreSQL needs one."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(command)


def run_with_key(command: Coroutine[Any, Any, T]) -> T:
    """Run a command that needs an API key.

    Raises:
        InvalidInputError: The environment contains no API key.
    """
    if any(os.environ.get(name) for name in API_KEY_VARIABLES):
        return run_command(command)
    command.close()
    raise InvalidInputError(f"no API key; set {API_KEY_VARIABLES[0]}, or run `twelvelabs-async demo`, which needs none")


@asynccontextmanager
async def open_client(base_url: str | None, screen: Screen, **options: Any) -> AsyncGenerator[AsyncTwelveLabs]:
    """Open a client with the API key of the environment, and say which proxy it uses, if it uses one.

    Args:
        base_url: Base URL of the API; None is the Twelve Labs API.
        screen: Prints the proxy.
        options: Options of the client.
    """
    from twelvelabs_async.client import AsyncTwelveLabs  # noqa: PLC0415  # help needs no client

    async with AsyncTwelveLabs(base_url=base_url, **options) as client:
        screen.proxy(client.proxy)
        yield client
