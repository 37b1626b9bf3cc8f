"""Indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twelvelabs_async.emulator._api import listing, validation
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import (
    JsonObject,
    require_choice,
    required_list,
    required_object_list,
    required_string,
)
from twelvelabs_async.emulator._errors import ApiError
from twelvelabs_async.emulator._json import rfc3339_micros, rfc3339_seconds
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Index
from twelvelabs_async.emulator._state.service import Service

MODELS = ("marengo3.0",)
OPTIONS = ("visual", "audio")
ADDONS = ("thumbnail",)
FAMILIES = ("marengo", "pegasus")


async def create_index(context: RequestContext) -> ApiResponse:
    """POST /indexes."""
    body = await context.json()
    service = context.service
    name = _unused_name(service, body)
    addons = required_list(body, "addons", 0) if "addons" in body else []
    models = [_read_model(model) for model in required_object_list(body, "models")]
    index = add_index(service, name, models, [require_choice("addons", addon, ADDONS) for addon in addons])
    return ApiResponse({"_id": index.id}, 201)


def add_index(service: Service, name: str, models: list[dict[str, Any]], addons: Iterable[str] = ()) -> Index:
    """Create an index."""
    now = service.now()
    index = Index(
        id=service.state.ids.object_id(),
        name=name,
        models=models,
        addons=list(addons),
        created_at=now,
        updated_at=now,
        expires_at=service.index_expiry(),
    )
    service.state.indexes[index.id] = index
    return index


def _unused_name(service: Service, body: JsonObject, excluded_id: str | None = None) -> str:
    name = required_string(body, "index_name")
    if any(index.name == name for index in service.state.indexes.values() if index.id != excluded_id):
        raise ApiError(400, "index_name_already_exists", f"An index named {name} already exists.")
    return name


def _read_model(model: JsonObject) -> dict[str, Any]:
    options = required_list(model, "model_options")
    return {
        "model_name": validation.require_model(model.get("model_name"), MODELS),
        "model_options": [require_choice("model_options", option, OPTIONS) for option in options],
    }


async def list_indexes(context: RequestContext) -> ApiResponse:
    """GET /indexes."""
    query, service = context.query, context.service
    listing.validate_bounds(query)
    if "model_family" in query:
        require_choice("model_family", query["model_family"], FAMILIES)
    indexes = [index for index in service.state.indexes.values() if _matches_filters(context, index)]
    in_order = listing.sort_items(query, indexes, lambda index: index.updated_at)
    return listing.page_response(context, in_order, lambda index: index_view(service, index))


def _matches_filters(context: RequestContext, index: Index) -> bool:
    query = context.query
    options = {option for option in query.get("model_options", "").split(",") if option}
    family = query.get("model_family", "")
    return (
        listing.equals(query, "index_name", index.name)
        and options <= index.options
        and any(model["model_name"].startswith(family) for model in index.models)
        and listing.at_or_after(query, created_at=index.created_at, updated_at=index.updated_at)
    )


async def retrieve_index(context: RequestContext) -> ApiResponse:
    """GET /indexes/{index-id}."""
    return ApiResponse(index_view(context.service, context.index))


async def update_index(context: RequestContext) -> ApiResponse:
    """PUT /indexes/{index-id}."""
    index = context.index
    body = await context.json()
    if "models" in body:
        raise ApiError(400, "index_engine_cannot_be_changed", "The models of an index cannot be changed.")
    if "model_options" in body or "addons" in body:
        raise ApiError(400, "index_option_cannot_be_changed", "The options of an index cannot be changed.")
    index.name = _unused_name(context.service, body, excluded_id=index.id)
    index.updated_at = context.service.now()
    return NO_CONTENT


async def delete_index(context: RequestContext) -> ApiResponse:
    """DELETE /indexes/{index-id}."""
    context.service.state.delete_index(context.index.id)
    return NO_CONTENT


def index_view(service: Service, index: Index) -> dict[str, Any]:
    """Return an index as JSON."""
    videos = progress.ready_videos(service, index.id)
    return {
        "_id": index.id,
        "index_name": index.name,
        "models": index.models,
        "addons": index.addons,
        "video_count": len(videos),
        "total_duration": round(sum(video.asset.media.duration or 0 for video in videos), 3),
        "created_at": rfc3339_micros(index.created_at),
        "updated_at": rfc3339_micros(index.updated_at),
        "expires_at": None if index.expires_at is None else rfc3339_seconds(index.expires_at),
    }


OPERATIONS = (
    Operation("GET", "/indexes", list_indexes),
    Operation("POST", "/indexes", create_index),
    Operation("GET", "/indexes/{index-id}", retrieve_index),
    Operation("PUT", "/indexes/{index-id}", update_index),
    Operation("DELETE", "/indexes/{index-id}", delete_index),
)
