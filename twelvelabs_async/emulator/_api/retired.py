"""Models and operations that the platform has retired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import require_choice
from twelvelabs_async.emulator._errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Collection

MODELS = frozenset(
    {
        "marengo2.5",
        "marengo2.6",
        "marengo2.7",
        "Marengo-retrieval-2.6",
        "Marengo-retrieval-2.7",
        "pegasus1",
        "pegasus1.1",
        "pegasus1.2",
    }
)
REPLACEMENTS = {"POST /summarize": "POST /analyze", "POST /gist": "POST /analyze"}
"""Operation to use instead of each retired one."""


def require_model(value: object, models: Collection[str]) -> str:
    """Return the name of a model if it is one of `models`.

    Raises:
        ApiError: The model has been retired, or the operation does not support it.
    """
    if isinstance(value, str) and value in MODELS:
        raise ApiError(400, "parameter_invalid", f"{value} has been sunset. Use one of {', '.join(models)}.")
    return require_choice("model_name", value, models)


def _retire(name: str, replacement: str) -> Operation:
    async def reject(_context: RequestContext) -> ApiResponse:
        raise ApiError(410, "endpoint_deprecated", f"{name} has been removed from the API. Use {replacement}.")

    method, _, path = name.partition(" ")
    return Operation(method, path, reject)


RETIRED_OPERATIONS = tuple(_retire(name, replacement) for name, replacement in REPLACEMENTS.items())
