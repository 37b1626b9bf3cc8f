"""Searches in knowledge stores."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import fields, paging, seeded, speech, store_matching
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing
from twelvelabs_async.emulator.handlers import knowledge_stores, views

if TYPE_CHECKING:
    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.library import Item
    from twelvelabs_async.emulator.store_matching import Match

KINDS = ("video", "image")
MODALITIES = ("visual", "audio")
_TOKEN = re.compile(r"(\d+)-(\d+)-([0-9a-f]{16})")


async def create(call: Call) -> Reply:
    """POST /knowledge-stores/{knowledge_store_id}/search.

    A page token holds nothing but its page and its end; the search is done anew for each page, from the same body.
    """
    store = knowledge_stores.find(call)
    body = await call.json()
    text = fields.required_text(fields.required_part(body, "query"), "text")
    kinds, ids = _filter(body)
    modalities = _modalities(body, kinds)
    grouped = choice("group_by", body.get("group_by") or "none", ("none", "item")) == "item"
    size = fields.whole(body, "page_size", 1, paging.MOST) or paging.DEFAULT_LIMIT
    with_metadata = fields.flag(body, "include_metadata")
    page = _page(call, store.id, body)
    items = [
        item
        for item in call.world.state.library.items_of(store.id)
        if call.world.item_status(item) == "ready" and _fits(item, kinds, ids)
    ]
    found = store_matching.matches(call.world.settings.seed, text, modalities or [MODALITIES[0]], items)
    groups = store_matching.by_item(found) if grouped else [[match] for match in found]
    start = page * size
    shown = enumerate(groups[start : start + size], start + 1)
    data = [_hit(rank, group, with_metadata=with_metadata) for rank, group in shown]
    view: dict[str, Any] = {"data": data, "effective_search_options": {}}
    if modalities:
        view["effective_search_options"] = {"video": {"modalities": modalities}}
    if start + size < len(groups):
        expires = int(call.world.now() + call.world.timing.token_lifetime)
        view["next_page_token"] = _token(call, store.id, body, page + 1, expires)
    return Reply(view)


def _filter(body: Body) -> tuple[list[str], list[str] | None]:
    """Return the kinds to look for, and the only items to look into, if it is not all."""
    given = fields.part(body, "filter") or {}
    if unheard := given.keys() - {"asset_type", "item_id"}:
        raise invalid("filter", f"there is no field {', '.join(sorted(unheard))}")
    kinds = _condition(given, "asset_type")
    for kind in kinds or []:
        choice("filter.asset_type", kind, KINDS)
    return list(KINDS) if kinds is None else kinds, _condition(given, "item_id")


def _condition(given: Body, name: str) -> list[str] | None:
    condition = fields.part(given, name)
    if condition is None:
        return None
    if len(condition) != 1 or not condition.keys() <= {"eq", "in"}:
        raise invalid(f"filter.{name}", "it must have either eq or in")
    return fields.texts(condition, "in") if "in" in condition else [fields.required_text(condition, "eq")]


def _modalities(body: Body, kinds: list[str]) -> list[str] | None:
    """Return what of a video is compared, or `None` if no videos are."""
    options = fields.part(fields.part(body, "search_options") or {}, "video")
    if "video" not in kinds:
        if options is not None:
            raise invalid("search_options.video", "the filter leaves no videos to search")
        return None
    if options is None:
        return [MODALITIES[0]]
    given = fields.choices(options, "modalities", MODALITIES)
    if given is None:
        raise missing("search_options.video.modalities")
    return given


def _fits(item: Item, kinds: list[str], ids: list[str] | None) -> bool:
    return item.asset.media.kind in kinds and (ids is None or item.id in ids)


def _token(call: Call, store_id: str, body: Body, page: int, expires: int) -> str:
    rest = json.dumps({name: value for name, value in body.items() if name != "page_token"}, sort_keys=True)
    seal = seeded.number("page", call.world.settings.seed, store_id, rest, page, expires)
    return f"{page}-{expires}-{seal:016x}"


def _page(call: Call, store_id: str, body: Body) -> int:
    token = fields.text(body, "page_token")
    if token is None:
        return 0
    parts = _TOKEN.fullmatch(token)
    page, expires = (int(parts[1]), int(parts[2])) if parts else (0, 0)
    if parts is None or token != _token(call, store_id, body, page, expires):
        raise invalid("page_token", "it is none of this search")
    if call.world.now() >= expires:
        raise ApiError(
            410, "search_page_token_expired", "The page token has expired. Repeat the search from its start."
        )
    return page


def _hit(rank: int, group: list[Match], *, with_metadata: bool) -> dict[str, Any]:
    item = group[0].item
    view: dict[str, Any] = {"asset_type": item.asset.media.kind, "rank": rank, "item_id": item.id}
    if with_metadata:
        view["metadata"] = {"system": _system(item), "user": item.metadata}
    if item.asset.media.kind == "video":
        view["matches"] = [_match(match) for match in group]
    return view


def _system(item: Item) -> dict[str, Any]:
    look = item.asset.media
    return views.compact({"duration": look.duration, "width": look.width, "height": look.height, "size": look.size})


def _match(match: Match) -> dict[str, Any]:
    start, end = match.clip or (0.0, 0.0)
    view: dict[str, Any] = {"start_sec": start, "end_sec": end, "modalities": list(match.modalities)}
    heard = speech.within(match.item.asset, start, end)
    return view | ({"transcription": heard} if heard else {})


OPERATIONS = (Operation("POST", knowledge_stores.ONE + "/search", create),)
