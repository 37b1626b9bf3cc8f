"""`twelvelabs-async api`: send any request, as `gh api` does for GitHub."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qs, quote

import attrs

from twelvelabs_async._cli.arguments import as_text, open_client
from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.requests import Form, Method

_LITERALS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}

_PATH_CHARACTERS: Final = "/%:@!$&'()*+,;=~-._"
"""Characters of a path that are not escaped, besides letters and digits."""


@attrs.frozen(kw_only=True)
class CommandRequest:
    """A request of the command."""

    method: Method
    path: str
    query: dict[str, Any]
    json: Any = None
    form: Form | None = None


def build_request(
    method: Method, path: str, *, raw_fields: Sequence[str], fields: Sequence[str], input_file: str | None, form: bool
) -> CommandRequest:
    """Return the request that the arguments describe.

    Args:
        method: HTTP method.
        path: Path below the base URL, with a query or without.
        raw_fields: `key=value`, each value a string.
        fields: `key=value`, with `true`, `false`, `null` and numbers as in JSON, and `@file` for the text of a file.
        input_file: File with the JSON body, or `-` for standard input.
        form: Whether to send the fields as a form.

    Raises:
        InvalidInputError: An argument cannot be used, or a file cannot be read.
    """
    path_only, _, query_text = path.partition("?")
    if not path.startswith("/") or path.startswith("//") or "#" in path:
        raise InvalidInputError(f"PATH must start with one slash, as in /indexes, got {path!r}")
    values: dict[str, Any] = dict(_split_field(text, "--raw-field", as_text) for text in raw_fields)
    values |= dict(_split_field(text, "--field", _typed) for text in fields)
    query: dict[str, Any] = parse_qs(query_text, keep_blank_values=True)
    encoded_path = quote(path_only, safe=_PATH_CHARACTERS, errors="surrogateescape")
    if input_file is not None and values and method != "GET":
        raise InvalidInputError("pass fields or --input, not both")
    if input_file is not None and form:
        raise InvalidInputError("--input sends JSON; pass the fields of a form as --field or --raw-field")
    body = None if input_file is None else _read_json(input_file)
    if method == "GET":
        return CommandRequest(method=method, path=encoded_path, query={**query, **values}, json=body)
    if form:
        parts = tuple((name, value if isinstance(value, str) else json.dumps(value)) for name, value in values.items())
        return CommandRequest(method=method, path=encoded_path, query=query, form=Form(fields=parts))
    return CommandRequest(method=method, path=encoded_path, query=query, json=values or body)


def _split_field(text: str, option: str, convert: Callable[[str], Any]) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise InvalidInputError(f"{option} must be key=value, got {text!r}")
    return as_text(name), convert(value)


def _typed(value: str) -> Any:
    if value in _LITERALS:
        return _LITERALS[value]
    if value.startswith("@"):
        return _read_text(value[1:], "--field")
    try:
        return int(value)
    except ValueError:
        return as_text(value)


def _read_text(path: str, option: str) -> str:
    stdin = sys.stdin
    if path == "-" and stdin is None:
        raise InvalidInputError(f"{option} - reads standard input, which is closed")
    try:
        if path == "-" and isinstance(stdin, io.TextIOWrapper):
            stdin.reconfigure(encoding="utf-8", errors="strict")
        return stdin.read() if path == "-" else Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidInputError(f"{option} cannot be read from {path}: {reason}") from None


def _read_json(path: str) -> Any:
    text = _read_text(path, "--input")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"--input must be JSON: {error}") from None


async def run_api(request: CommandRequest, *, paginate: bool, base_url: str | None, screen: Screen) -> ExitCode:
    """Send a request and print the JSON of its response, or of all pages."""
    async with open_client(base_url, screen) as client:
        following: CommandRequest | None = request
        while following is not None:
            body = await client.request(
                following.method, following.path, query=following.query, json=following.json, form=following.form
            )
            if body:
                screen.print_document(body)
            following = _next_page(following, body) if paginate and not screen.is_output_lost else None
    return ExitCode.OK


def _next_page(request: CommandRequest, body: Mapping[str, Any]) -> CommandRequest | None:
    """Return the request for the next page: by its number, or by the token that the response contains."""
    page_info: Any = body.get("page_info")
    info = cast("dict[str, Any]", page_info) if isinstance(page_info, dict) else {}
    number, last = info.get("page"), info.get("total_page")
    if isinstance(number, int) and isinstance(last, int):
        return attrs.evolve(request, query={**request.query, "page": number + 1}) if number < last else None
    token = info.get("next_page_token")
    if not isinstance(token, str) or not token:
        return None
    if request.path.startswith("/search"):
        return CommandRequest(method="GET", path=f"/search/{quote(token, safe='')}", query={})
    return attrs.evolve(request, query={**request.query, "page_token": token})
