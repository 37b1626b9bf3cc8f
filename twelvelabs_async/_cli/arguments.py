"""Types of arguments that several commands take, and the check for an API key."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter
from cyclopts.validators import Number

from twelvelabs_async._options import API_KEY_VARIABLES
from twelvelabs_async.errors import InvalidInputError

T = TypeVar("T")

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
PositiveInt = Annotated[int, Parameter(validator=Number(gte=1))]
NonNegativeFloat = Annotated[float, Parameter(validator=Number(gte=0))]
PositiveFloat = Annotated[float, Parameter(validator=Number(gt=0))]


def as_text(argument: str) -> str:
    """Return an argument that is sent, such as a query or a name: it is UTF-8, whatever the locale decodes it as.

    Paths stay as they are: they are opened in the encoding of the locale.
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
