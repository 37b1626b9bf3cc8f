"""The command `api`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from twelvelabs_async._cli.arguments import Flag, as_text, run_with_key
from twelvelabs_async.requests import Method


def api(
    method: Method,
    path: str,
    /,
    *,
    raw_field: Annotated[list[str] | None, Parameter(alias="-f", negative=())] = None,
    field: Annotated[list[str] | None, Parameter(alias="-F", negative=())] = None,
    input: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    form: Flag = False,
    paginate: Flag = False,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Send any request and print the JSON of its response, with the retries and rate limits of the other commands.

    The fields of a GET request are sent in its query, those of other requests as a JSON object.

    Examples:
      twelvelabs-async api GET /indexes -F page_limit=5
      twelvelabs-async api POST /indexes --input index.json
      twelvelabs-async api PATCH /assets/66f1a2b3c4d5e6f708192a3b --input metadata.json
      twelvelabs-async api GET /assets --paginate --json | jq -r '.data[]._id'

    API: https://docs.twelvelabs.io/v1.3/api-reference/introduction

    Args:
        method: HTTP method.
        path: Path below the base URL, such as /indexes; may contain a query.
        raw_field: key=value, where the value is a string; may be repeated.
        field: key=value, where true, false, null and integers are JSON, and @file is the content of a file; may be
            repeated.
        input: File with the JSON body; - is standard input.
        form: Send the fields as multipart/form-data.
        paginate: Also request the next pages, and print the response of each.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print each response in one line; messages go to standard error.
    """
    from twelvelabs_async._cli.api import build_request, run_api
    from twelvelabs_async._cli.console import Screen

    request = build_request(
        method, as_text(path), raw_fields=raw_field or (), fields=field or (), input_file=input, form=form
    )
    return run_with_key(run_api(request, paginate=paginate, base_url=base_url, screen=Screen(json=json)))
