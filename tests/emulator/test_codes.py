"""Every documented error code can be reproduced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Plan, Window, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]

ID = "0" * 24
URL = {"type": "url", "url": "https://example.com/a.mp4"}


@dataclass
class ErrorScenario:
    """Sends the requests that are rejected."""

    emulator: Emulator
    call: SendRequest
    form: Form
    make_index: CreateResource
    make_asset: CreateResource
    advance: Callable[[float], None]

    async def index(self, content: bytes) -> Any:
        """Index a file."""
        asset, index = await self.make_asset("a.mp4", content), await self.make_index()
        self.advance(1000)
        return await self.call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset})

    async def search(self, *options: str, **fields: Any) -> Any:
        """Search an index that has only the option `visual`."""
        index = await self.make_index("films", "visual")
        fields_with_defaults = {
            "index_id": index,
            "search_options": list(options) or ["visual"],
            "query_text": "a",
            **fields,
        }
        return await self.call("POST", "/search", data=self.form(**fields_with_defaults))

    async def analyze(self, **body: Any) -> Any:
        """Send an analysis request."""
        return await self.call("POST", "/analyze", json={"video": URL, "prompt": "What?", "stream": False, **body})

    async def create_twice(self, body: Any) -> Any:
        """Create the same index twice."""
        await self.call("POST", "/indexes", json=body)
        return await self.call("POST", "/indexes", json=body)

    async def update_index(self, **body: Any) -> Any:
        """Change an index."""
        return await self.call("PUT", f"/indexes/{await self.make_index()}", json={"index_name": "a", **body})

    async def embed(self, content: bytes) -> Any:
        """Embed a file in a task."""
        return await self.call(
            "POST", "/embed/tasks", data=self.form("a.mp4", model_name="marengo3.0", video_file=content)
        )

    async def delete_early(self) -> Any:
        """Delete a task that is being processed."""
        form = self.form("a.mp4", index_id=await self.make_index(), video_file=samples.video(60))
        _, task = await self.call("POST", "/tasks", data=form)
        return await self.call("DELETE", f"/tasks/{task['_id']}")

    async def with_plan(self, plan: Plan, send_request: Callable[[], Awaitable[Any]]) -> Any:
        """Send a request under a rate-limit plan."""
        self.emulator.plan = plan
        return await send_request()

    async def inject_error(self, status: int, code: str) -> Any:
        """Inject an error that depends on accounts, which the emulator does not have."""
        self.emulator.faults.add("GET /indexes", status=status, body=f'{{"code": "{code}", "message": "No."}}')
        return await self.call("GET", "/indexes")


MODEL = {"model_name": "marengo3.0", "model_options": ["visual"]}
ONE_MINUTE = Plan(total_minutes=1)

SCENARIOS: dict[str, Callable[[ErrorScenario], Awaitable[Any]]] = {
    "parameter_invalid": lambda s: s.call("POST", "/indexes", json={"index_name": 5, "models": [MODEL]}),
    "parameter_not_provided": lambda s: s.call("POST", "/indexes", json={}),
    "parameter_unknown": lambda s: s.analyze(video_id=ID),
    "resource_not_exist": lambda s: s.call("GET", f"/assets/{ID}"),
    "api_upgrade_required": lambda s: s.call("GET", "../v1.2/indexes"),
    "index_option_cannot_be_changed": lambda s: s.update_index(addons=[]),
    "index_engine_cannot_be_changed": lambda s: s.update_index(models=[MODEL]),
    "index_name_already_exists": lambda s: s.create_twice({"index_name": "a", "models": [MODEL]}),
    "video_resolution_too_low": lambda s: s.index(samples.video(60, width=320, height=240)),
    "video_resolution_too_high": lambda s: s.index(samples.video(60, width=6000, height=3000)),
    "video_resolution_invalid_aspect_ratio": lambda s: s.index(samples.video(60, width=1600, height=400)),
    "video_duration_too_short": lambda s: s.index(samples.video(1)),
    "video_duration_too_long": lambda s: s.index(samples.video(5 * 3600)),
    "video_file_broken": lambda s: s.embed(b"no film"),
    "task_cannot_be_deleted": lambda s: s.delete_early(),
    "usage_limit_exceeded": lambda s: s.with_plan(ONE_MINUTE, lambda: s.index(samples.video(90))),
    "search_option_not_supported": lambda s: s.search("audio"),
    "search_option_combination_not_supported": lambda s: s.search(transcription_options=["lexical"]),
    "search_filter_invalid": lambda s: s.search(filter="no"),
    "too_many_requests": lambda s: s.with_plan(Plan(default=Window(0)), lambda: s.call("GET", "/indexes")),
    "content_type_invalid": lambda s: s.call("POST", "/search", json={}),
    "api_allowed_for_paid_plan": lambda s: s.inject_error(403, "api_allowed_for_paid_plan"),
    "api_not_allowed": lambda s: s.inject_error(403, "api_not_allowed"),
    "unauthorized": lambda s: s.inject_error(401, "unauthorized"),
    "region_not_allowed": lambda s: s.inject_error(403, "region_not_allowed"),
    "request_canceled_or_timed_out": lambda s: s.inject_error(408, "request_canceled_or_timed_out"),
}
"""Error codes, and the request that each is the response to.

Other modules test the codes of keys (`api_key_invalid`), of large files (`video_filesize_too_large`), of tokens
(`token_limit_exceeded`, `search_page_token_expired`), of batches, and of redirect URIs. No request can cause
`tags_not_allowed`, because no parameter takes tags, or `index_not_supported_for_*`, because every index can be searched
and no analysis uses an index.
"""


@pytest.mark.parametrize("code", SCENARIOS)
async def test_a_documented_code_can_be_reproduced(
    emulator: Emulator,
    call: SendRequest,
    form: Form,
    make_index: CreateResource,
    make_asset: CreateResource,
    advance: Callable[[float], None],
    code: str,
) -> None:
    scenario = ErrorScenario(emulator, call, form, make_index, make_asset, advance)
    status, body = await SCENARIOS[code](scenario)
    assert status >= 400
    assert body.get("error", body)["code"] == code


async def test_the_total_minutes_of_a_plan_do_not_reset(
    emulator: Emulator,
    call: SendRequest,
    make_index: CreateResource,
    make_asset: CreateResource,
    advance: Callable[[float], None],
) -> None:
    emulator.plan = Plan(total_minutes=3)
    index, asset = await make_index(), await make_asset("a.mp4", samples.video(60))
    statuses: list[int] = []
    for _ in range(4):
        advance(86_400)
        statuses.append((await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset}))[0])
    assert statuses == [202, 202, 202, 400]
    assert (await call("GET", "/indexes"))[0] == 200
