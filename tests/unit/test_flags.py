"""Boolean arguments reject other values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError
from twelvelabs_async.workers import submit

MODELS: Final = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
LEDGER: Final = "postgresql://127.0.0.1:9/films"

CALLS: Final[dict[str, Callable[[AsyncTwelveLabs, Any], Awaitable[object]]]] = {
    "wait": lambda client, value: client.assets.upload(b"film", filename="film.mp4", wait=value),
    "allow_other_models": lambda client, value: client.indexes.ensure("films", MODELS, allow_other_models=value),
    "retry_failed": lambda client, value: client.ingest("films", index_id="i", retry_failed=value).summary(),
    "retry_failed of submit": lambda _, value: submit(LEDGER, "films", index_id="i", retry_failed=value),
}


@pytest.mark.parametrize("value", ["no", 1, 0, None, {1: 2}])
@pytest.mark.parametrize("name", CALLS)
async def test_a_flag_that_is_not_a_bool_is_rejected_before_a_request_is_sent(name: str, value: Any) -> None:
    client = AsyncTwelveLabs("key", base_url="http://127.0.0.1:9/v1.3")
    with pytest.raises(InvalidInputError, match=f"{name.split(maxsplit=1)[0]} must be True or False"):
        await CALLS[name](client, value)
