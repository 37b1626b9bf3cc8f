"""Convert models to plain JSON types and back."""

from __future__ import annotations

from typing import Any, TypeVar

from twelvelabs_async._codec import converter

_T = TypeVar("_T")


def to_dict(value: Any) -> Any:
    """Convert a model, or any nesting of models, to plain JSON types under the API's field names.

    Fields that are None are left out.

    Example:
        found = await client.assets.retrieve(asset.id)
        print(to_dict(found)["filename"])  # sailing.mp4
    """
    return converter.to_dict(value)


def from_dict(data: Any, target_type: type[_T]) -> _T:
    """Convert plain JSON types to `target_type`: the reverse of `to_dict`.

    Raises:
        MalformedResponseError: `data` has another shape; `path` on the error says where.

    Example:
        found = from_dict({"_id": "1", "status": "ready", "method": "direct", "filename": "sailing.mp4"}, Asset)
        print(found.filename)  # sailing.mp4
    """
    return converter.structure(data, target_type)
