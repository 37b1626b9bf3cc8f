"""Assets and their user metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twelvelabs_async.emulator._api import listing, serializers
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.forms import Form, FormFile
from twelvelabs_async.emulator._api.validation import (
    merge_user_metadata,
    parse_user_metadata,
    parse_user_metadata_json,
    require_choice,
)
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._media import descriptions, media
from twelvelabs_async.emulator._media.media import Asset
from twelvelabs_async.emulator._media.urls import filename_of, url_problem
from twelvelabs_async.emulator._state import progress

if TYPE_CHECKING:
    from twelvelabs_async.emulator._state.service import Service

METHODS = ("direct", "url")
TRANSCRIPTION_PARTS = ("words", "sentences", "utterances")
USER_METADATA_PATH = "/assets/{asset_id}/user-metadata"


async def create_asset(context: RequestContext) -> ApiResponse:
    """POST /assets."""
    async with context.form() as form:
        method = require_choice("method", form.require("method"), METHODS)
        user_metadata = parse_user_metadata_json(form.get("user_metadata"))
        filename, info = await _from_file(context, form) if method == "direct" else _from_url(form)
        asset = add_asset(
            context.service,
            method=method,
            filename=filename,
            media_info=info,
            hls=form.flag("enable_hls", default=True),
            thumbnail=form.flag("enable_thumbnail", default=True),
            user_metadata=user_metadata,
        )
    return ApiResponse(serializers.asset(context.service, asset), 201)


async def _from_file(context: RequestContext, form: Form) -> tuple[str, media.Media]:
    file = form.file("file")
    if file is None:
        raise missing_parameter("file")
    filename = form.get("filename") or file.filename
    return filename, await inspect_form_file(context.service, "file", file, filename, media.MAX_UPLOAD_SIZES["direct"])


async def inspect_form_file(
    service: Service, name: str, file: FormFile, filename: str, limits: dict[str, int]
) -> media.Media:
    """Inspect a file from a form.

    Raises:
        ApiError: The file is empty, or too large for its kind.
    """
    if not file.size:
        raise invalid_parameter(name, "the file is empty")
    info = await service.inspect_media(file.path, filename, file.size, file.digest)
    check_size(info.kind, file.size, limits)
    return info


def check_size(kind: str, size: int, limits: dict[str, int]) -> None:
    """Check the size of a file.

    Raises:
        ApiError: The file is too large for its kind.
    """
    if size > limits[kind]:
        code = {"video": "video_filesize_too_large", "audio": "audio_filesize_too_large"}
        message = f"The file has {size} bytes, and {limits[kind]} are allowed for files of type {kind}."
        raise ApiError(400, code.get(kind, "media_filesize_too_large"), message)


def _from_url(form: Form) -> tuple[str, media.Media]:
    return media_from_url("url", form.require("url"), form.get("filename"))


def media_from_url(name: str, url: str, filename: str | None = None, *, kind: str = "video") -> tuple[str, media.Media]:
    """Return the name and generated properties of the file at a URL; nothing is fetched.

    Args:
        name: The parameter, for the error.
        url: The URL.
        filename: The name, if it is not the one in the URL.
        kind: Kind of a file whose name has no known extension.

    Raises:
        ApiError: The URL is not an http or https URL.
    """
    check_url(name, url)
    filename = filename or filename_of(url)
    known = media.guess_kind(filename) is not None
    info = media.guess_remote_media(filename if known else f"{filename}.{media.DEFAULT_EXTENSIONS[kind]}", url)
    if problem := url_problem(url):
        info = media.Media(kind=info.kind, mime=info.mime, size=0, digest="", problem=problem)
    return filename, info


def check_url(name: str, url: str) -> None:
    """Check that a string is an http or https URL.

    Raises:
        ApiError: It is not.
    """
    if not is_url(url):
        raise invalid_parameter(name, "it must be an http or https URL")


def is_url(text: str) -> bool:
    """Return whether a string is an http or https URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def add_asset(
    service: Service,
    *,
    method: str,
    filename: str,
    media_info: media.Media,
    hls: bool,
    thumbnail: bool,
    user_metadata: dict[str, Any],
    asset_id: str | None = None,
) -> Asset:
    """Create an asset, and start to process it."""
    asset = Asset(
        id=asset_id or service.state.ids.object_id(),
        method=method,
        filename=filename,
        media=service.state.descriptions.apply_to(filename, media_info),
        created_at=service.now(),
        user_metadata=user_metadata,
        hls=hls,
        thumbnail=thumbnail,
    )
    service.state.assets[asset.id] = asset
    return asset


async def list_assets(context: RequestContext) -> ApiResponse:
    """GET /assets."""
    query = context.query
    ids = set(query.getall("asset_ids", []))
    kinds = {require_choice("asset_types", kind, media.MIME_TYPES) for kind in query.getall("asset_types", [])}
    part = query.get("filename", "").lower()
    assets = [
        asset
        for asset in context.service.state.assets.values()
        if (not ids or asset.id in ids) and (not kinds or asset.media.kind in kinds) and part in asset.filename.lower()
    ]
    return listing.page_response(
        context, listing.newest_first(assets), lambda asset: serializers.asset_detail(context.service, asset)
    )


async def retrieve_asset(context: RequestContext) -> ApiResponse:
    """GET /assets/{asset_id}."""
    return ApiResponse(serializers.asset_detail(context.service, context.service.asset(context.path_id("asset_id"))))


async def retrieve_transcription(context: RequestContext) -> ApiResponse:
    """GET /assets/{asset_id}/transcription; 404 for an asset without audio."""
    asset = context.service.asset(context.path_id("asset_id"))
    if not asset.media.has_audio:
        raise ApiError(404, "resource_not_exist", f"The asset {asset.id} has no transcription.")
    # One value may contain several parts, separated by commas.
    included = ",".join(context.query.getall("include", ["words"])).split(",")
    included_parts = {require_choice("include", part, TRANSCRIPTION_PARTS) for part in included}
    status = progress.asset_status(context.service, asset)
    view: dict[str, Any] = {"status": status}
    if status == "ready":
        parts = {
            "words": list(descriptions.spoken_words(asset)),
            "sentences": descriptions.sentences(asset),
            "utterances": [sentence | {"speaker": "A"} for sentence in descriptions.sentences(asset)],
        }
        view |= {part: entries for part, entries in parts.items() if part in included_parts}
    return ApiResponse(view)


async def delete_asset(context: RequestContext) -> ApiResponse:
    """DELETE /assets/{asset_id}; with `force` also if it is in use, and its indexed assets remain."""
    asset = context.service.asset(context.path_id("asset_id"))
    state = context.service.state
    if not context.query_flag("force") and (
        state.videos_of_asset(asset.id) or state.knowledge.references_asset(asset.id)
    ):
        raise ApiError(409, "asset_in_use", f"The asset {asset.id} is in use; pass force=true to delete it anyway.")
    del context.service.state.assets[asset.id]
    return NO_CONTENT


async def replace_user_metadata(context: RequestContext) -> ApiResponse:
    """PUT /assets/{asset_id}/user-metadata."""
    asset = context.service.asset(context.path_id("asset_id"))
    asset.user_metadata = parse_user_metadata(await _requested_metadata(context))
    return NO_CONTENT


async def update_user_metadata(context: RequestContext) -> ApiResponse:
    """PATCH /assets/{asset_id}/user-metadata."""
    asset = context.service.asset(context.path_id("asset_id"))
    asset.user_metadata = merge_user_metadata(asset.user_metadata, await _requested_metadata(context))
    return NO_CONTENT


async def _requested_metadata(context: RequestContext) -> object:
    body = await context.json()
    if "user_metadata" not in body:
        raise missing_parameter("user_metadata")
    return body["user_metadata"]


async def delete_user_metadata(context: RequestContext) -> ApiResponse:
    """DELETE /assets/{asset_id}/user-metadata."""
    context.service.asset(context.path_id("asset_id")).user_metadata = {}
    return NO_CONTENT


OPERATIONS = (
    Operation("GET", "/assets", list_assets),
    Operation("POST", "/assets", create_asset),
    Operation("GET", "/assets/{asset_id}", retrieve_asset),
    Operation("DELETE", "/assets/{asset_id}", delete_asset),
    Operation("GET", "/assets/{asset_id}/transcription", retrieve_transcription),
    Operation("PUT", USER_METADATA_PATH, replace_user_metadata),
    Operation("PATCH", USER_METADATA_PATH, update_user_metadata),
    Operation("DELETE", USER_METADATA_PATH, delete_user_metadata),
)
