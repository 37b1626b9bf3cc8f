"""Which operations share a limit: https://docs.twelvelabs.io/docs/get-started/rate-limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from twelvelabs_async.request import Request

CATEGORIES: Final = {
    "POST /tasks": "index",
    "POST /indexes/{index-id}/indexed-assets": "index",
    "POST /assets": "upload",
    "POST /search": "search",
    "POST /analyze": "analyze",
    "POST /embed/tasks": "embed-video",
}
"""Operations whose category is certain. One that is not here has a budget of its own, and learns what it is told."""

EMBEDDED: Final = ("video", "audio", "text_image", "image", "document", "text")
"""What the other endpoints for embeddings are asked to embed; of several kinds the first, which has the least room."""


def category_of(request: Request[Any]) -> str:
    """The group whose budget a request draws on."""
    operation = request.operation
    if operation in CATEGORIES:
        return CATEGORIES[operation]
    if request.method == "POST" and request.template.startswith("/embed"):
        return _embedding(request)
    return operation


def _embedding(request: Request[Any]) -> str:
    asked = _asked(request)
    kind = next((kind for kind in EMBEDDED if kind in asked), None)
    return request.operation if kind is None else f"embed-{kind.replace('_', '-')}"


def _asked(request: Request[Any]) -> str:
    """Words that name what is to be embedded: the type of the input, its parts, or the fields of a form."""
    if request.form is not None:
        return " ".join([*(name for name, _ in request.form.fields), *(file.name for file in request.form.files)])
    body = _mapping(request.json)
    several = _mapping(body.get("multi_input"))
    sources: object = several.get("media_sources") or ([{"media_type": "text"}] if several else [])
    parts = [_mapping(part) for part in cast("list[object]", sources)] if isinstance(sources, list) else []
    return " ".join([str(body.get("input_type", "")), *(str(part.get("media_type")) for part in parts)])


def _mapping(value: object) -> Mapping[str, Any]:
    """A JSON object; whatever else somebody sends is the server's to refuse."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
